r"""Where in a text its author states the final answer.

Reads a text and writes nothing. Knows no task and no kind of answer. The markers are listed in
`_MARKERS`. `#### 72` is the habit of GSM8K and `\boxed{72}` that of MATH; the rest is ours.

Lines are read to `_LONGEST_LINE` characters, and of one marker the last `_MOST` statements, so that
no text takes longer to read than its length says.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

# The character that readers look for, and other characters that are written for it.
_SPELLINGS = {
    "-": "−‐‑–﹣－",
    "/": "⁄∕",
    "'": "‘’",
    '"': "“”",
    "": "`\u200b\u200c\u200d\u2060\ufeff",
    ". ": "。",
    ", ": "、",
}
# full-width letters, digits and signs stand in the order of ASCII
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_CHARACTERS = _FULL_WIDTH | str.maketrans(
    {other: usual for usual, others in _SPELLINGS.items() for other in others}
)
# What is replaced by what, in this order: later lines read what earlier ones wrote.
_WRAPPINGS = (
    # \dfrac, \tfrac and \cfrac are \frac in another size
    (re.compile(r"\\[dtc]frac"), r"\\frac"),
    # \text{apples} is its content
    (re.compile(r"\\(?:text|textbf|textit|mathrm|mathbf|mbox)\s*\{([^{}]*)\}"), r"\1"),
    # spacing, the brackets of formulas, \left and \right show nothing
    (re.compile(r"\\[!,;:]|\\[()\[\]]|\\left|\\right"), ""),
    # 12{,}000
    (re.compile(r"\{,\}"), ","),
    # \$5 and 25\%
    (re.compile(r"\\([$%])"), r"\1"),
    # 10**5 is a power
    (re.compile(r"(?<=\d)\s?\*\*\s?(?=\d+(?![\d*]))"), "^"),
    # **bold** and __bold__
    (re.compile(r"\*\*|__"), ""),
    (re.compile(r"[ \t]{2,}"), " "),
)
_LONGEST_LINE = 2000  # characters; what is longer is no statement
_MOST = 50  # statements of one marker that are looked at, the last of the text first
_HASHES = re.compile(r"####[ \t]*(\S[^\n]*)")
_HEADING = re.compile(r"\d+[.)]\s+[A-Za-z]|(?:step|solution|explanation|part)\b", re.IGNORECASE)
_BOXED = re.compile(r"\\(?:boxed|fbox)\s*\{")
_LONGEST_BOX = 500  # characters; a box that is still open after them was never closed
_ANSWER = re.compile(
    r"""\b(?:answer|(?:correct|right|best)\s+(?:option|choice))\b
        (?:\s+(?:to|for|of|here|choice|option)\b[^.\n:]{0,80}?)?       # the answer to this question
        (?: \s+(?:is|was|are|equals|(?:would|will|should|must|can|could)\s+be)\b
            (?P<not>\s+not\b)?[\s:,]*                                  # the answer is (not) 72
          | \s+(?P<cannot>cannot|can't|can\s+not)\s+be\b[\s:]*         # the answer cannot be 72
          | (?P<colon>\s*[:=]\s*)                                      # Answer: 72
          | (?P<heading>[ \t]*\n+) )                                   # ### Answer, then 72 below it
    """,
    re.IGNORECASE | re.VERBOSE,
)
# "the answer is" in other languages
_ELSEWHERE = re.compile(
    r"""(?: (?:答案|结果|結果)(?:应该|應該|就)?(?:是|为|為|:|选|選)                    # Chinese
          | (?:故|应|應|因此|所以)(?:该|該)?(?:选|選)(?:择|擇)?[ :]?
          | (?:答え|答|正解|結論)(?:は|:)                                   # Japanese
          | (?:정답|답|결과)(?:은|는|:)                                         # Korean
          | \b(?:antwort|ergebnis)\s*(?:ist|lautet|beträgt|:)
            (?:\s+(?:also|daher|somit|damit))?                                # German
          | \b(?:réponse|résultat)(?:\s+(?:finale?|correcte?))?\s*(?:est|:)
            (?:\s+(?:donc|alors))?                                           # French
          | \b(?:respuesta|resultado|opción)(?:\s+(?:final|correct[ao]))?\s*(?:es|:)
            (?:\s+(?:entonces|por\s+tanto))?                                 # Spanish
          | \b(?:resposta|resultado|opção)(?:\s+(?:final|corret[ao]))?\s*(?:é|:)
            (?:\s+(?:então|portanto))?                                       # Portuguese
          | \b(?:risposta|risultato|opzione)(?:\s+(?:finale|corrett[ao]))?\s*(?:è|:)
            (?:\s+(?:quindi|dunque))?                                        # Italian
          | \b(?:antwoord|uitkomst)\s*(?:is|:)(?:\s+dus)?                    # Dutch
          | \b(?:svaret?|resultatet)\s*(?:är|er|:)                           # Swedish, Danish
          | \b(?:odpowied[źz]|wynik)\s*(?:to|brzmi|:)                        # Polish
          | \b(?:odpověď|výsledek)\s*(?:je|:)                                # Czech
          | \b(?:ответ|итого|результат)\s*(?:[:—-]|равен|будет)              # Russian
          | \b(?:відповідь)\s*[:—-]                                          # Ukrainian
          | \b(?:cevap|sonuç)\s*:                                            # Turkish
          | đáp\s+(?:án|số)\s*(?:là|:)                                       # Vietnamese
          | \bjawaban(?:nya)?\s*(?:adalah|:)                                 # Indonesian
          | (?:उत्तर|जवाब)\s*(?:है|:)                                           # Hindi
          | (?:الجواب|الإجابة)\s*(?:هو|هي|:)                                   # Arabic
          | \b(?:απάντηση)\s*(?:είναι|:)                                     # Greek
        )[ \t:]*(?P<line>[^\n]*)""",
    re.IGNORECASE | re.VERBOSE,
)
# <answer>72</answer>; the closing tag is missing where a stop sequence took it
_TAGGED = re.compile(
    r"<(?P<tag>(?:final_?)?(?:answer|result))>(?P<content>[^<]{0,2000})(?:</(?P=tag)>|(?![^<]))",
    re.IGNORECASE,
)
# {"answer": 72, "confidence": 0.9}
_JSON = re.compile(
    r"""["'](?:final[_ ]?)?(?:answer|choice|option|result|prediction)["']\s*:\s*\[?\s*
        (?: "(?P<double>(?:[^"\\\n]|\\.){0,500})" | '(?P<single>[^'\n]{0,500})'
          | (?P<bare>-?[\d.][\d.eE+-]{0,40}|true\b|false\b) )""",
    re.IGNORECASE | re.VERBOSE,
)
# "I doubt that the answer is 72" denies it
_DOUBT = re.compile(
    r"(?:\b(?:doubt|unlikely|(?:don't|not|never|cannot|can't)\s+(?:think|believe|say|be\s+that)"
    r"|(?:not|isn't)\s+(?:true|certain|sure|clear|the\s+case))\b)(?:\s+(?:that|if|whether))?[^.,;:!?\n]{0,20}$",
    re.IGNORECASE,
)
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


def clean(text: str) -> str:
    """One spelling of minus signs, quotes, vulgar fractions and LaTeX wrappings; no bold marks.

    Letters with accents are single characters (NFC). Spaces that cannot break stay: they may
    stand between the thousands of a number.
    """
    text = unicodedata.normalize("NFC", text)
    text = "".join(_without_vulgar_fraction(character) for character in text)
    text = text.translate(_CHARACTERS)
    for pattern, replacement in _WRAPPINGS:
        text = pattern.sub(replacement, text)
    return text


def statements(text: str) -> Iterator[Statement]:
    """Every final statement of a cleaned text, the one that counts most first."""
    for find in _MARKERS:
        yield from find(text)


def first_marker_end(text: str) -> int | None:
    """Where the first marker of a raw text ends, or None when it states no answer."""
    ends = []
    for marker in (_HASHES, _BOXED, _TAGGED, _JSON, _ANSWER, _ELSEWHERE):
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


def _without_vulgar_fraction(character: str) -> str:
    """`½` as ` 1/2`, so that `2½` is `2 1/2`; any other character as it is."""
    # asking for a character's name is slow, and nearly every character comes before the first fraction
    if character < "¼":
        return character
    if not unicodedata.name(character, "").startswith("VULGAR FRACTION"):
        return character
    return " " + unicodedata.normalize("NFKC", character).replace("⁄", "/")


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
    for match in _last_first(_ELSEWHERE, text):
        line = match["line"][:_LONGEST_LINE].strip()
        has_colon = ":" in text[match.start() : match.start("line")]
        more = text[match.end() : match.end() + _LONGEST_LINE].strip()
        if line:
            yield Statement(line, "answer", not has_colon or not more)


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
    content = content or groups.get("bare") or ""
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
    rest = text[match.end() : match.end() + _LONGEST_LINE]
    line, _, more = rest.strip().partition("\n")
    line = line.strip()
    if not line:
        return None
    before = text[max(0, match.start() - 80) : match.start()]
    if match["not"] or match["cannot"] or _DOUBT.search(before):
        line = f"not {line}"
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
    _after_answer_elsewhere,  # la respuesta es 72
)
