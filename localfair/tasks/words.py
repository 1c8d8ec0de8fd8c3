"""The word or phrase a text ends on.

Reads a text and writes nothing. Knows no task. The explicit final statement is read first, else
the last sentence. Letters that were spelt out ("y-a-j-o", "y a j o") are joined. Ours.

A phrase is taken whole. For one word, `_ENDINGS` lists where a last sentence may have it.
"""

from __future__ import annotations

import re

from localfair.tasks.cleaning import clean
from localfair.tasks.second_thoughts import second_thoughts
from localfair.tasks.statements import Statement, last_sentence, statements

_PLAIN_WORD = re.compile(r"[^\W_]+")
_QUOTED = re.compile(r'"([^"\n]+)"|(?<!\w)\'([^\'\n]+)\'(?!\w)')
# y-a-j-o; y, a, j, o; y a j o
_SPELT = re.compile(r"(?<!\w)\w(?:(?:\s*[-,+.]\s*|\s+)\w)+(?!\w)")
_SPELT_LAST = re.compile(_SPELT.pattern + r"\W*$")
# y-a-j-o = yajo; y a j o -> yajo
_JOINED_AFTER = re.compile(r"\s*(?:=|->|→|or)\s*(\w+)")
# the word; the letters; the concatenated string
_FILLER = re.compile(
    r"(?:(?:the|word|string|letters?|concatenat\w+|result|name)\s+)+", re.IGNORECASE
)
# gives yajo; they spell: yajo; = yajo
_PRODUCED = re.compile(
    r"(?:\b(?:is|are|gives|get|spells|makes|forms|form|becomes|produces|obtain)|=)\s*(?:us\s+)?:?\s*([^\s\"']+?)\W*$"
)
_DENIED = re.compile(r"not\s")
# "yajo", not "ajoy"
_NOT_ANOTHER = re.compile(r"[,;]?\s(?:and\s)?(?:not|rather\sthan|instead\sof)\s", re.IGNORECASE)
_OR_ANOTHER = re.compile(r"\W*\w{2,}\W{1,3}(?:or|oder|ou|или)\s\W*\w{2,}\W*$", re.IGNORECASE)


def read_words(text: str, *, one_word: bool = False) -> str | None:
    """What the text states, as written; None when it holds no letter or digit.

    `one_word`: one word of it.
    """
    text = clean(text)
    thoughts = second_thoughts(text)
    if thoughts:
        return _stated(Statement(thoughts.line, "answer"), one_word)
    denied = ""
    for statement in statements(text):
        words = _stated(statement, one_word)
        if words:
            return words
        denied += f"{statement.sentence}\n"
    words = _ending(last_sentence(text), one_word)
    # "The answer is not yajo" says nothing of what it is
    is_denied = words is not None and re.search(rf"(?<!\w){re.escape(words)}(?!\w)", denied)
    return None if is_denied else words


def join_spelt(text: str) -> str:
    """`y-a-j-o`, `y, a, j, o` and `y a j o` as `yajo`; other text as it is."""
    match = _SPELT.fullmatch(text.strip(" .\"'"))
    return re.sub(r"[\W_]", "", match[0]) if match else text


def _stated(statement: Statement, one_word: bool) -> str | None:
    """What a final statement says, or None when it says nothing or only denies something."""
    # what stands in a box or after #### is the answer whole: a full stop in it ends no sentence
    line = statement.sentence if statement.marker == "answer" else statement.line
    if _DENIED.match(line) or not _PLAIN_WORD.search(line):
        return None
    if not one_word:
        return _phrase(line)
    line = _NOT_ANOTHER.split(line)[0]
    if _OR_ANOTHER.match(line):
        return None
    quoted = _quoted(line)
    return _opening_word(line) if quoted is None else quoted


def _ending(sentence: str, one_word: bool) -> str | None:
    """What a last sentence ends on, or None when it holds no letter or digit."""
    if not _PLAIN_WORD.search(sentence):
        return None
    if not one_word:
        return sentence.strip(" .*")
    for read in _ENDINGS:
        word = read(sentence)
        if word is not None:
            return word
    return None


def _phrase(line: str) -> str:
    """The whole line, without quotation marks around it."""
    quoted = _QUOTED.fullmatch(line.strip(" ."))
    if quoted:
        return quoted[1] or quoted[2]
    return line.strip(" .*")


def _opening_word(line: str) -> str:
    """The first word that is no filler, or the word that letters at its place spell."""
    filler = _FILLER.match(line)
    if filler and _PLAIN_WORD.search(line[filler.end() :]):
        line = line[filler.end() :]
    spelt = _SPELT.match(line)
    if not spelt:
        return str(_PLAIN_WORD.findall(line)[0])
    joined = _JOINED_AFTER.match(line[spelt.end() :])
    return joined[1] if joined else join_spelt(spelt[0])


def _produced(sentence: str) -> str | None:
    match = _PRODUCED.search(sentence)
    # one letter is "the last letter is y", a step on the way
    if match and len(match[1]) > 1:
        return join_spelt(match[1])
    return None


def _quoted(text: str) -> str | None:
    quotes = [(double or single).strip(" .,") for double, single in _QUOTED.findall(text)]
    if not quotes:
        return None
    if all(len(quote) == 1 for quote in quotes):
        return "".join(quotes)
    return join_spelt(quotes[-1])


def _spelt_last(sentence: str) -> str | None:
    match = _SPELT_LAST.search(sentence)
    return join_spelt(match[0].rstrip(" .!*")) if match else None


def _last_word(sentence: str) -> str:
    return str(_PLAIN_WORD.findall(sentence)[-1])


# Where a last sentence may have its one word, the surest first.
_ENDINGS = (
    _produced,  # putting them together gives yajo
    _quoted,  # together: "yajo"; the letters are "y", "a", "j", "o"
    _spelt_last,  # so it is y-a-j-o
    _last_word,  # it must be yajo
)
