"""Whether two texts say the same, where an answer is neither number, choice nor yes or no.

Reads texts and writes nothing. Knows no task. Case, spaces, quotation marks and the punctuation of
sentences do not count. Signs that change the meaning do: `x + y` is not `x - y`, `3-5` is not
`3/5`, `-5 °C` is not `5 °C`. Ours.
"""

from __future__ import annotations

import re
import unicodedata

from localfair.tasks.cleaning import clean
from localfair.tasks.words import join_spelt

# U.S., e.g., y.a.j.o
_ACRONYM = re.compile(r"\b[^\W\d_](?:\.[^\W\d_])+\b\.?")
# 3 - 5, 12 / 24
_SPACED = re.compile(r"(?<=\d)\s*([-:/])\s*(?=\d)")
# the hyphen of a word or of a list, and a dash between words; not the minus of -5 and -x
_HYPHEN = re.compile(r"(?<=[^\W\d_])-|(?<=\d)-(?=[^\W\d_])|-(?=\s|$)")
# x - y, x-y
_MINUS = re.compile(r"(?<!\w)(\w)\s*-\s*(?=[^\W\d_](?!\w))|(?<!\w)([^\W\d_])\s*-\s*(?=\w(?!\w))")
# $x + y$
_FORMULA = re.compile(r"\$([^$]+)\$")
# 12 km and 12km
_UNIT_SPACE = re.compile(r"(?<=\d)\s+(?=[^\W\d_])")
_DENIAL = re.compile(r"\b(?:not|never|cannot)\b|n't\b", re.IGNORECASE)
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
    formula = _FORMULA.fullmatch(text.strip(" ."))
    text = formula[1] if formula else text
    text = _ACRONYM.sub(lambda match: match[0].replace(".", ""), text)
    text = _SPACED.sub(r"\1", text)
    text = _MINUS.sub("\\1\\2 \N{MINUS SIGN} ", text)
    text = _HYPHEN.sub(" ", text)
    return tuple(_TOKEN.findall(text.replace("\N{MINUS SIGN}", " - ")))


def same_text(said: str, gold: str) -> bool:
    """Whether what was said is the gold; letters that were spelt out spell a gold of one word."""
    expected = tokens(gold)
    if tokens(said) == expected:
        return True
    if tokens(_UNIT_SPACE.sub("", said)) == tokens(_UNIT_SPACE.sub("", gold)):
        return True
    is_one_word = len(expected) == 1 and expected[0].isalpha()
    return is_one_word and tokens(join_spelt(said)) == expected


def is_word(gold: str) -> bool:
    """Whether a gold is one word, whatever stands around it in a reply."""
    words = tokens(gold)
    return len(words) == 1 and words[0].isalnum() and not words[0][0].isdigit()


def is_figure(gold: str) -> bool:
    """Whether a gold is one group of digits, such as a date, a time, a range or 007."""
    words = tokens(gold)
    return len(words) == 1 and words[0][0].isdigit()


def only_figure(sentence: str) -> str | None:
    """The one group of digits in a sentence; None when there are others or it is denied."""
    figures = {token for token in tokens(sentence) if token[0].isdigit()}
    if len(figures) != 1 or _DENIAL.search(sentence):
        return None
    return figures.pop()


def is_cut(word: str, text: str) -> bool:
    """Whether a word of the text is nowhere whole: the C of `C++` and of `C#`."""
    glued = re.search(rf"(?<!\w){re.escape(word)}[+#^]", text)
    whole = re.search(rf"(?<!\w){re.escape(word)}(?![\w+#^])", text)
    return glued is not None and whole is None
