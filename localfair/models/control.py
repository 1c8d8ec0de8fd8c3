"""Control tokens that a text spells: found, and written so that they stay text.

Pure. Knows nothing of templates and tokenizers.
"""

from __future__ import annotations

from collections.abc import Iterable


def as_text(control: Iterable[str], text: str) -> str:
    """The text with a space inside each control token that it spells: quoting one ends no turn
    (ours).

    The space stands after the token's first visible character. A token of one visible character is
    left as it is: no space can break it.
    """
    # It ends. A space goes between two neighbours that are no spaces, of which there are ever fewer,
    # or makes a gap inside a token wider than in that token, and no token has a gap wider than itself.
    breakable = [token for token in control if len(token.strip(" ")) > 1]
    token = first_spelled(breakable, text)
    while token is not None:
        text = text.replace(token, _broken(token))
        token = first_spelled(breakable, text)
    return text


def first_spelled(control: Iterable[str], text: str) -> str | None:
    """The first of the control tokens that the text spells out."""
    for token in control:
        if token in text:
            return token
    return None


def _broken(token: str) -> str:
    indent = len(token) - len(token.lstrip(" "))
    return token[: indent + 1] + " " + token[indent + 1 :]
