"""Which of the offered choices a text settles on. Reads a text, writes nothing, knows no task.

A letter or a choice's own text counts; two different choices in the final statement, or none,
cannot be told. The article "a" is no letter. Ours.
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence

from localfair.tasks.statements import clean, last_sentence, statements

LETTERS = string.ascii_uppercase
_NEGATION = re.compile(
    r"\b(?:not|never|no|cannot|neither|nor|wrong|incorrect)\b|n't\b", re.IGNORECASE
)
_REJECTED = re.compile(
    r"\b(?:not|rather than|instead of)\s+(?:(?:option|choice|answer)\s+)?"
    r"(?:\([A-Za-z]\)|[A-Z]\b|[a-z]\b(?!\s+\w))"
)
_ALONE = re.compile(r"\W*(?:(?:option|choice|answer|letter)\s+)?\(?([A-Za-z])\)?\W*", re.IGNORECASE)
_LEADING = re.compile(
    r"[\s\"'*]*(?:(?:option|choice|answer|letter)\s+)?(?:\(([A-Za-z])\)|([A-Za-z])[.):](?=\s|$))\s*(.*)",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"\(([A-Za-z])\)|\b(?:[Oo]ption|[Cc]hoice|[Ll]etter)\s+\(?([A-Za-z])\b|(?<![\w'.-])([A-Z])(?![\w'-])(?!\.\w)"
)
_NEXT_WORD = re.compile(
    r"\s+(?!(?:because|since|as|and|or|for|is|was|which|due|based|would|must|but)\b)\w"
)
_VERDICT = re.compile(
    r"^(?P<what>.+?)\s+(?:is|would be)\s+(?:the\s+)?(?:correct|right|best)(?:\s+\w+)?\W*$",
    re.IGNORECASE,
)


class Ambiguous(Exception):
    """The final statement names two different choices."""


def read_choice(text: str, choices: Sequence[str] = ()) -> str | None:
    """The letter of the choice the text states, or None; without `choices` only letters can be read."""
    text = clean(text).strip()
    try:
        for statement in statements(text):
            letter = _in_statement(statement.line, statement.sentence, choices)
            if letter:
                return letter
        return _without_marker(text, choices)
    except Ambiguous:
        return None


def letter_of(answer: str, choices: Sequence[str]) -> str | None:
    """The letter of a bare answer that is itself a letter or exactly one choice's text."""
    bare = answer.strip().strip("().:").upper()
    if len(bare) == 1 and bare in LETTERS[: len(choices) or len(LETTERS)]:
        return bare
    return _exact(answer, choices)


def same_choice(a: str, b: str, choices: Sequence[str]) -> bool:
    """The same letter, or two letters that carry the same text (published sets do repeat a choice)."""
    if a == b or not choices:
        return a == b
    return plain(choices[LETTERS.index(a)]) == plain(choices[LETTERS.index(b)])


def plain(text: str) -> str:
    """Lower case, single spaces, no leading article, no punctuation around words."""
    text = re.sub(r"^\W*(?:an?|the)\s+(?=\S)", "", text.lower())
    words = re.sub(r"[^\w\s'/%$.+-]", " ", text).split()
    return " ".join(word.strip(".'-") or word for word in words if word not in {".", "'"})


def _in_statement(line: str, sentence: str, choices: Sequence[str]) -> str | None:
    """Letter alone, else exact text, else a leading label, else any one label, else any one text."""
    alone = _ALONE.fullmatch(line) or _ALONE.fullmatch(sentence)
    if alone:
        return _known(alone[1], choices)
    return (
        _exact(line, choices)
        or _exact(sentence, choices)
        or _leading(line, choices)
        or _named(sentence, choices)
    )


def _leading(line: str, choices: Sequence[str]) -> str | None:
    match = _LEADING.match(line)
    letter = _known(match[1] or match[2], choices) if match else None
    if not match or not letter or re.match(r"(?:is|isn't|was|cannot|can't)\b", match[3]):
        return None
    said = _exact(match[3], choices)
    if said and not same_choice(said, letter, choices):
        raise Ambiguous
    labels = _labels(_REJECTED.sub(" ", match[3]), choices)
    if re.match(r"\W*(?:or|and)\b", match[3], re.IGNORECASE) and labels - {letter}:
        raise Ambiguous
    return letter


def _named(sentence: str, choices: Sequence[str]) -> str | None:
    sentence = _REJECTED.sub(" ", sentence)
    letter = _only(_labels(sentence, choices), choices)
    if letter or re.match(r"\s*not\b", sentence, re.IGNORECASE):
        return letter
    return _only(_texts(sentence, choices), choices)


def _only(letters: set[str], choices: Sequence[str]) -> str | None:
    found = sorted(letters)
    if any(not same_choice(found[0], other, choices) for other in found[1:]):
        raise Ambiguous
    return found[0] if found else None


def _labels(sentence: str, choices: Sequence[str]) -> set[str]:
    found = set()
    for match in _LABEL.finditer(sentence):
        letter = _known(match[1] or match[2] or match[3], choices)
        article = match[3] in {"A", "I"} and _NEXT_WORD.match(sentence, match.end())
        if letter and not article:
            found.add(letter)
    return found


def _texts(sentence: str, choices: Sequence[str]) -> set[str]:
    """Choices whose text stands in the sentence, less those that only stand inside a longer one."""
    padded, found = f" {plain(sentence)} ", set()
    for letter, choice in sorted(
        zip(LETTERS, choices, strict=False), key=lambda c: -len(plain(c[1]))
    ):
        needle = f" {plain(choice)} "
        if needle.strip() and needle in padded:
            found.add(letter)
            padded = padded.replace(needle, " | ")
    return found


def _exact(text: str, choices: Sequence[str]) -> str | None:
    wanted = plain(text)
    for letter, choice in zip(LETTERS, choices, strict=False):
        if wanted and plain(choice) == wanted:
            return letter
    return None


def _known(letter: str, choices: Sequence[str]) -> str | None:
    letter = letter.upper()
    return letter if letter in LETTERS[: len(choices) or len(LETTERS)] else None


def _without_marker(text: str, choices: Sequence[str]) -> str | None:
    """A text or first line that is only an answer, else the last sentence, else the first line's label."""
    first, last = text.partition("\n")[0].strip(), last_sentence(text)
    for line in (text, first):
        alone = _ALONE.fullmatch(line)
        letter = _known(alone[1], choices) if alone else _exact(line, choices)
        if letter:
            return letter
    verdict = _VERDICT.match(last)
    if verdict and not _NEGATION.search(last):
        letter = _in_statement(verdict["what"], verdict["what"], choices)
        if letter:
            return letter
    return _leading(last, choices) or _at_end(last, choices) or _leading(first, choices)


def _at_end(sentence: str, choices: Sequence[str]) -> str | None:
    """A choice's text as the sentence's last words, or else its one label."""
    said = " " + plain(sentence)
    fits = [(len(plain(c)), x) for x, c in zip(LETTERS, choices, strict=False) if _closes(said, c)]
    if not fits:
        return _only(_labels(_REJECTED.sub(" ", sentence), choices), choices)
    size, letter = max(fits, key=lambda fit: (fit[0], -ord(fit[1])))
    before = said[: len(said) - size]
    if _NEGATION.search(before):
        return _only(_labels(_REJECTED.sub(" ", sentence), choices), choices)
    return letter


def _closes(said: str, choice: str) -> bool:
    return bool(plain(choice)) and said.endswith(" " + plain(choice))
