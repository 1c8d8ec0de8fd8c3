"""Whether two texts say the same, where an answer is neither number, choice nor yes or no.

Reads texts and writes nothing. Knows no task. Case, spaces, quotation marks and the punctuation of
sentences do not count. Signs that change the meaning do: `x + y` is not `x - y`, `3-5` is not
`3/5`, `-5 °C` is not `5 °C`. Ours.
"""

from __future__ import annotations

import re
import unicodedata

from localfair.tasks.statements import clean
from localfair.tasks.words import join_spelt

# U.S., e.g., y.a.j.o
_ACRONYM = re.compile(r"\b[^\W\d_](?:\.[^\W\d_])+\b\.?")
# 3 - 5, 12 / 24
_SPACED = re.compile(r"(?<=\d)\s*([-:/])\s*(?=\d)")
# the hyphen of a word or of a list, and a dash between words; not the minus of -5 and -x
_HYPHEN = re.compile(r"(?<=[^\W\d_])-|(?<=\d)-(?=[^\W\d_])|-(?=\s|$)")
# x - y, x-y
_MINUS = re.compile(r"(?<!\w)(\w)\s*-\s*(?=\w(?!\w))")
_TOKEN = re.compile(
    r"\d+(?:[.:/-]\d+)*[^\W\d_]*"  # 1.2.3, 12/24/2023, 12:30, 3-5, 1st
    r"|[^\W\d_][^\W_]*"  # words
    r"|[-+*/=<>^%$€£¥°#&|~@√±×÷≤≥≠≈]"
)


def composed(text: str) -> str:
    """Letters with accents as single characters (NFC)."""
    return unicodedata.normalize("NFC", text)


def tokens(text: str) -> tuple[str, ...]:
    """The words and the signs that count, in small letters."""
    text = clean(text).casefold().replace("'", "")
    text = _ACRONYM.sub(lambda match: match[0].replace(".", ""), text)
    text = _SPACED.sub(r"\1", text)
    text = _MINUS.sub("\\1 \N{MINUS SIGN} ", text)
    text = _HYPHEN.sub(" ", text)
    return tuple(_TOKEN.findall(text.replace("\N{MINUS SIGN}", " - ")))


def same_text(said: str, gold: str) -> bool:
    """Whether what was said is the gold; letters that were spelt out spell a gold of one word."""
    expected = tokens(gold)
    if tokens(said) == expected:
        return True
    is_one_word = len(expected) == 1 and expected[0].isalpha()
    return is_one_word and tokens(join_spelt(said)) == expected
