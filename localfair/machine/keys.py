"""A key that a server is asked with: checked before it is sent, taken out of all that comes back.

A server may quote its key in an error, a log or a reply, as it is or written in another way; what
this machine prints and records then holds HIDDEN in its place. Pure; knows nothing of where a key
is kept.
"""

from __future__ import annotations

import base64
import json
import re
from functools import cache
from urllib.parse import quote, quote_plus

from localfair.errors import UsageError

HIDDEN = b"[key]"
# A shorter key is in too many words to be taken out of them; nobody guesses that it is a secret.
SHORTEST = 6
# what servers without a key are given, and what they may say of themselves
PLACEHOLDERS = frozenset(
    {"dummy-key", "llamacpp", "lm-studio", "lmstudio", "no-key-required", "not-needed", "ollama"}
    | {"placeholder", "sk-no-key-required", "token-abc123"}
)
JSON_ESCAPE = re.compile(rb"\\u00(2[013-9a-fA-F]|[34][0-9a-fA-F]|5[0-9abd-fABD-F]|[67][0-9a-fA-F])")


def checked(key: str, name: str) -> str:
    """A key without the white space around it. `name` is where it stands, for an error.

    Raises UsageError, which does not quote the key, when no HTTP header may hold it.
    """
    stripped = key.strip()
    for position, character in enumerate(stripped, start=1):
        if not character.isprintable() or ord(character) > 0xFF:
            raise UsageError(
                f"{name} holds a character that no key has, at position {position}",
                "set it again, to the key alone: letters, digits and signs on one line",
            )
    return stripped


def taken_out(content: bytes, key: str) -> bytes:
    """The content without the key, in whichever usual way it is written there."""
    if not key:
        return content
    spellings = _spellings(key)
    for spelling in spellings:
        content = content.replace(spelling, HIDDEN)
    if rb"\u00" in content:
        unescaped = JSON_ESCAPE.sub(lambda match: bytes([int(match[1], 16)]), content)
        if any(spelling in unescaped for spelling in spellings):
            return taken_out(unescaped, key)
    return content


def taken_out_of_text(text: str, key: str) -> str:
    """`taken_out` for a text."""
    return taken_out(text.encode(errors="surrogatepass"), key).decode(errors="replace")


@cache
def _spellings(key: str) -> tuple[bytes, ...]:
    """The ways a key may be written, the longest first; none when it is no secret."""
    if len(key) < SHORTEST or key.lower() in PLACEHOLDERS:
        return ()
    raw = key.encode()
    percent = quote(key, safe="")
    lower_percent = re.sub("%..", lambda match: match[0].lower(), percent)
    in_json = json.dumps(key)[1:-1]
    texts = {key, percent, lower_percent, quote_plus(key), in_json, in_json.replace("/", r"\/")}
    texts |= {raw.hex(), raw.hex().upper(), repr(key)[1:-1]}
    spellings = {text.encode() for text in texts}
    spellings |= {key.encode("latin-1", "ignore"), *_in_base64(raw)}
    return tuple(sorted(spellings, key=len, reverse=True))


def _in_base64(raw: bytes) -> set[bytes]:
    """The letters that a key gives in base64, wherever it stands in what is encoded."""
    spellings = set()
    for before in range(3):
        first = -(-before * 8 // 6)
        end = (before + len(raw)) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            spellings.add(encode(bytes(before) + raw)[first:end])
    return spellings
