"""Which of the offered choices a text settles on.

Reads a text and writes nothing. Knows no task. A letter or a choice's text counts, and `$10.00` is
the text `$10`. Choices that are refused ("not A", "it cannot be A, C or D", "A and C are wrong", "1945,
not 1918") are left out. Two different choices in the final statement, or none, cannot be told. The
article "a" is no letter. Ours.

A reader is a function of a text and the choices that returns a letter or None. The tables in
`_in_statement` and `_without_statement` list the readers in the order they are asked.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Sequence
from functools import lru_cache

from localfair.tasks.cleaning import clean
from localfair.tasks.denials import OTHERWISE
from localfair.tasks.second_thoughts import second_thoughts
from localfair.tasks.statements import last_sentence, statements

LETTERS = string.ascii_uppercase
_NEGATION = re.compile(
    r"\b(?:not|never|no|cannot|neither|nor|wrong|incorrect)\b|n't\b", re.IGNORECASE
)
# what refuses the choices that follow it, or those before it
_REFUSES = (
    r"(?i:\b(?:not(?!\s+only)|cannot\s+be|can\s+not\s+be|neither|nor|rather\s+than|instead\s+of|except|unlike"
    r"|rul(?:e|es|ed|ing)\s+out|(?:eliminat|exclud)(?:e|es|ed|ing)|reject(?:s|ed|ing)?|discard(?:s|ed|ing)?|anything\s+but|no\s+longer|far\s+from|over|as\s+opposed\s+to"
    r"|do(?:n't|es\s+not|esn't|\s+not)\s+(?:think|believe)(?:\s+that)?\s+(?:it|this|that|the\s+answer)(?:'s|\s+is)"
    r"|(?:doubt|doubtful|unlikely)(?:\s+(?:that|if|whether))?(?:\s+(?:it|this|the\s+answer)\s+is)?)|n't)"
    r"(?:\s+be)?"
)
_REFUSED = (
    r"\s+(?i:(?:is|are|was|were|must\s+be|can\s+be|would\s+be)\s+(?:\w+\s+)?"
    r"(?:not\b(?!\s+(?:wrong|incorrect))|wrong|incorrect|out\b|excluded|eliminated|ruled\s+out|impossible|unlikely"
    r"|implausible|irrelevant|false)|(?:isn't|aren't|cannot|can't|doesn't|don't|does\s+not|do\s+not)\b)"
)
# a label as one writes it in a list; in small letters and as "A bank" it may be an article
_LISTED = (
    r"(?:(?:option|choice|answer)s?\s+)?(?:\([A-Za-z]\)|[b-hj-z]\b(?!['\w]|\s+\w)|[B-HJ-Z]\b(?!['\w])"
    r"|[AaIi]\b(?!['\w])(?!\s+(?!(?:or|and|nor|is|are|because|since|as|but|so|cannot|can|can't|isn't|doesn't|must|would"
    r"|was|were|over|oder|ou|o|y|und|et|и|или|not)\b)\w))"
)
_LIST = rf"{_LISTED}(?:(?:\s*,\s*{_LISTED}){{0,9}},?\s*(?:or|and|nor|/)\s*{_LISTED})?"
_LONG_LIST = rf"{_LISTED}(?:\s*,\s*{_LISTED}){{2,9}}"
_REJECTED = re.compile(
    rf"{_REFUSES}\s+{_LIST}|(?<![\w'.-])(?:{_LONG_LIST}|{_LIST})(?:\s+(?:all|both))?{_REFUSED}"
)
# the same of choices' texts, which stand as marks by then
_MARK = r"(?:(?:in|at|on|to|the|an?)\s){0,2}⟦[A-Z]⟧"
_REJECTED_MARKS = re.compile(
    rf"{_REFUSES} {_MARK}(?:(?: {_MARK}){{0,9}} (?:or|and|nor) {_MARK})?"
    rf"|{_MARK}(?:(?: {_MARK}){{0,9}} (?:or|and|nor) {_MARK})?{_REFUSED}"
)
_ALONE = re.compile(r"\W*(?:(?:option|choice|answer|letter)\s+)?\(?([A-Za-z])\)?\W*", re.IGNORECASE)
_LEADING = re.compile(
    r"""[\s\"'*]*(?:(?:option|choice|answer|letter)\s+)?
        (?: \((?P<bracketed>[A-Za-z])\)             # (B) library
          | (?P<marked>[A-Za-z])[.):](?=\s|$) )     # B. library
        \s*(?P<rest>.*)""",
    re.IGNORECASE | re.VERBOSE,
)
_LABEL = re.compile(
    r"""\((?P<bracketed>[A-Za-z])\)                                          # (b)
      | \b(?:[Oo]ption|[Cc]hoice|[Ll]etter)\s+\(?(?P<called>[A-Za-z])\b       # option b
      | (?<![A-Za-zÀ-ÿ0-9_'.-])(?P<bare>[A-Z])(?![A-Za-zÀ-ÿ0-9_'-])(?!\.[A-Za-z])  # B, but not U.S. or B-flat
    """,
    re.VERBOSE,
)
# a word after A or I that makes it an article or a pronoun, as in "A bank" and unlike "A because"
_NEXT_WORD = re.compile(
    r"\s+(?!(?:because|since|as|and|or|for|is|was|which|due|based|would|must|but|over"
    r"|oder|ou|o|y|und|et|и|или)\b)\w"
)
# B, since A is closed
_REASONED = re.compile(r"\W*\(?(?P<label>[A-Z])\)?(?:\s*[,;]\s*|\s+)(?:because|since|as|for|due)\b")
_POSSIBLE = re.compile(r"\b(?:could|might|may)\s+(?:also\s+)?be\b", re.IGNORECASE)
_TURNS = re.compile(r"\b(?:but|rather|instead|it's|it\s+is|so)\b|\bthe\s+answer\b", re.IGNORECASE)
_SPOKEN_OF = re.compile(r"(?:is|isn't|was|cannot|can't)\b")
_ALTERNATIVE = re.compile(r"\W*(?:or|and)\b", re.IGNORECASE)
_OR_BEFORE = re.compile(r"\bor(?:\s(?:the|an?|in|at))*\s$")
_DENIED = re.compile(r"\s*not\b", re.IGNORECASE)
_VERDICT = re.compile(
    r"^(?P<what>.+?)\s+(?:is|would be)\s+(?:the\s+)?(?:correct|right|best)(?:\s+\w+)?\W*$",
    re.IGNORECASE,
)

_REFUSED_MARK = " ⟦⟧ "
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_ZEROS = re.compile(r"(\.\d*?[1-9])0+(?![\d.])|\.0+()(?![\d.])")
_PERCENT = re.compile(r"(?<=\d)\s?(?:%|percent\b|per\s?cent\b)", re.IGNORECASE)
_MONEY = re.compile(r"\$\s(?=\d)")
_DOLLARS = re.compile(r"(?<![$\d.,])(\d{1,15}(?:\.\d{1,9})?)\s?(?:dollars|USD)\b", re.IGNORECASE)
_NO_WHOLE = re.compile(r"(?<![\d.])\.(?=\d)")

_Reader = Callable[[str, Sequence[str]], str | None]


class _Ambiguous(Exception):
    """The text names two different choices where it should settle on one."""


def read_choice(text: str, choices: Sequence[str] = ()) -> str | None:
    """The letter of the choice the text states, or None.

    Without `choices` only letters can be read.
    """
    text = clean(text).strip()
    denied: set[str] = set()
    try:
        thoughts = second_thoughts(text)
        if thoughts:
            letter = _in_statement(thoughts.line, thoughts.sentence, choices)
            if letter or thoughts.is_withdrawn:
                return letter
        for statement in statements(text):
            letter = _in_statement(statement.line, statement.sentence, choices)
            if letter and letter not in _denied_first(statement.sentence, choices):
                # "The answer is A. No, the answer is not A."
                return None if letter in denied else letter
            denied |= _denied(statement.sentence, choices)
        letter = _without_statement(text, choices)
        return None if letter in denied else letter
    except _Ambiguous:
        return None


def letter_of(answer: str, choices: Sequence[str]) -> str | None:
    """The letter of a bare answer that is itself a letter or exactly one choice's text."""
    bare = answer.strip().strip("().:").upper()
    if len(bare) == 1 and bare in _letters(choices):
        return bare
    return _exact(answer, choices)


def same_choice(a: str, b: str, choices: Sequence[str]) -> bool:
    """The same letter, or two letters of one text (published sets do repeat a choice)."""
    if a == b or not choices:
        return a == b
    return plain(choices[LETTERS.index(a)]) == plain(choices[LETTERS.index(b)])


def plain(text: str) -> str:
    """Lower case, single spaces, no leading article, no punctuation around words."""
    text = re.sub(r"^\W*(?:an?|the)\s+(?=\S)", "", text.lower())
    words = re.sub(r"[^\w\s'/%$.+-]", " ", text).split()
    # a word of nothing but punctuation, such as "-", stays: it may be all a choice has
    return " ".join(word.strip(".'-") or word for word in words if word not in {".", "'"})


def _in_statement(line: str, sentence: str, choices: Sequence[str]) -> str | None:
    """The choice that a final statement names, or None. Raises _Ambiguous when it names two."""
    alone = _ALONE.fullmatch(line) or _ALONE.fullmatch(sentence)
    if alone:
        return _known(alone[1], choices)
    return _first_read(
        (
            (_exact, line),  # library
            (_exact, sentence),  # library. It has books.
            (_leading_label, line),  # B. library
            (_opening_label, sentence),  # B, since A is closed
            (_only_label, sentence),  # surely (B), not (A)
            (_only_text, sentence),  # surely the library
        ),
        choices,
    )


def _denied(sentence: str, choices: Sequence[str]) -> set[str]:
    """The choices of which a statement says that they are not the answer."""
    denied = _DENIED.match(sentence)
    if not denied:
        return set()
    names = sentence[denied.end() :]
    letters, _ = _texts(names, choices)
    return letters | _labels(names, choices)


def _denied_first(sentence: str, choices: Sequence[str]) -> set[str]:
    """The choices that a statement begins by denying, up to where it turns: "not A, but B"."""
    return _denied(_TURNS.split(sentence)[0], choices)


def _without_statement(text: str, choices: Sequence[str]) -> str | None:
    """The choice that a text without a final statement settles on.

    Raises _Ambiguous like its readers.
    """
    first_line = text.partition("\n")[0].strip()
    last = last_sentence(text)
    return _first_read(
        (
            (_whole, text),  # the text is only B, or only library
            (_whole, first_line),  # so is its first line, and reasons follow
            (_judged_best, last),  # library is the best choice
            (_leading_label, last),  # (B) as there are books
            (_left_over, last),  # 1945, not 1918
            (_closing_text, last),  # people read in a library
            (_only_label, last),  # so it must be (B)
            (_leading_label, first_line),  # B) library, and reasons follow
        ),
        choices,
    )


def _first_read(readers: Sequence[tuple[_Reader, str]], choices: Sequence[str]) -> str | None:
    """What the first reader that finds a letter finds."""
    for read, text in readers:
        letter = read(text, choices)
        if letter:
            return letter
    return None


def _whole(text: str, choices: Sequence[str]) -> str | None:
    """The choice whose letter or text is the whole text."""
    alone = _ALONE.fullmatch(text)
    if alone:
        return _known(alone[1], choices)
    return _exact(text, choices)


def _exact(text: str, choices: Sequence[str]) -> str | None:
    """The first choice whose text is the whole text."""
    spell = _spelling(choices)
    wanted = spell(text)
    for letter, choice in _lettered(choices):
        if choice == wanted:
            return letter
    return None


def _leading_label(line: str, choices: Sequence[str]) -> str | None:
    """The letter that opens the line. Raises _Ambiguous when another choice is named beside it."""
    match = _LEADING.match(line)
    if not match:
        return None
    letter = _known(match["bracketed"] or match["marked"], choices)
    rest = match["rest"]
    # "(A) is wrong" speaks of a choice and does not settle on it
    if not letter or _SPOKEN_OF.match(rest):
        return None
    # "(A), (C) and (D) are wrong"
    if match["bracketed"] and letter not in _labels(line, choices):
        return None
    named = _exact(rest, choices)
    if named and not same_choice(named, letter, choices):
        raise _Ambiguous
    others = _labels(rest, choices) - {letter}
    if others and _ALTERNATIVE.match(rest):
        raise _Ambiguous
    return letter


def _opening_label(sentence: str, choices: Sequence[str]) -> str | None:
    """The label that opens a sentence and is given a reason."""
    opening = _REASONED.match(sentence)
    if not opening or OTHERWISE.search(sentence):
        return None
    return _known(opening["label"], choices)


def _only_label(sentence: str, choices: Sequence[str]) -> str | None:
    """The one letter in the sentence that is not rejected. Raises _Ambiguous when there are two."""
    if _POSSIBLE.search(sentence):
        return None
    return _only(_labels(sentence, choices), choices)


def _only_text(sentence: str, choices: Sequence[str]) -> str | None:
    """The one choice whose text is in the sentence. Raises _Ambiguous when there are two."""
    sentence = _REJECTED.sub(" ", sentence)
    letters, _ = _texts(sentence, choices)
    if _DENIED.match(sentence):
        return None
    return _only(letters, choices)


def _left_over(sentence: str, choices: Sequence[str]) -> str | None:
    """The one choice that is left when the sentence refuses others by their texts."""
    letters, rest = _texts(sentence, choices)
    has_refused = _REFUSED_MARK in rest
    if not has_refused or _NEGATION.search(rest):
        return None
    return _only(letters, choices)


def _judged_best(sentence: str, choices: Sequence[str]) -> str | None:
    """The choice that the sentence calls correct, right or best."""
    verdict = _VERDICT.match(sentence)
    if not verdict or _NEGATION.search(sentence):
        return None
    return _in_statement(verdict["what"], verdict["what"], choices)


def _closing_text(sentence: str, choices: Sequence[str]) -> str | None:
    """The choice whose text ends the sentence, the longest of several, with no negation before it."""
    words = f" {_spelling(choices)(sentence)}"
    longest = ""
    closing = None
    for letter, choice in _lettered(choices):
        if words.endswith(f" {choice}") and len(choice) > len(longest):
            closing = letter
            longest = choice
    before = words.removesuffix(longest)
    if _NEGATION.search(before):
        return None
    if closing and _OR_BEFORE.search(before):
        others, _ = _texts(before, choices)
        _only(others | {closing}, choices)
    return closing


def _only(letters: set[str], choices: Sequence[str]) -> str | None:
    """The first of letters that all name the same choice. Raises _Ambiguous when two differ."""
    if not letters:
        return None
    first, *others = sorted(letters)
    for other in others:
        if not same_choice(first, other, choices):
            raise _Ambiguous
    return first


def _labels(sentence: str, choices: Sequence[str]) -> set[str]:
    """The letters of choices that are named in the sentence and not rejected."""
    sentence = _REJECTED.sub(" ", sentence)
    labels = set()
    for match in _LABEL.finditer(sentence):
        if match["bare"] in {"A", "I"} and _NEXT_WORD.match(sentence, match.end()):
            continue
        letter = _known(match["bracketed"] or match["called"] or match["bare"], choices)
        if letter:
            labels.add(letter)
    return labels


def _texts(sentence: str, choices: Sequence[str]) -> tuple[set[str], str]:
    """Choices whose text stands in the sentence and is not refused, and the rest of the sentence.

    A text inside a longer choice's is none.
    """
    rest = f" {_spelling(choices)(sentence)} "
    longest_first = sorted(_lettered(choices), key=lambda pair: -len(pair[1]))
    for letter, choice in longest_first:
        rest = rest.replace(f" {choice} ", f" ⟦{letter}⟧ ")
    rest = _REJECTED_MARKS.sub(_REFUSED_MARK, rest)
    return set(re.findall("⟦([A-Z])⟧", rest)), rest


def _lettered(choices: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Each letter with its choice's plain text.

    A choice without a plain text can only be named by letter.
    """
    return _lettered_once(tuple(choices))


@lru_cache(maxsize=256)
def _lettered_once(choices: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    pairs = zip(LETTERS, map(_spelling(choices), choices), strict=False)
    return tuple((letter, choice) for letter, choice in pairs if choice)


def _spelling(choices: Sequence[str]) -> Callable[[str], str]:
    """How texts are compared: with their numbers by value, where that keeps the choices apart."""
    return _by_value if _are_apart_by_value(tuple(choices)) else plain


@lru_cache(maxsize=256)
def _are_apart_by_value(choices: tuple[str, ...]) -> bool:
    return len(set(map(_by_value, choices))) == len(set(map(plain, choices)))


def _by_value(text: str) -> str:
    """Plain text with one spelling of numbers: `$10.00` is `$10`, `5 percent` is `5%`."""
    text = _THOUSANDS.sub("", text)
    text = _ZEROS.sub(r"\1\2", text)
    text = _PERCENT.sub("%", text)
    text = _MONEY.sub("$", text)
    text = _DOLLARS.sub(r"$\1", text)
    text = _NO_WHOLE.sub("0.", text)
    return plain(text)


def _known(letter: str, choices: Sequence[str]) -> str | None:
    """The letter as a capital, or None when no choice has it."""
    letter = letter.upper()
    return letter if letter in _letters(choices) else None


def _letters(choices: Sequence[str]) -> str:
    """The letters that may be read: one for each choice, or all when no choices are known."""
    return LETTERS[: len(choices)] if choices else LETTERS
