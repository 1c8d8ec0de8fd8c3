"""The word or phrase a text ends on. Reads a text, writes nothing, knows no task.

The explicit final statement first, else the last quoted string or last word of the last
sentence. Letters that were spelt out ("y-a-j-o", "y a j o") are joined. Ours.
"""

from __future__ import annotations

import re

from localfair.tasks.statements import Statement, clean, last_sentence, statements

_QUOTED = re.compile(r'"([^"\n]+)"|(?<!\w)\'([^\'\n]+)\'(?!\w)')
_SPELT = re.compile(r"(?<!\w)\w(?:(?:\s*[-,+.]\s*|\s+)\w)+(?!\w)")
_FILLER = re.compile(
    r"(?:(?:the|word|string|letters?|concatenat\w+|result|name)\s+)+", re.IGNORECASE
)
_PRODUCED = re.compile(
    r"(?:\b(?:is|are|gives|get|spells|makes|forms|form|becomes|produces|obtain)|=)\s*(?:us\s+)?:?\s*([^\s\"']+?)\W*$"
)


def read_words(text: str, *, one_word: bool = False) -> str | None:
    """What the text states, as written; None when it holds no letter or digit. `one_word`: one word of it."""
    text = clean(text)
    for statement in statements(text):
        said = _stated(statement, one_word)
        if said:
            return said
    return _ending(last_sentence(text), one_word)


def plain_words(text: str) -> str:
    """Lower case letters and digits with single spaces; punctuation does not count."""
    return " ".join(re.findall(r"[^\W_]+", text.lower().replace("'", "")))


def join_spelt(text: str) -> str:
    """`y-a-j-o`, `y, a, j, o` and `y a j o` as `yajo`; other text as it is."""
    match = _SPELT.fullmatch(text.strip(" .\"'"))
    return re.sub(r"[\W_]", "", match[0]) if match else text


def _stated(statement: Statement, one_word: bool) -> str | None:
    line = statement.line if statement.marker != "answer" else statement.sentence
    if re.match(r"not\s", line) or not re.search(r"\w", line):
        return None
    if not one_word:
        quoted = _QUOTED.fullmatch(line.strip(" ."))
        return (quoted[1] or quoted[2]) if quoted else line.strip(" .*")
    quotes = _quotes(line)
    if quotes:
        return "".join(quotes) if all(len(q) == 1 for q in quotes) else join_spelt(quotes[-1])
    return _first_word(line)


def _first_word(line: str) -> str:
    filler = _FILLER.match(line)
    rest = line[filler.end() :] if filler and re.search(r"\w", line[filler.end() :]) else line
    spelt = _SPELT.match(rest)
    if spelt:
        after = re.match(r"\s*(?:=|->|→|or)\s*(\w+)", rest[spelt.end() :])
        return after[1] if after else join_spelt(spelt[0])
    return str(re.findall(r"[^\W_]+", rest)[0])


def _ending(sentence: str, one_word: bool) -> str | None:
    if not re.search(r"\w", sentence):
        return None
    if not one_word:
        return sentence.strip(" .*")
    produced = _PRODUCED.search(sentence)
    if produced and len(produced[1]) > 1:
        return join_spelt(produced[1])
    quotes = _quotes(sentence)
    if quotes:
        return "".join(quotes) if all(len(q) == 1 for q in quotes) else join_spelt(quotes[-1])
    spelt = re.search(_SPELT.pattern + r"\W*$", sentence)
    return join_spelt(spelt[0].rstrip(" .!*")) if spelt else re.findall(r"[^\W_]+", sentence)[-1]


def _quotes(text: str) -> list[str]:
    return [(double or single).strip(" .,") for double, single in _QUOTED.findall(text)]
