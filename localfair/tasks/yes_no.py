"""Whether a text says yes or no.

Reads a text and writes nothing. Knows no task. Read in this order: the explicit final statement,
a yes or no that opens the text, the last sentence. An odd number of negations before the word
turns it round, so "not true" is no. The word "true" anywhere else decides nothing. Ours.
"""

from __future__ import annotations

import re
from typing import Literal

from localfair.tasks.statements import clean, first_sentence, last_sentence, statements

YesNo = Literal["yes", "no"]
# What each word says where nothing negates it.
_MEANINGS: dict[str, YesNo] = {
    "yes": "yes",
    "true": "yes",
    "correct": "yes",
    "no": "no",
    "false": "no",
    "incorrect": "no",
    "untrue": "no",
}
_BARE: dict[str, YesNo] = {"yes": "yes", "true": "yes", "no": "no", "false": "no"}
_WORD = re.compile(rf"\b(?:{'|'.join(_MEANINGS)})\b", re.IGNORECASE)
_NEGATOR = re.compile(r"\b(?:not|never|cannot|hardly|neither|nor)\b|n't\b", re.IGNORECASE)
_CLAUSE_END = re.compile(r"[,;:]|\bbut\b", re.IGNORECASE)
# A word answers where it closes its clause or follows "is". Elsewhere it is a determiner or an
# attribute, as in "no one" and "true love".
_CLOSES_CLAUSE = re.compile(
    r"""\W*$
      | \s*[.,;:!?\"')}\]-]
      | \s+(?:because|since|as|that|it|they|he|she|this|the|you|we|and|or|for|if|statement)\b
    """,
    re.VERBOSE,
)
_AFTER_IS = re.compile(r"\b(?:is|are|was|were|be|isn't|not|answer)\s+$", re.IGNORECASE)
# The words that answer where they open a text: Yes. No, he ...; A: no; Answer: true
_LEADING = re.compile(
    r"""\W*(?:(?:a|answer)\s*:\s*)?
        (?P<word>yes|no|true|false|correct|incorrect)\b
        (?=\W*$|\s*[.,;:!\n)-])""",
    re.IGNORECASE | re.VERBOSE,
)
# No it does not
_LEADING_NO = re.compile(
    r"\W*no\s+(?:it|they|he|she|this|that|the|you|we|because|since)\b", re.IGNORECASE
)
# yes or no, no/yes, true and false
_BOTH = re.compile(
    r"\byes\s*(?:and|or|/)\s*no\b|\bno\s*(?:and|or|/)\s*yes\b|\btrue\s*(?:and|or|/)\s*false\b",
    re.IGNORECASE,
)


def read_yes_no(text: str) -> YesNo | None:
    """`yes`, `no`, or None when the text commits to neither."""
    text = clean(text)
    for statement in statements(text):
        if _BOTH.search(statement.sentence):
            return None
        answer = _in_sentence(statement.sentence)
        if answer:
            return answer
    first_line = text.lstrip().partition("\n")[0]
    return _opening(first_line) or _in_sentence(last_sentence(text))


def plain_yes_no(answer: str) -> YesNo | None:
    """A bare `yes`, `No.`, `true`, `False` and nothing else."""
    return _BARE.get(answer.strip().strip(".").lower())


def _opening(line: str) -> YesNo | None:
    """The yes or no that opens a text's first line."""
    if _BOTH.search(first_sentence(line)):
        return None
    answer = _leading_word(line)
    if answer is None and _LEADING_NO.match(line):
        return "no"
    return answer


def _in_sentence(sentence: str) -> YesNo | None:
    """What the sentence says, turned by negations; None when its words disagree or it has none."""
    if _BOTH.search(sentence):
        return None
    leading = _leading_word(sentence)
    if leading:
        return leading
    answers = set()
    for word in _WORD.finditer(sentence):
        if _is_answer(sentence, word):
            answers.add(_turned(sentence, word))
    return answers.pop() if len(answers) == 1 else None


def _leading_word(sentence: str) -> YesNo | None:
    """What the sentence's first word says, when it stands there by itself."""
    match = _LEADING.match(sentence)
    return _MEANINGS[match["word"].lower()] if match else None


def _is_answer(sentence: str, word: re.Match[str]) -> bool:
    """Whether the word answers, and is no part of "no one" or "true love"."""
    if _CLOSES_CLAUSE.match(sentence, word.end()):
        return True
    # "there is no reason" answers nothing
    if word[0].lower() == "no":
        return False
    return _AFTER_IS.search(sentence[: word.start()]) is not None


def _turned(sentence: str, word: re.Match[str]) -> YesNo:
    """What the word says after the negations before it in its clause."""
    clause = _CLAUSE_END.split(sentence[: word.start()])[-1]
    negations = len(_NEGATOR.findall(clause))
    meaning = _MEANINGS[word[0].lower()]
    if negations % 2 == 0:
        return meaning
    return "no" if meaning == "yes" else "yes"
