"""Which of the offered choices a text settles on.

Reads a text and writes nothing. Knows no task. A letter or a choice's text counts. Two different
choices in the final statement, or none, cannot be told. The article "a" is no letter. Ours.

A reader is a function of a text and the choices that returns a letter or None. The tables in
`_in_statement` and `_without_statement` list the readers in the order they are asked.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Sequence

from localfair.tasks.statements import clean, last_sentence, statements

LETTERS = string.ascii_uppercase
_NEGATION = re.compile(
    r"\b(?:not|never|no|cannot|neither|nor|wrong|incorrect)\b|n't\b", re.IGNORECASE
)
# "not (A)", "rather than B": a label that is named to be refused; in small letters no article
_REJECTED = re.compile(
    r"\b(?:not|rather than|instead of)\s+(?:(?:option|choice|answer)\s+)?"
    r"(?:\([A-Za-z]\)|[A-Z]\b|[a-z]\b(?!\s+\w))"
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
      | (?<![\w'.-])(?P<bare>[A-Z])(?![\w'-])(?!\.\w)                        # B, but not U.S. or B-flat
    """,
    re.VERBOSE,
)
# a word after A or I that makes it an article or a pronoun, as in "A bank" and unlike "A because"
_NEXT_WORD = re.compile(
    r"\s+(?!(?:because|since|as|and|or|for|is|was|which|due|based|would|must|but)\b)\w"
)
_SPOKEN_OF = re.compile(r"(?:is|isn't|was|cannot|can't)\b")
_ALTERNATIVE = re.compile(r"\W*(?:or|and)\b", re.IGNORECASE)
_DENIED = re.compile(r"\s*not\b", re.IGNORECASE)
_VERDICT = re.compile(
    r"^(?P<what>.+?)\s+(?:is|would be)\s+(?:the\s+)?(?:correct|right|best)(?:\s+\w+)?\W*$",
    re.IGNORECASE,
)

_Reader = Callable[[str, Sequence[str]], str | None]


class _Ambiguous(Exception):
    """The text names two different choices where it should settle on one."""


def read_choice(text: str, choices: Sequence[str] = ()) -> str | None:
    """The letter of the choice the text states, or None.

    Without `choices` only letters can be read.
    """
    text = clean(text).strip()
    try:
        for statement in statements(text):
            letter = _in_statement(statement.line, statement.sentence, choices)
            if letter:
                return letter
        return _without_statement(text, choices)
    except _Ambiguous:
        return None


def letter_of(answer: str, choices: Sequence[str]) -> str | None:
    """The letter of a bare answer that is itself a letter or exactly one choice's text."""
    bare = answer.strip().strip("().:").upper()
    if len(bare) == 1 and bare in _letters(choices):
        return bare
    return _exact(answer, choices)


def same_choice(a: str, b: str, choices: Sequence[str]) -> bool:
    """The same letter, or two letters that carry the same text (published sets do repeat a
    choice).
    """
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
            (_only_label, sentence),  # surely (B), not (A)
            (_only_text, sentence),  # surely the library
        ),
        choices,
    )


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
    wanted = plain(text)
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
    named = _exact(rest, choices)
    if named and not same_choice(named, letter, choices):
        raise _Ambiguous
    others = _labels(rest, choices) - {letter}
    if others and _ALTERNATIVE.match(rest):
        raise _Ambiguous
    return letter


def _only_label(sentence: str, choices: Sequence[str]) -> str | None:
    """The one letter in the sentence that is not rejected. Raises _Ambiguous when there are two."""
    return _only(_labels(sentence, choices), choices)


def _only_text(sentence: str, choices: Sequence[str]) -> str | None:
    """The one choice whose text is in the sentence. Raises _Ambiguous when there are two."""
    sentence = _REJECTED.sub(" ", sentence)
    if _DENIED.match(sentence):
        return None
    return _only(_texts(sentence, choices), choices)


def _judged_best(sentence: str, choices: Sequence[str]) -> str | None:
    """The choice that the sentence calls correct, right or best."""
    verdict = _VERDICT.match(sentence)
    if not verdict or _NEGATION.search(sentence):
        return None
    return _in_statement(verdict["what"], verdict["what"], choices)


def _closing_text(sentence: str, choices: Sequence[str]) -> str | None:
    """The choice whose text ends the sentence, the longest if several do, with no negation
    before it.
    """
    words = f" {plain(sentence)}"
    longest = ""
    closing = None
    for letter, choice in _lettered(choices):
        if words.endswith(f" {choice}") and len(choice) > len(longest):
            closing = letter
            longest = choice
    before = words.removesuffix(longest)
    if _NEGATION.search(before):
        return None
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


def _texts(sentence: str, choices: Sequence[str]) -> set[str]:
    """Choices whose text stands in the sentence, less those that only stand inside a longer one."""
    rest = f" {plain(sentence)} "
    letters = set()
    longest_first = sorted(_lettered(choices), key=lambda pair: -len(pair[1]))
    for letter, choice in longest_first:
        words = f" {choice} "
        if words in rest:
            letters.add(letter)
            rest = rest.replace(words, " | ")
    return letters


def _lettered(choices: Sequence[str]) -> list[tuple[str, str]]:
    """Each letter with its choice's plain text.

    A choice without a plain text can only be named by letter.
    """
    pairs = zip(LETTERS, map(plain, choices), strict=False)
    return [(letter, choice) for letter, choice in pairs if choice]


def _known(letter: str, choices: Sequence[str]) -> str | None:
    """The letter as a capital, or None when no choice has it."""
    letter = letter.upper()
    return letter if letter in _letters(choices) else None


def _letters(choices: Sequence[str]) -> str:
    """The letters that may be read: one for each choice, or all when no choices are known."""
    return LETTERS[: len(choices)] if choices else LETTERS
