r"""The score from 1 to 5 that a review gives, or none.

Reads a text and writes nothing. Knows no reviewer and no recipe. A score is read only where the
reply gives one, in this order (ours):

    {"score": 4}, {"score": 4, "max": 5}            JSON
    [4], [Score: 4], [4/5], [4 out of 5], [4.0]     the form that prompts ask for
    Score: 4, rating of 4/5, I give it a 4          a stated score
    4 out of 5, 4/5 (on a line by itself), ★★★★☆    a scale
    4                                               a first or last line of nothing else

Of several in one form the last counts. A legend (three or more scores in their order), a range, a
bracket after "the answer is", thinking and what a model asks itself give no score. Nor does a
score outside 1 to 5, one that is not whole, or one on another scale than 5.

`as_paper` reads as FAIR's authors do: the last bracketed integer, else the last integer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from localfair.tasks.cleaning import clean
from localfair.tasks.reply import answer_of

LOWEST = 1
HIGHEST = 5

_WORDS = {"ten": "10", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5"}
_MARK = rf"(?P<mark>[+-]?\d{{1,4}}(?:[.,]\d{{1,4}})?|(?:{'|'.join(_WORDS)})\b)"
# 4/5, 4 out of 5, 4 (out of 5), 4 of 5, 4 on a scale of 1 to 5
_SCALE = r"""\s{0,2}\(?
    (?: / | \bout\s{1,2}of\b | \bof\b | \b(?:von|sur|de|su|из|av|van|z)\b | 分\s?/
      | \bon\s(?:a|the)\sscale\s(?:of|from)(?:\s1\s?(?:to|-))? )
    \s{0,2}(?P<scale>\d{1,4}(?:\.0)?|five\b|ten\b)(?![.,]?\d)\)?"""
# no 4-5, 3 or 4, 1 to 5, 80%, 4.5.1
_NO_RANGE = r"(?!\s{0,2}(?:-|/|to\b|or\b|and\b)\s{0,2}\d|\s?%|[.,]?\d)"
# what may stand after a score that is given; "give 5 to Ann" gives none
_END = r"""(?=\s{0,2}(?:$ | [\n.;:!?()\[\]{}*,"'] | -\s
    | [分점] | (?:because|since|as\s(?:it|the|this|there|all|every)|for|on|and|but|stars?|points?)\b))"""
_GIVEN = rf"{_MARK}(?:{_SCALE}|{_NO_RANGE}{_END})"
_NAME = (
    r"(?:(?:overall|final|my)\s)?(?:score|rating|mark|grade|points|bewertung|punkte|punktzahl|note|puntuación"
    r"|calificación|pontuação|nota|punteggio|voto|оценка|评分|評分|得分|分数|分數|点数|點數|評価|점수)"
)
_FLAGS = re.IGNORECASE | re.VERBOSE

_BRACKETED = re.compile(r"\[([^\[\]]*)\]")
_SCALE_OUTSIDE = re.compile(r"\[(\d[\d.]{0,4})\]\s?(?:/|out\sof)\s?\[?(\d{1,4})\]?")
_IN_BRACKET = re.compile(
    rf"\s{{0,2}}(?:{_NAME}\s?(?:is|of|:|=)?\s?)?{_MARK}(?:{_SCALE})?\s?(?:stars?|points?)?[\s.!]{{0,2}}",
    _FLAGS,
)
# "the right answer is [5]", "step [2]", "= [4]": numbers that a review speaks of
_SPOKEN_OF = re.compile(
    r"\b(?:answer|result|solution|total|value)\s(?:is|was|of|should\sbe|would\sbe)(?:\snot)?[\s:$*]*$"
    r"|\b(?:answer|result)\s?:\s?$|\b(?:step|line|equation|sentence)s?\s?$|=\s?$",
    re.IGNORECASE,
)
# not a [5]; to get a 5; a score of 5 would need more
_DENIED = re.compile(
    r"(?:\b(?:not|never|nor|than|rubric|legend|scale)|n't)\s(?:[^\W\d]{1,12}\s){0,3}[*_]{0,2}$"
    r"|\bto\s(?:get|reach|earn|deserve|be|make\sit|score|receive)\s(?:[^\W\d]{1,12}\s){0,3}$",
    re.IGNORECASE,
)
_HYPOTHETICAL = re.compile(
    r"\s?[\"*]{0,2}\s?(?:would|means|requires?|needs?|is\s(?:for|reserved|given|the\s(?:best|worst)))\b",
    re.IGNORECASE,
)
_BESIDE = re.compile(r"[ ,/]*(?:(?:or|and|to|-)\s?)?")
_CITED = re.compile(r"\b(?:see|cf\.?|reference|ref\.?|source|note)\s$", re.IGNORECASE)
_RUBRIC = re.compile(
    r"\n[ \t#*_]{0,8}(?:rubric|legend|scale|scoring\s(?:guide|scale)|criteria)\b[^\n]{0,20}:",
    re.IGNORECASE,
)
_JSON_SCORE = re.compile(
    rf"""["']{_NAME}["']\s{{0,3}}:\s{{0,3}}["']?{_MARK}(?:{_SCALE})?["']?\s{{0,9}}[,}}]""", _FLAGS
)
_JSON_SCALE = re.compile(
    r"""["'](?:max\w{0,9}|scale|out_of|of|total)["']\s{0,3}:\s{0,3}["']?(?:1\s?(?:-|to)\s?)?(?P<scale>\d{1,4})""",
    re.IGNORECASE,
)
_STATED = re.compile(
    rf"""(?<![^\W_]){_NAME}(?![^\W\d_])
        (?:\s?[(\[](?:from\s|scale:?\s)?1\s?(?:-|to)\s?5[)\]]   # Score (1-5): 4
          |\s?\(out\sof\s5\)|\s?\([^()\n]{0, 20}\b1\b[^()\n]{1, 40}\b5\b[^()\n]{0, 20}\))?
        (?:\s(?:for|to)\s(?:this|the|it)\b[^\n.:\d]{{0,40}}?)?  # the score for this feedback is 4
        \s?(?:(?:is|of|would\sbe|should\sbe|at)\b|->|→|[:=]|-(?=\s))?
        (?:\s{{0,2}}|\s{{0,4}}(?=\W{{0,3}}\d[^\w\n]{{0,4}}(?:\n|$)))  # or on a line of its own
        (?:an?\s|only\s|just\s)?[\[(]?{_GIVEN}""",
    _FLAGS,
)
_RATED = re.compile(
    rf"""(?:\bI(?:'d|'ll|\s(?:would|will|can|must))?\s(?:\w{{1,12}}\s)?
            (?:rate|give|score|grade|mark|assign|award|say)
          | \b(?:deserves?|merits|earns))\b
        (?:(?!\b(?:step|line|answer|equation|part|number|sentence|result|value)\b)
            [^\n.;:\d]){{0,60}}?
        \b(?:an?\s)?{_GIVEN}""",
    _FLAGS,
)
_ON_A_LINE = re.compile(
    rf"""^[ *_"'(#>-]{{0,5}}(?:overall\s?:?[ *_]{{0,3}})?{_MARK}{_SCALE}\s?(?:stars?|points?)?(?=[*_"').!,;:\s-]|$)
        (?!\s?=)(?!\s(?!because|since|-)\w)""",
    _FLAGS | re.MULTILINE,
)
_CLOSING_SCALE = re.compile(
    r"(?:^|(?<=[,:;(—-])|\b(?:is|was|an?|at|it|this|deserves|say|think|give|earns|about|overall))"
    rf"[ *_]{{0,3}}{_MARK}\s\(?out\sof\s(?P<scale>\d{{1,4}})\)?(?:\s(?:stars?|points?))?[*_\"').!]{{0,3}}$",
    _FLAGS | re.MULTILINE,
)
# on a scale from 1 to 5 this is a 3
_ON_SCALE = re.compile(
    rf"""\bon\s(?:a|the)\s(?:scale\s(?:of|from)\s)?1\s?(?:to|-)\s?5(?:\sscale)?[\s,:]{{1,3}}
        [^\n.;:\d]{{0,40}}?\b{_GIVEN}""",
    _FLAGS,
)
_NEGATED = re.compile(r"\b(?:not|never|wouldn't|won't|can't|cannot|don't)\b", re.IGNORECASE)
_OR_ANOTHER = re.compile(
    r"\s?[,(]?\s?(?:or|maybe|perhaps|possibly|oder|ou)\s(?:even\s|an?\s)?(?P<other>[1-5])(?![\d.])",
    re.IGNORECASE,
)
_STAR_COUNT = re.compile(
    r"(?<![\w.,/-])(?P<mark>[1-5](?:\.0)?)(?:\s?[★⭐](?![★⭐☆])|[\s-]stars?\b(?=[\s*_]{0,3}(?:$|[.,;:!()\n])|\sbecause\b|\sfor\b))",
    re.IGNORECASE,
)
_STARS = re.compile(r"[★⭐☆]{1,9}")
_ALONE = re.compile(rf"[\s*_\"'(]{{0,4}}{_MARK}[\s*_\"').!]{{0,4}}", _FLAGS)
_NAME_ALONE = re.compile(rf"\W{{0,4}}{_NAME}\W{{0,4}}", _FLAGS)


def read_score(text: str, *, as_paper: bool = False) -> int | None:
    """The score that a review gives, or None when it gives none from 1 to 5.

    `as_paper` reads as FAIR's authors do.
    """
    if as_paper:
        return _read_as_paper(text)
    answer = answer_of(text)
    if answer is None:
        return None
    answer = clean(answer.translate(_BRACKETS))
    answer = _KEYCAPS.sub("", answer)
    answer = re.sub(r"\$(\d)\$", r"\1", answer)
    answer = _TAGGED.sub(r"\n\1\n", _tagged_alone(answer))
    answer = re.sub(r"\\boxed\{(\d)\}", r"\1", answer)
    # [4]/5 and [4] out of [5] are [4/5]
    answer = _SCALE_OUTSIDE.sub(r"[\1/\2]", answer)
    rubric = _RUBRIC.search(answer)
    if rubric and any(marks(answer[: rubric.start()]) for marks in _FORMS[:5]):
        answer = answer[: rubric.start()]
    for marks in _FORMS:
        given = _without_legends(marks(answer))
        if given:
            return given[-1] if given[-1] in range(LOWEST, HIGHEST + 1) else None
    return None


# 3️⃣
_KEYCAPS = re.compile("[\ufe0f\u20e3]")
_TAGGED = re.compile(
    r"<(?:score|rating|mark|grade|answer)>\s?([^<\n]{1,40})</\w{4,6}>", re.IGNORECASE
)


def _tagged_alone(text: str) -> str:
    """The last score between tags and nothing else; a text without one as it is."""
    tagged = None
    for match in _TAGGED.finditer(text):
        tagged = match
    return tagged[0] if tagged else text


# Python refuses to read very long ones, and no mark is
_MOST_DIGITS = 18
# A mark that is none from 1 to 5: it is read, and no earlier one counts.
_NO_SCORE = 0
_BRACKETS = str.maketrans("【】〔〕", "[][]")
_Marks = Sequence[int]


def _value(match: re.Match[str]) -> int:
    """The mark of a match, or `_NO_SCORE` when it is not whole or on another scale than 5."""
    scale = match.groupdict().get("scale") or "5"
    if _integer(_WORDS.get(scale.lower(), scale.removesuffix(".0"))) != HIGHEST:
        return _NO_SCORE
    mark = match["mark"].lower()
    whole, _, decimals = _WORDS.get(mark, mark).replace(",", ".").partition(".")
    return _NO_SCORE if decimals.strip("0") else max(_integer(whole), _NO_SCORE)


def _integer(digits: str) -> int:
    """The value of digits; of more than a mark can have, only that it is no mark."""
    return int(digits) if len(digits) <= _MOST_DIGITS else 10**_MOST_DIGITS


def _without_legends(marks: _Marks) -> list[int]:
    """The marks without runs of three or more in their order, up from 1 or down from 5."""
    kept: list[int] = []
    position = 0
    while position < len(marks):
        length = _legend_length(marks[position : position + HIGHEST])
        if length == 0:
            kept.append(marks[position])
        position += length or 1
    return kept


def _legend_length(marks: _Marks) -> int:
    """How many of the first marks are a legend; 0 for none."""
    ascending = list(range(LOWEST, HIGHEST + 1))
    for order in (ascending, ascending[::-1]):
        length = 0
        while length < len(marks) and marks[length] == order[length]:
            length += 1
        if length >= 3:
            return length
    return 0


def _in_json(text: str) -> list[int]:
    values = [_value(match) for match in _JSON_SCORE.finditer(text)]
    scale = _JSON_SCALE.search(text)
    if values and scale and _integer(scale["scale"]) != HIGHEST:
        return [_NO_SCORE]
    return values


def _in_brackets(text: str) -> list[int]:
    values: list[int] = []
    brackets: list[re.Match[str]] = []
    for bracket in _BRACKETED.finditer(text):
        inside = _IN_BRACKET.fullmatch(bracket[1][:80])
        before = text[max(0, bracket.start() - 40) : bracket.start()]
        if not inside or _SPOKEN_OF.search(before) or _DENIED.search(before):
            continue
        value = _value(inside)
        # "See [1]" after a score, and a citation such as [12]
        is_cited = bool(values) and (_CITED.search(before) is not None or not value)
        if not is_cited:
            values.append(value)
            brackets.append(bracket)
    if len(set(values)) == len(values) == 2:
        first, second = brackets
        if _BESIDE.fullmatch(text, first.end(), second.start()):
            return [_NO_SCORE]
    return values


def _stated(text: str) -> list[int]:
    matches = [
        *_STATED.finditer(text),
        *_RATED.finditer(text),
        *_ON_SCALE.finditer(text),
    ]
    matches.sort(key=lambda match: match.end())
    return [_offered(text, match) for match in matches if not _is_supposed(text, match)]


def _is_supposed(text: str, match: re.Match[str]) -> bool:
    """Whether a mark is denied or only spoken of: "to reach a score of 5", "not give it a 5"."""
    before = text[max(0, match.start() - 40) : match.start()]
    to_mark = text[match.start() : match.start("mark")]
    is_denied = _DENIED.search(before) or _DENIED.search(to_mark) or _NEGATED.search(to_mark)
    return bool(is_denied) or _HYPOTHETICAL.match(text, match.end("mark")) is not None


def _offered(text: str, match: re.Match[str]) -> int:
    """The mark of a match, or `_NO_SCORE` where another one is offered beside it: "4 (or 3)"."""
    value = _value(match)
    other = _OR_ANOTHER.match(text, match.end())
    return _NO_SCORE if other and _integer(other["other"]) != value else value


def _on_a_scale(text: str) -> list[int]:
    matches = [*_ON_A_LINE.finditer(text), *_CLOSING_SCALE.finditer(text)]
    matches.sort(key=lambda match: match.end())
    return [_value(match) for match in matches]


def _in_stars(text: str) -> list[int]:
    counted = [_value(match) for match in _STAR_COUNT.finditer(text)]
    if counted:
        return counted if len(set(counted)) == 1 and len(text) < _SHORT else []
    values = []
    for stars in _STARS.finditer(text):
        if text[stars.end() : stars.end() + 4].strip().startswith(("1/2", "½")):
            values.append(_NO_SCORE)
            continue
        is_on_scale = "☆" not in stars[0] or len(stars[0]) == HIGHEST
        values.append(len(stars[0].replace("☆", "")) if is_on_scale else _NO_SCORE)
    return values


def _alone(text: str) -> list[int]:
    """The mark that is the whole first or last line, where no sentence leads up to it."""
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        return []
    first = _ALONE.fullmatch(lines[0])
    if first:
        return [_value(first)]
    last = _ALONE.fullmatch(lines[-1])
    before = lines[-2].rstrip(" *_\"'") if len(lines) > 1 else ""
    if last and (before.endswith((".", "!", "?", ")")) or _NAME_ALONE.fullmatch(before)):
        return [_value(last)]
    return []


# Where a reply may give its score, the form that counts most first. Each function returns the marks
# of one form in a cleaned text, in their order.
_FORMS: tuple[Callable[[str], list[int]], ...] = (
    _in_json,
    _in_brackets,
    _stated,
    _on_a_scale,
    _in_stars,
    _alone,
)

_SHORT = 200  # characters of a reply that may be a count of stars and little else
_INTEGER = re.compile(r"(?<![\d.,])-?\d+(?![\d]|[.,]\d)")
_FRACTION = re.compile(r"(?<![\d.,])(-?\d+)\s*(?:/|out of)\s*\d+")


def _read_as_paper(text: str) -> int | None:
    """The last `[..]` that holds a number: of `4/5` the numerator, else the last integer.

    Without brackets it is the last integer of the reply (FAIR, authors' code).
    """
    bracketed = [inside for inside in _BRACKETED.findall(text) if re.search(r"\d", inside)]
    score = _last_integer(bracketed[-1] if bracketed else text)
    return score if score is not None and LOWEST <= score <= HIGHEST else None


def _last_integer(text: str) -> int | None:
    """The integer that stands last.

    A fraction stands where it begins and counts as its numerator.
    """
    last = None
    for fraction in _FRACTION.finditer(text):
        last = fraction
    end = last.end() if last else 0
    score = _integer(last[1]) if last else None
    for integer in _INTEGER.finditer(text):
        if integer.start() >= end:
            score = _integer(integer[0])
    return score
