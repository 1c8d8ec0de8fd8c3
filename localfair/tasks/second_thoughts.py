"""A final statement that its author takes back: `The answer is 5. Wait, it is 6.`

Reads a cleaned text and writes nothing. Knows no kind of answer. What is said last counts: a reader
reads the correction, and where it cannot, it reads nothing rather than what was taken back. Ours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from localfair.tasks.statements import first_marker_end, first_sentence

_LONGEST_LINE = 2000  # characters
_CUE = r"""(?:wait|oops|whoops|sorry|correction|actually|hold\s+on|scratch\s+that|on\s+second\s+thoughts?
    |my\s+(?:mistake|bad)|i\s+made\s+(?:a|an)\s+(?:\w+\s+)?(?:mistake|error)|i\s+mean|i\s+meant|rather|but\s+(?:really|actually|in\s+fact)|hmm+|let\s+me\s+(?:recheck|recalculate|redo|recount|reconsider|rethink)(?:\s+(?:that|this|it))?)"""
_IS = r"""(?:(?:it|that|this|(?:the|my)\s+(?:(?:right|correct|real|actual|true)\s+)?
    (?:one|result|total|sum|value|number|amount|letter|option|choice))
    \s*(?:'s|\s(?:is|was|must\s+be|should\s+be|should\s+have\s+been|would\s+be))|make\s+(?:that|it)|i\s+meant?)"""
_TAKES_BACK = re.compile(
    rf"""(?:^|(?<=[.!?;…()—\n-]))[\s(*]{{0,3}}
        (?: {_CUE}\b (?:[\s,.:;!…—-]+(?:no\b(?=\s*[,.:;!…—-]+\s*\w)|{_CUE}\b)){{0,3}}
            [\s,.:;!…—-]* (?P<is>{_IS}\b[\s:]*)?
          | no\b[\s,.:;!—-]* (?P<no_is>{_IS}\b[\s:]*) )
        (?P<rest>[^\n]*)""",
    re.IGNORECASE | re.VERBOSE,
)
# "Wait, 6.": nothing else stands in the sentence
_ALONE = re.compile(r"[^\w\s]*\S+(?:\s\w+)?\W*")
_WITHDRAWN = re.compile(
    r"\b(?:wrong|incorrect|mistaken|false|(?:not|isn't|wasn't)\s+(?:quite\s+)?(?:right|correct))\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class SecondThoughts:
    """What follows the last final statement of a text, from its "Wait" on.

    `line` is what it says instead, empty where it does not say. `is_withdrawn`: it says that the
    statement is wrong.
    """

    text: str
    line: str
    is_withdrawn: bool

    @property
    def sentence(self) -> str:
        """The line up to the end of its first sentence."""
        return first_sentence(self.line)


def second_thoughts(text: str) -> SecondThoughts | None:
    """What takes back the last final statement of a cleaned text, or None where nothing does."""
    last = None
    for cue in _TAKES_BACK.finditer(text):
        last = cue
    if last is None:
        return None
    thoughts = text[last.start() :]
    is_after_all = first_marker_end(thoughts) is None
    if not is_after_all or first_marker_end(text[: last.start()]) is None:
        return None
    rest = last["rest"][:_LONGEST_LINE].strip()
    is_said = last["is"] or last["no_is"] or _ALONE.fullmatch(first_sentence(rest))
    is_withdrawn = _WITHDRAWN.search(first_sentence(rest)) is not None
    return SecondThoughts(thoughts, rest if is_said else "", is_withdrawn)
