"""Whether a text says yes or no.

Reads a text and writes nothing. Knows no task. Read in this order: the explicit final statement,
a yes or no that opens the text, the last sentence. An odd number of negations before the word
turns it round, so "not true" and "I doubt it is true" are no. The word "true" anywhere else decides
nothing, and a sentence that is unsure ("may be true", "I cannot tell") says nothing. Ours.
"""

from __future__ import annotations

import re
from typing import Literal

from localfair.tasks.cleaning import clean
from localfair.tasks.denials import asks
from localfair.tasks.second_thoughts import second_thoughts
from localfair.tasks.statements import first_sentence, last_sentence, statements

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
# What says yes or no in another language, where a statement or a text opens with it.
_ELSEWHERE: dict[YesNo, str] = {
    "yes": "ja|jawohl|oui|sí|sì|sim|да|верно|是|是的|对|對|正确|正確|はい|네|예|맞다|evet|tak|ano|richtig|wahr|vrai"
    "|verdadero|verdadeiro|vero|правда|हाँ|نعم|có|đúng|ναι",
    "no": "nein|non|não|нет|неверно|否|不|不是|不对|不對|错误|錯誤|いいえ|아니요|아니오|아니다|hayır|nie|ne|nee|nej"
    "|falsch|faux|falso|ложь|नहीं|لا|không|sai|όχι",
}
_ELSEWHERE_LEADING = {
    meaning: re.compile(
        rf"\W*(?:{words})(?=\W*$|\s*[.,;:!()」』\"'-]|で|です|입니다)", re.IGNORECASE
    )
    for meaning, words in _ELSEWHERE.items()
}
_WORD = re.compile(rf"\b(?:{'|'.join(_MEANINGS)})\b", re.IGNORECASE)
_NEGATOR = re.compile(
    r"\b(?:not|never|cannot|hardly|scarcely|neither|nor|doubtful|unlikely|improbable|deny|denies|far\s+from|no\s+longer|anything\s+but|(?:wrong|false|incorrect|mistake|lie)\s+(?:to\s+(?:say|think|claim)|that))\b|n't\b"
    r"|(?<!\bno )(?<!\bout )(?<!\bany )(?<!\ba )(?<!\bbeyond )\bdoubts?\b",
    re.IGNORECASE,
)
# a sentence that commits to nothing
_UNSURE = re.compile(
    r"""\b(?:not\s+(?:sure|certain|clear|known)|unsure|uncertain|unclear|unknown|depends|hard\s+to\s+say
        |(?:cannot|can't|can\s+not|hard\s+to|impossible\s+to|unable\s+to)\s+(?:tell|say|know|determine|decide|answer)
        |(?:don't|do\s+not)\s+know|either\s+way|whether|perhaps|maybe|possibly|might|may|could)\b""",
    re.IGNORECASE | re.VERBOSE,
)
# ..., so no
_CONCLUDED = re.compile(
    r"\b(?:so|thus|hence|therefore)\b,?\s+(?:(?:it|this|that)\s+is\s+)?(?P<word>yes|no|true|false)\b\W*$",
    re.IGNORECASE,
)
_CLAUSE_END = re.compile(r"[,;:]|(?<!anything )\bbut\b", re.IGNORECASE)
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
        (?=\W*$ | \s*[.,;:!\n()-]
          | \s+(?:because|since|as|due|given|so|although|though|while|for|he|she|it|they|this|that|there)\b)""",
    re.IGNORECASE | re.VERBOSE,
)
# No it does not
_LEADING_NO = re.compile(
    r"\W*no\s+(?:it|they|he|she|this|that|the|you|we|because|since)\b", re.IGNORECASE
)
# yes or no, no/yes, true and false, neither true nor false
_BOTH = re.compile(
    r"\byes\s*(?:and|or|/)\s*no\b|\bno\s*(?:and|or|/)\s*yes\b|\btrue\s*(?:and|or|nor|/)\s*false\b",
    re.IGNORECASE,
)


def read_yes_no(text: str) -> YesNo | None:
    """`yes`, `no`, or None when the text commits to neither."""
    text = clean(text)
    thoughts = second_thoughts(text)
    if thoughts:
        corrected = _in_sentence(thoughts.sentence)
        if corrected or thoughts.is_withdrawn:
            return corrected
    for statement in statements(text):
        if _BOTH.search(statement.sentence):
            return None
        answer = _in_sentence(statement.sentence)
        if answer:
            return answer
    first_line = text.lstrip().partition("\n")[0]
    last = last_sentence(text)
    opening = _opening(first_line)
    return opening or (None if asks(last) else _in_sentence(last))


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
    concluded = _CONCLUDED.search(sentence)
    if concluded:
        return _MEANINGS[concluded["word"].lower()]
    if _UNSURE.search(sentence):
        return None
    answers = set()
    for word in _WORD.finditer(sentence):
        if _is_answer(sentence, word):
            answers.add(_turned(sentence, word))
    return answers.pop() if len(answers) == 1 else None


def _leading_word(sentence: str) -> YesNo | None:
    """What the sentence's first word says, when it stands there by itself."""
    match = _LEADING.match(sentence)
    if match:
        return _MEANINGS[match["word"].lower()]
    for meaning, leading in _ELSEWHERE_LEADING.items():
        if leading.match(sentence):
            return meaning
    return None


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
