r"""Where in a text its author states the final answer. Reads a text, writes nothing, knows no task.

Four markers, and the last of each counts first: `#### x`, `\boxed{x}`, "the answer is x",
"Answer: x". Ours; the first two are the habits of GSM8K and MATH.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

_CHARACTERS = str.maketrans(
    {"−": "-", "‐": "-", "‑": "-", "–": "-", "﹣": "-", "－": "-", "⁄": "/", "∕": "/"}
    | {"‘": "'", "’": "'", "“": '"', "”": '"', "\u00a0": " ", "\u202f": " ", "\u2009": " ", "`": ""}
)
_LATEX = (
    (re.compile(r"\\[dtc]frac"), r"\\frac"),
    (re.compile(r"\\(?:text|textbf|textit|mathrm|mathbf|mbox)\s*\{([^{}]*)\}"), r"\1"),
    (re.compile(r"\\[!,;:]|\\[()\[\]]|\\left|\\right"), ""),
    (re.compile(r"\{,\}"), ","),
    (re.compile(r"\\([$%])"), r"\1"),
    (re.compile(r"\*\*|__"), ""),
    (re.compile(r"[ \t]{2,}"), " "),
)
_HASHES = re.compile(r"####[ \t]*(\S[^\n]*)")
_HEADING = re.compile(r"\d+[.)]\s+[A-Za-z]|(?:step|solution|explanation|part)\b", re.IGNORECASE)
_BOXED = re.compile(r"\\(?:boxed|fbox)\s*\{")
_LONGEST_BOX = 500
_ANSWER = re.compile(
    r"""\b(?:answer|(?:correct|right|best)\s+(?:option|choice))\b
        (?:\s+(?:to|for|of|here|choice|option)\b[^.\n:]{0,80}?)?
        (?: \s+(?:is|was|are|equals|(?:would|will|should|must|can|could)\s+be)\b(?P<not>n't|\s+not\b)?[\s:,]*
          | \s+(?P<cannot>cannot|can't|can\s+not)\s+be\b[\s:]*
          | (?P<colon>\s*[:=]\s*) | (?P<heading>[ \t]*\n+) )""",
    re.IGNORECASE | re.VERBOSE,
)
_ABBREVIATION = re.compile(r"(?:\b(?:St|Mr|Mrs|Ms|Dr|Jr|Sr|vs)|(?<![\w-])[A-Z])$")
_SENTENCE_END = re.compile(r"[.!?](?=[\s\"')\]]|$)")


@dataclass(frozen=True, slots=True)
class Statement:
    """The line a marker points at. `firm` is False for "Answer: ..." with more text after that line."""

    line: str
    marker: Literal["hashes", "boxed", "answer"]
    firm: bool = True

    @property
    def sentence(self) -> str:
        """The line up to the end of its first sentence."""
        return first_sentence(self.line)


def clean(text: str) -> str:
    """One spelling of minus signs, quotes, vulgar fractions and LaTeX wrappings; no bold marks."""
    text = "".join(_vulgar(c) for c in text).translate(_CHARACTERS)
    for pattern, replacement in _LATEX:
        text = pattern.sub(replacement, text)
    return text


def _vulgar(char: str) -> str:
    if char < "¼" or not unicodedata.name(char, "").startswith("VULGAR FRACTION"):
        return char
    return " " + unicodedata.normalize("NFKC", char).replace("⁄", "/")


def first_sentence(line: str) -> str:
    """The line up to its first sentence end; "B." and "St." end none."""
    for end in _SENTENCE_END.finditer(line):
        before = line[: end.start()]
        if not re.fullmatch(r"\W*[A-Za-z0-9]?", before) and not (
            end[0] == "." and _ABBREVIATION.search(before)
        ):
            return before
    return line


def last_sentence(text: str) -> str:
    """The last sentence of the last line that has a letter or digit."""
    lines = [line for line in text.splitlines() if re.search(r"\w", line)]
    if not lines:
        return ""
    line = lines[-1].strip()
    starts = [m.end() for m in _SENTENCE_END.finditer(line) if re.search(r"\w", line[m.end() :])]
    starts = [s for s in starts if re.search(r"\w{2}", line[:s])]
    return line[starts[-1] :].strip() if starts else line


def statements(text: str) -> Iterator[Statement]:
    """Every final statement of a cleaned text, the one that counts most first."""
    for match in reversed(list(_HASHES.finditer(text))):
        if not _HEADING.match(match[1]):
            yield Statement(match[1].strip(), "hashes")
    for content in reversed(list(_boxes(text))):
        yield Statement(content, "boxed")
    for match in reversed(list(_ANSWER.finditer(text))):
        statement = _after(text, match)
        if statement:
            yield statement


def _boxes(text: str) -> Iterator[str]:
    for match in _BOXED.finditer(text):
        depth, start = 1, match.end()
        for at in range(start, min(len(text), start + _LONGEST_BOX)):
            depth += {"{": 1, "}": -1}.get(text[at], 0)
            if depth == 0:
                yield text[start:at].strip()
                break


def _after(text: str, match: re.Match[str]) -> Statement | None:
    if match["heading"] and not _alone_on_its_line(text, match):
        return None
    line, _, more = text[match.end() :].strip().partition("\n")
    negation = "not " if match["not"] or match["cannot"] else ""
    firm = not match["colon"] or not more.strip()
    return Statement(negation + line.strip(), "answer", firm) if line.strip() else None


def _alone_on_its_line(text: str, match: re.Match[str]) -> bool:
    line_start = text.rfind("\n", 0, match.start()) + 1
    return (
        re.fullmatch(
            r"[\W_]*(?:the\s+)?(?:final\s+)?", text[line_start : match.start()], re.IGNORECASE
        )
        is not None
    )
