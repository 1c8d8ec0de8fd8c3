r"""Where in a text its author states the final answer.

Reads a text and writes nothing. Knows no task and no kind of answer. The markers are listed in
`_MARKERS`. `#### 72` is the habit of GSM8K and `\boxed{72}` that of MATH; the rest is ours.

Lines are read to `_LONGEST_LINE` characters, and of one marker the last `_MOST` statements, so that
no text takes longer to read than its length says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from localfair.tasks import languages

_LONGEST_LINE = 2000  # characters; what is longer is no statement
_MOST = 50  # statements of one marker that are looked at, the last of the text first
_HASHES = re.compile(r"####[ \t]*(\S[^\n]*)")
_HEADING = re.compile(r"\d+[.)]\s+[A-Za-z]|(?:step|solution|explanation|part)\b", re.IGNORECASE)
_BOXED = re.compile(r"\\(?:boxed|fbox)\s*\{")
_LONGEST_BOX = 500  # characters; a box that is still open after them was never closed
_ANSWER = re.compile(
    r"""\b(?:answer|(?:final|correct)\s+(?:result|solution)|(?:correct|right|best)\s+(?:option|choice))\b
        (?:\s\([^()\n]{0,60}\))?                                      # the answer (in dollars)
        (?:\s+(?:to|for|of|in|here|choice|option|(?:that\s+)?(?:I|we|you)\s+(?:get|got|have|want))\b
            [^.\n:]{0,80}?)?                                           # the answer to this question
        (?:,?\s+(?:then|therefore|thus|hence|so|finally|clearly|simply),?)?
        (?: (?:\s+(?:is|was|are|equals|(?:would|will|should|must|can|could)\s+be
                |(?:comes?|works?|came|worked)\s+(?:out\s+)?(?:to(?:\s+be)?|as|at)|turns?\s+out\s+to\s+be
                |ends?\s+up\s+(?:being|as))\b|'s\b(?=\s+[^\s\w]{0,3}[\dA-Z]))
            (?P<not>\s+(?:definitely\s+|certainly\s+)?not\b)?[\s:,]*    # the answer is (not) 72
          | \s+(?P<cannot>cannot|can't|can\s+not)\s+be\b[\s:]*         # the answer cannot be 72
          | \s+(?P<isnt>(?:is|was)n't)\b[\s:]*                          # the answer isn't 72
          | (?P<unequal>\s+[$(]{0,2}(?:≠|!=|\\neq?\b))\s*              # the answer ≠ 72
          | (?P<dash>\s+-\s+(?=[^\s\w]{0,3}(?:\d|[A-Z]\b)))            # Answer - 72
          | (?P<colon>\s*[:=]\s*)                                      # Answer: 72
          | (?P<heading>[ \t]*\n+) )                                   # ### Answer, then 72 below it
    """,
    re.IGNORECASE | re.VERBOSE,
)
# Ans: 72
_SHORT = re.compile(
    r"(?:^|(?<=[.\n]))[ \t]*ans(?:[.:]|\s?=)[ \t]*(?P<line>\S[^\n]*)", re.IGNORECASE
)
# "72 is the answer"
_PREDICATE = re.compile(
    r"\s(?:is|must\sbe)\s(?:the|my|our)\s(?:(?:final|correct|right)\s)?answer\b(?!\s+to\b)",
    re.IGNORECASE,
)
_LONGEST_SUBJECT = 80  # characters
# <answer>72</answer>; the closing tag is missing where a stop sequence took it
_TAGGED = re.compile(
    r"<(?P<tag>(?:final_?)?(?:answer|result))>(?P<content>[^<]{0,2000})(?:</(?P=tag)>|(?![^<]))",
    re.IGNORECASE,
)
# {"answer": 72, "confidence": 0.9}
_JSON = re.compile(
    r"""["'](?:final[_ ]?)?(?:answer|choice|option|result|prediction|solution|value)["']\s*:\s*
        (?:\{\s*["']\w{1,20}["']\s*:\s*)?                              # {"answer": {"value": 72}}
        (?: \[\s*(?P<list>[^\[\]\n]{0,500})\]
          | "(?P<double>(?:[^"\\\n]|\\.){0,500})" | '(?P<single>[^'\n]{0,500})'
          | (?P<bare>-?[\d.][\d.eE+-]{0,40}|true\b|false\b|null\b|none\b) )""",
    re.IGNORECASE | re.VERBOSE,
)
# "I doubt that the answer is 72" denies it, and "you might think that it is 72" is not what its author says
_DOUBT = re.compile(
    r"""(?:\b(?:doubt|unlikely|(?:don't|do\s+not|not|never|cannot|can't)\s+(?:think|believe|say|be\s+that)
          |(?:not|isn't)\s+(?:true|certain|sure|clear|the\s+case)
          |(?:might|may|could|often|first|initially)\s+(?:\w+\s+)?(?:think|thought|say|believe|guess|assume|conclude|answer)
          |would\s+(?:be\s+)?(?:think|assume|wrong|tempted)
          |(?:some|many|most|other)\s+(?:\w+\s+)?(?:think|say|believe|guess|assume|claim)
          |(?:wrong|incorrect|false|tempting|(?:a|an)\s+(?:\w+\s+)?(?:mistake|error))\s+to\s+(?:think|say|believe|guess|assume|conclude)
          |(?:student|friend|teacher|user|he|she|they)\s+(?:thinks?|says?|said|thought|wrote|claims?|claimed|believes?)
          |if|suppose|assuming)\b)
        (?:\s+(?:that|if|whether))?[^.,;:!?\n]{0,20}$""",
    re.IGNORECASE | re.VERBOSE,
)
# "Could the answer be 72?" asks
_POSSIBLE = re.compile(r"\b(?:can|could)\s+be\b", re.IGNORECASE)
_ASKS = re.compile(r"\b(?:is|could|can|may|might|will|would)\s+(?:the\s+)?$", re.IGNORECASE)
_SPACED_MINUS = re.compile(r"-\s\d")
_BEFORE_HEADING = re.compile(r"[\W_]*(?:the\s+)?(?:final\s+)?", re.IGNORECASE)
_ABBREVIATION = re.compile(r"(?:\b(?:St|Mr|Mrs|Ms|Dr|Jr|Sr|vs)|(?<![\w-])[A-Z])$")
_LABEL = re.compile(r"\W*[A-Za-z0-9]?")
# 5! = 120 does not end at the factorial
_SENTENCE_END = re.compile(r"(?:[.?]|!(?!\s*[=≈+*/×]))(?=[\s\"')\]]|$)")


@dataclass(frozen=True, slots=True)
class Statement:
    """The line a marker points at.

    `firm` is False for "Answer: ..." with more text after that line.
    """

    line: str
    marker: Literal["wrapped", "hashes", "boxed", "answer"]
    firm: bool = True

    @property
    def sentence(self) -> str:
        """The line up to the end of its first sentence."""
        return first_sentence(self.line)


def statements(text: str) -> Iterator[Statement]:
    """Every final statement of a cleaned text, the one that counts most first."""
    for find in _MARKERS:
        yield from find(text)


def first_marker_end(text: str) -> int | None:
    """Where the first marker of a raw text ends, or None when it states no answer."""
    ends = []
    for marker in (_HASHES, _BOXED, _TAGGED, _JSON, _ANSWER, _SHORT, languages.MARKER):
        match = marker.search(text)
        if match:
            ends.append(match.end())
    return min(ends, default=None)


def first_sentence(line: str) -> str:
    """The line up to its first sentence end; "B." and "St." end none."""
    line = line[:_LONGEST_LINE]
    for end in _SENTENCE_END.finditer(line):
        before = line[: end.start()]
        is_label = _LABEL.fullmatch(before)
        is_abbreviation = end[0] == "." and _ABBREVIATION.search(before)
        if not is_label and not is_abbreviation:
            return before
    return line


def last_sentence(text: str) -> str:
    """The last sentence of the last line that has a letter or digit."""
    lines = [line for line in text.splitlines() if re.search(r"\w", line)]
    if not lines:
        return ""
    line = lines[-1].strip()[-_LONGEST_LINE:]
    start = 0
    for end in _SENTENCE_END.finditer(line):
        before = line[: end.end()]
        after = line[end.end() :]
        # "B." opens a sentence and does not end one
        if re.search(r"\w{2}", before) and re.search(r"\w", after):
            start = end.end()
    return line[start:].strip()


def _after_hashes(text: str) -> Iterator[Statement]:
    for match in _last_first(_HASHES, text):
        # in Markdown, `#### Step 1` is a heading
        if not _HEADING.match(match[1]):
            yield Statement(match[1][:_LONGEST_LINE].strip(), "hashes")


def _in_boxes(text: str) -> Iterator[Statement]:
    for match in _last_first(_BOXED, text):
        content = _box_content(text, match.end())
        if content is not None:
            yield Statement(content, "boxed")


def _box_content(text: str, start: int) -> str | None:
    """What stands from `start` to the brace that closes the box, or None when nothing closes it."""
    depth = 1
    for position in range(start, min(len(text), start + _LONGEST_BOX)):
        if text[position] == "{":
            depth += 1
        elif text[position] == "}":
            depth -= 1
        if depth == 0:
            return text[start:position].strip()
    return None


def _after_answer(text: str) -> Iterator[Statement]:
    for match in _last_first(_ANSWER, text):
        statement = _answer_statement(text, match)
        if statement:
            yield statement


def _after_answer_elsewhere(text: str) -> Iterator[Statement]:
    said = list(languages.stated(text))[: -_MOST - 1 : -1]
    for match, line in said:
        has_colon = ":" in text[match.start() : match.start("line")]
        more = text[match.end() : match.end() + _LONGEST_LINE].strip()
        if line:
            yield Statement(line[:_LONGEST_LINE], "answer", not has_colon or not more)


def _after_short(text: str) -> Iterator[Statement]:
    for match in _last_first(_SHORT, text):
        yield Statement(match["line"][:_LONGEST_LINE].strip(), "answer")


def _before_answer(text: str) -> Iterator[Statement]:
    for match in _last_first(_PREDICATE, text):
        near = text[max(0, match.start() - _LONGEST_SUBJECT) : match.start()]
        subject = re.split(r"[.!?;:\n]\s|\n", near)[-1].strip()
        if re.search(r"\w", subject):
            yield Statement(subject, "answer")


def _in_wrappers(text: str) -> Iterator[Statement]:
    """What stands between tags or under a JSON key, where nothing after it states an answer."""
    for wrapper in (_TAGGED, _JSON):
        for match in _last_first(wrapper, text):
            content = _wrapped(match)
            rest = text[match.end() : match.end() + _LONGEST_LINE]
            # a statement inside is read by its own marker
            if content and first_marker_end(f"{content}\n{rest}") is None:
                yield Statement(content, "wrapped")


def _wrapped(match: re.Match[str]) -> str:
    """The last line of a wrapper's content."""
    groups = match.groupdict()
    content = groups.get("content") or groups.get("double") or groups.get("single")
    content = content or groups.get("list") or groups.get("bare") or ""
    return content.strip().rpartition("\n")[2].strip()


def _last_first(marker: re.Pattern[str], text: str) -> list[re.Match[str]]:
    """The last matches of a marker, the last of the text first."""
    return list(marker.finditer(text))[: -_MOST - 1 : -1]


def _answer_statement(text: str, match: re.Match[str]) -> Statement | None:
    """The line after "the answer is", with its "not" if it has one, or None when there is no
    such line.
    """
    if match["heading"] and not _is_heading(text, match):
        return None
    before = text[max(0, match.start() - 80) : match.start()]
    # "the answer could be 72" and "could the answer be 72?" state nothing
    if _POSSIBLE.search(match[0]) or _ASKS.search(before):
        return None
    rest = text[match.end() : match.end() + _LONGEST_LINE]
    line, _, more = rest.strip().partition("\n")
    line = line.strip()
    if not line:
        return None
    is_denied = match["not"] or match["cannot"] or match["isnt"] or match["unequal"]
    if is_denied or _DOUBT.search(before):
        line = f"not {line}"
    # "is - 72" is negative; on a line of its own the dash begins a list
    if _SPACED_MINUS.match(line) and "\n" not in text[match.start() : match.end()]:
        line = f"-{line[1:].lstrip()}"
    # "Answer: She sold 24 in May." opens a solution as often as it closes one
    is_firm = not match["colon"] or not more.strip()
    return Statement(line, "answer", is_firm)


def _is_heading(text: str, match: re.Match[str]) -> bool:
    """Whether the marker has its line for itself, but for marks and "the final"."""
    line_start = text.rfind("\n", 0, match.start()) + 1
    before = text[line_start : match.start()]
    return _BEFORE_HEADING.fullmatch(before) is not None


# What marks a final statement, the marker that counts most first. Each function yields the
# statements after one marker in a cleaned text, the last of the text first.
_MARKERS = (
    _in_wrappers,  # <answer>72</answer>; {"answer": 72}
    _after_hashes,  # #### 72
    _in_boxes,  # \boxed{72}
    _after_answer,  # the answer is 72; Answer: 72; ### Answer, and 72 on the next line
    _after_short,  # Ans: 72
    _after_answer_elsewhere,  # la respuesta es 72
    _before_answer,  # 72 is the answer
)
