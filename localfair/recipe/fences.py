r"""Fences: marks around text that a model wrote, where a prompt quotes it.

    <<<kwzb
    The answer is 12. (5)
    kwzb>>>

A mark is letters alone, so that no digit of it is read as a score, and consonants alone, so that it
is no word. It is a keyed hash of the template's name and the text inside: a rerun renders the same
bytes, a demonstration keeps its mark, and the mark under which a text is judged stands in no prompt
that its author saw. What reviewers read quotes no score in brackets. Reads text and writes nothing;
knows nothing of templates. Ours.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable

LETTERS = "bcdfghjklmnpqrstvwxz"
SHORTEST = 4  # letters of a mark, where no text holds it: a reviewer reads it twice a fence
REVIEW = "review-"  # how the names of the templates begin that reviewers read

_OPENING = re.compile(rf"<<<([{LETTERS}]{{{SHORTEST},}})$", re.MULTILINE)
_CLOSING = re.compile(rf"^([{LETTERS}]{{{SHORTEST},}})>>>", re.MULTILINE)

# Square brackets of every script, and what Unicode holds for their like.
_OPEN = "\\[［【〔〖〘〚⁅⟦⦋⦍⦏﹝❲｢「『"
_CLOSE = "\\]］】〕〗〙〛⁆⟧⦌⦎⦐﹞❳｣」』"
_LONGEST_MARK = 60  # characters between brackets; what is longer is no score
_BRACKETED = re.compile(
    rf"[{_OPEN}](?:[\s{_OPEN}]{{0,20}}[{_OPEN}])?"
    rf"(?P<inside>[^{_OPEN}{_CLOSE}]{{1,{_LONGEST_MARK}}})"
    rf"[{_CLOSE}](?:[\s{_CLOSE}]{{0,20}}[{_CLOSE}])?"
)
_TO_PARENTHESES = {
    **{ord(bracket): "(" for bracket in _OPEN.replace("\\", "")},
    **{ord(bracket): ")" for bracket in _CLOSE.replace("\\", "")},
}
_NUMBER = re.compile(r"\d{1,9}(?:[.,]\d{1,9})?|[^\W\d_]+")
_WORDS = frozenset(
    ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "half")
)
_HIGHEST = 10  # a scale of 10 tempts as well


def fenced(text: str, template: str, key: bytes) -> str:
    """`text` between marks that do not stand in it. Reviewers see `(5)` where it says `[5]`."""
    if template.startswith(REVIEW):
        text = without_bracketed_scores(text)
    mark = _mark(text, template, key)
    return f"<<<{mark}\n{text}\n{mark}>>>"


def marks_in(contents: Iterable[str]) -> frozenset[str]:
    """The marks of the fences in a prompt's messages."""
    marks: set[str] = set()
    for content in contents:
        # where each mark closes last
        closed = {closing[1]: closing.start() for closing in _CLOSING.finditer(content)}
        for opening in _OPENING.finditer(content):
            mark = opening[1]
            if opening.end() < closed.get(mark, 0):
                marks.add(mark)
    return frozenset(marks)


def repeats_mark(text: str, marks: Iterable[str]) -> bool:
    """Whether a text repeats one of the marks, as a word of its own, in large or small letters."""
    words = frozenset(re.findall(r"[a-z]+", text.lower()))
    return not words.isdisjoint(marks)


def without_bracketed_scores(text: str) -> str:
    """The text with parentheses for the brackets around every score: `[5]`, `【5】`, `[Score: 4/5]`."""
    return _BRACKETED.sub(_in_parentheses, text)


def _in_parentheses(match: re.Match[str]) -> str:
    bracketed = match[0]
    return bracketed.translate(_TO_PARENTHESES) if _is_score(match["inside"]) else bracketed


def _is_score(inside: str) -> bool:
    """Whether a reader could take what stands in brackets for a score: it holds a small number."""
    plain = unicodedata.normalize("NFKC", inside).lower()
    return any(_is_small(number) for number in _NUMBER.findall(plain))


def _is_small(number: str) -> bool:
    """Whether digits, a word or a sign say a number from 0 to 10."""
    if number[0].isdecimal():
        return float(number.replace(",", ".")) <= _HIGHEST
    if len(number) == 1:
        # the numerals of other scripts
        return 0 <= unicodedata.numeric(number, -1) <= _HIGHEST
    return number in _WORDS


def _mark(text: str, template: str, key: bytes) -> str:
    """The shortest beginning of the keyed hash that does not stand in the text."""
    lowered = text.lower()
    keyed = hashlib.blake2b(digest_size=64, key=key)
    keyed.update(f"{template}\0{text}".encode())
    number = int.from_bytes(keyed.digest())
    mark = ""
    while len(mark) < SHORTEST or mark in lowered:
        number, letter = divmod(number, len(LETTERS))
        mark += LETTERS[letter]
    return mark
