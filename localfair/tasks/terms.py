r"""Whether a number is a part of something that has another value: `3x`, `\sin 30`, `0.3...`, `101_2`.

Reads a text and writes nothing. Knows no numbers, no task. Ours.
"""

from __future__ import annotations

import re

_NEAREST = 40  # characters before a number in which its function stands
# \sin 30, \lfloor 3.7, the cube root of 27, half of 10, twice 5
_FUNCTION = re.compile(
    r"""(?:\\(?:a?(?:rc)?(?:sin|cos|tan|cot|sec|csc)h?|ln|log|lg|exp|lfloor|lceil|binom|tbinom|dbinom|det|gcd|lcm|max|min|bmod|pmod)\b
        |(?<![\w\\])(?:sin|cos|tan|ln|log|exp|cbrt|floor|ceil|abs|round|factorial)(?=[\s(\d_])
        |[³∛∜⌊⌈]√?
        |\b(?:cube|square|fourth|nth)\sroot\sof
        |\b(?:square|cube|half|factorial|reciprocal|inverse|logarithm|multiple|double|triple)\sof
        |\b(?:twice|double|triple|thrice|half)(?=\s))
        (?:_\{?\w{1,4}\}?)?[\s({$^]{0,4}(?:the\s|a\s)?[$€£]?$""",
    re.IGNORECASE | re.VERBOSE,
)
_TERM = re.compile(
    r"""_\{?\d                                             # 101_2
      | \s?[xyz]\^                                        # 3x^2
      | (?:[yzni]|e)(?![A-Za-z\d'])                       # 3y, 3i
      | x(?![A-Za-z'])(?!\s?[\d$(\\√.])                   # 3x, and not 3x4
      | \s?(?:factorial|mod|modulo|choose)\b
      | \.?\s?\\(?:overline|bar|dot|overset|%)(?=[\s{\d])  # 0.\overline{3}
      | \)\s?(?:\^|\*\*|[²³⁴-⁹])                           # (2)^3
    """,
    re.VERBOSE,
)
_REPEATS = re.compile(r"\.{2,}|…")
_DECIMAL = re.compile(r"\d\.\d+$")
_RAISED_BRACKET = re.compile(r"\)\s?(?:\^|\*\*|[²³⁴-⁹])")


def is_argument(text: str, start: int) -> bool:
    """Whether a function or a multiple stands right before the number that begins at `start`."""
    return _FUNCTION.search(text, max(0, start - _NEAREST), start) is not None


def is_term(text: str, start: int, end: int) -> bool:
    """Whether what stands right after the number from `start` to `end` makes it a part of a term."""
    term = _TERM.match(text, end)
    if term:
        is_in_bracket = text[max(0, start - 1) : start] in ("(", "-")
        return is_in_bracket or not _RAISED_BRACKET.match(text, end)
    # 0.333... goes on
    if _REPEATS.match(text, end) and _DECIMAL.search(text, max(0, end - 20), end):
        return True
    # |-5|
    return text[start - 1 : start] == "|" and text[end : end + 1] == "|" and text[start] in "-—"
