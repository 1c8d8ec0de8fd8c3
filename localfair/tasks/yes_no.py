"""Whether a text says yes or no. Reads a text, writes nothing, knows no task.

Read in this order: the explicit final statement, a leading yes or no, the last sentence. An odd
number of negations before the word turns it round, so "not true" is no; the word "true"
somewhere else in the text decides nothing. Ours.
"""

from __future__ import annotations

import re
from typing import Literal

from localfair.tasks.statements import clean, first_sentence, last_sentence, statements

YesNo = Literal["yes", "no"]
_YES = {"yes", "true", "correct"}
_NEGATOR = re.compile(r"\b(?:not|never|cannot|hardly|neither|nor)\b|n't\b", re.IGNORECASE)
_WORD = re.compile(r"\b(?:yes|no|true|false|correct|incorrect|untrue)\b", re.IGNORECASE)
# an answer, and no determiner or attribute ("no one", "true love"): it closes its clause or follows "is"
_CLOSES = re.compile(
    r"\W*$|\s*[.,;:!?\"')}\]-]|\s+(?:because|since|as|that|it|they|he|she|this|the|you|we|and|or|for|if|statement)\b"
)
_IS = re.compile(r"\b(?:is|are|was|were|be|isn't|not|answer)\s+$", re.IGNORECASE)
_LEADING = re.compile(
    r"\W*(?:(?:a|answer)\s*:\s*)?(?P<word>yes|no|true|false|correct|incorrect)\b(?=\W*$|\s*[.,;:!\n)-])",
    re.IGNORECASE,
)
_LEADING_NO = re.compile(
    r"\W*no\s+(?:it|they|he|she|this|that|the|you|we|because|since)\b", re.IGNORECASE
)
_BOTH = re.compile(
    r"\byes\s*(?:and|or|/)\s*no\b|\bno\s*(?:and|or|/)\s*yes\b|\btrue\s*(?:and|or|/)\s*false\b",
    re.IGNORECASE,
)
_CLAUSE_END = re.compile(r"[,;:]|\bbut\b", re.IGNORECASE)


def read_yes_no(text: str) -> YesNo | None:
    """`yes`, `no`, or None when the text commits to neither."""
    text = clean(text)
    for statement in statements(text):
        if _BOTH.search(statement.sentence):
            return None
        said = _polarity(statement.sentence)
        if said:
            return said
    return _leading(text) or _polarity(last_sentence(text))


def plain_yes_no(answer: str) -> YesNo | None:
    """A bare `yes`, `No.`, `true`, `False` and nothing else."""
    word = answer.strip().strip(".").lower()
    return "yes" if word in {"yes", "true"} else "no" if word in {"no", "false"} else None


def _leading(text: str) -> YesNo | None:
    first = text.lstrip().partition("\n")[0]
    if _BOTH.search(first_sentence(first)):
        return None
    match = _LEADING.match(first)
    if match:
        return "yes" if match["word"].lower() in _YES else "no"
    return "no" if _LEADING_NO.match(first) else None


def _polarity(sentence: str) -> YesNo | None:
    """The sentence's word for it, turned by negations in its clause; None when two words disagree."""
    if _BOTH.search(sentence):
        return None
    leading = _LEADING.match(sentence)
    if leading:
        return "yes" if leading["word"].lower() in _YES else "no"
    said: set[YesNo] = {
        _turned(sentence, word) for word in _WORD.finditer(sentence) if _is_said(sentence, word)
    }
    return said.pop() if len(said) == 1 else None


def _is_said(sentence: str, word: re.Match[str]) -> bool:
    if _CLOSES.match(sentence, word.end()):
        return True
    return word[0].lower() != "no" and _IS.search(sentence[: word.start()]) is not None


def _turned(sentence: str, match: re.Match[str]) -> YesNo:
    clause = _CLAUSE_END.split(sentence[: match.start()])[-1]
    negations = len(_NEGATOR.findall(clause))
    positive = match[0].lower() in _YES
    return "yes" if positive == (negations % 2 == 0) else "no"
