r"""What a sentence with several numbers comes to: the result of its equation, or nothing.

Reads the numbers of one sentence and what stands between them, and writes nothing. Knows no
statements and no task. `chains` groups numbers that belong together: `24 + 48 = 72` is one chain of
two sides. A chain has the value of its last side that is one number; a sum that is never worked out,
alternatives and ranges have none. Ours.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from localfair.tasks.numerals import Numeral

_LONGEST_GAP = 60  # characters between two numbers that belong together
# units and brackets after a number, and what may stand before the next one
_UNIT = r"(?:[\s$€£%°)\]}\"'\\²³.]*[A-Za-z]+(?:'s)?){0,3}?[\s$€£%°)\]}\"'\\²³.,]*"
_UNIT_PER = _UNIT.replace("[A-Za-z]+", "[A-Za-z]+(?:/[A-Za-z]+)?")
_LEAD = (
    r"[\s$€£<({\[\\,:~]*(?:(?:about|approximately|around|roughly|exactly|only|just|a\s+total\s+of|the|another|"
    r"[A-Z][a-z]+'s|\\text)[\s$€£({\[\\:~]*){0,3}"
)
_OWNER = r"(?:[\s$€£({\[]*[A-Za-z]+(?:'s)?){0,3}[\s$€£({\[]*"
_EQUALS = re.compile(
    rf"{_UNIT_PER}\(?(?:which\s+)?(?:=|≈|≃|≅|\\approx|\\simeq|\\Rightarrow|\\rightarrow|\\to|→|⟶|⇒|=>|->"
    rf"|\bequals\b|\bis\s+equal\s+to\b|\bare\s+equal\s+to\b|\bis\s+(?:approximately|about)\b){_LEAD}"
)
# words that state a result where a sum stands before them
_COMES_TO = re.compile(
    rf"{_UNIT}(?:\b(?:which|that|this|it|so)\s+){{0,2}}\b(?:is|are|was|were|gives|give|makes|make|totals|yields|leaves|becomes|giving|making|totall?ing"
    rf"|yielding|leaving|resulting\s+in|(?:comes|adds\s+up|add\s+up|amounts)\s+to|for\s+a\s+total\s+of"
    rf"|i\.?e\.?|or\s+a\s+total\s+of)\b(?:\s+us\b|\s+you\b|\s+her\b|\s+him\b)?{_LEAD}",
    re.IGNORECASE,
)
_ROUNDS_TO = re.compile(
    rf"{_UNIT}(?:(?:which|that|and|this|it)\s+){{0,2}}(?:is\s+|can\s+be\s+)?round(?:s|ed|ing)?(?:\s+(?:up|down|off))?\s+to\b{_LEAD}",
    re.IGNORECASE,
)
_OPERATES = re.compile(
    rf"{_UNIT}(?:[+*/×·⋅÷^]|-|\\times|\\cdot|\\div|(?<![A-Za-z])x(?![A-Za-z])"
    rf"|\bplus\b|\bminus\b|\btimes\b|\bmultiplied\s+by\b|\bdivided\s+by\b|\bover\b|\bless\b|\badded\s+to\b){_OWNER}",
    re.IGNORECASE,
)
_RATIO = re.compile(r"\s:\s")
_LABEL = re.compile(r"[^\W\d_]\s?$")
_SHARE_OF = re.compile(rf"\s?(?:%|percent)?\s+of\s+{_LEAD}", re.IGNORECASE)
_ALTERNATIVE = re.compile(
    rf"{_UNIT}[(,]?\s*(?:\bor\b|\band/or\b|\bto\b|\bthrough\b|\btill\b|\buntil\b|\bvs\.?\b|\.\.\.|…|~|±|\\pm|\bup\s+to\b|\|"
    rf"|\b(?:oder|ou|o|или|или|або|eller|lub|albo|nebo|hoặc|atau|veya|bis|hasta|jusqu'à)\b|ya\s+da\b"
    rf"|或者?|还是|還是|または|もしくは|か|또는|혹은|이나|أو|या)"
    rf"(?:\s+(?:maybe|perhaps|even|possibly|up\s+to))?{_LEAD}",
    re.IGNORECASE,
)
_BESIDE = re.compile(
    rf"{_UNIT}(?:\b(?:and|und|et|y|e|и|en|och|og|ve)\b|[和与與と및]|,|&){_LEAD}", re.IGNORECASE
)
# 5 feet 3 inches, 2 hours 30 minutes
_COMPOUND = re.compile(
    r"\s?(?:hours?|hrs?|h|minutes?|mins?|feet|foot|ft|'|pounds?|lbs?|dollars?|weeks?|days?|years?|months?|gallons?"
    r"|yards?|met(?:er|re)s?|m|°)\s?",
    re.IGNORECASE,
)

_Link = Literal["equals", "comes to", "operates", "alternative", "beside", "none"]


@dataclass(slots=True)
class Chain:
    """Numbers that belong together. `sides` are parted by equals signs."""

    sides: list[list[Numeral]]
    links: list[_Link] = field(default_factory=list)

    @property
    def start(self) -> int:
        """Where its first number is written."""
        return self.sides[0][0].start

    @property
    def end(self) -> int:
        """Where its last number ends."""
        return self.sides[-1][-1].end

    @property
    def is_equation(self) -> bool:
        """Whether it states a result."""
        return "equals" in self.links or "comes to" in self.links

    @property
    def is_sum(self) -> bool:
        """Whether it has an operation that is not worked out."""
        return len(self.sides) == 1 and len(self.sides[0]) > 1

    def value(self, *, is_strict: bool) -> Fraction | None:
        """The result, or None where it cannot be told.

        `is_strict`: `12 and 15`, `12, 15` and `2x = 10` are two answers; in a running text they
        are steps to the last one.
        """
        single = [side[0].value for side in self.sides if len(side) == 1 and not _is_part(side[0])]
        # `2x = 10` says what the term is worth
        has_term = any(side[0].is_coefficient for side in self.sides)
        if has_term and is_strict:
            return None
        values = [value for value in single if value is not None]
        is_legible = len(values) == len(single) or set(self.links) == {"equals"}
        if not values or not is_legible:
            return None
        if len(set(values)) == 1:
            return values[0]
        if is_strict and self._has_two_answers(values):
            return None
        # "or a total of 60 + 180 = 240" is worked out
        is_open = "alternative" in self.links and (is_strict or self.links[-1] != "equals")
        return None if is_open else values[-1]

    def _has_two_answers(self, values: Sequence[Fraction]) -> bool:
        if "beside" in self.links:
            return not self._is_worked_out(values)
        return "equals" in self.links and not self._has_sum and not _are_near(values)

    def _is_worked_out(self, values: Sequence[Fraction]) -> bool:
        """Whether numbers beside one another come to the last: "24 and 48 make 72"."""
        *parts, result = values
        has_result = self.links[-1] in ("equals", "comes to")
        return (
            has_result
            and self.links.count("beside") == len(parts) - 1 > 0
            and (result in (sum(parts), math.prod(parts)))
        )

    @property
    def _has_sum(self) -> bool:
        """Whether a side has an operation, or is a sum that looks like a date (`2000 / 2/3`)."""
        return any(len(side) > 1 or side[0].value is None for side in self.sides)


def chains(text: str, numerals: Sequence[Numeral]) -> list[Chain]:
    """The numbers of a sentence in the groups that belong together."""
    grouped: list[Chain] = []
    for number, numeral in enumerate(numerals):
        link: _Link = "none"
        if number:
            previous = numerals[number - 1]
            gap = text[previous.end : numeral.start]
            link = _link(gap, previous, grouped[-1])
            # 144 : 2 = 72, and not "Step 144 : 2"
            if _RATIO.fullmatch(gap) and not _LABEL.search(text[: previous.start][-20:]):
                link = "operates"
        if link == "none":
            grouped.append(Chain([[numeral]]))
        elif link == "operates":
            grouped[-1].sides[-1].append(numeral)
        else:
            grouped[-1].sides.append([numeral])
            grouped[-1].links.append(link)
    return grouped


def is_result(before: str) -> bool:
    """Whether the text before a number says that the number is a result: `... = `, `... is`."""
    near = before[-_LONGEST_GAP:]
    return (
        re.search(rf"(?:=|≈|→|\b(?:is|are|equals|gives|makes|leaves))\s*{_LEAD}$", near) is not None
    )


def _link(gap: str, previous: Numeral, chain: Chain) -> _Link:
    """How what stands between two numbers joins them."""
    if len(gap) > _LONGEST_GAP or re.search(r"[.!?;\n]\s", gap):
        return "none"
    # the text between "20" and "-5" is empty: the sign belongs to no number
    if _EQUALS.fullmatch(gap):
        return "equals"
    if _OPERATES.fullmatch(gap) or gap in ("(", ")("):
        return "operates"
    if _ROUNDS_TO.fullmatch(gap):
        return "comes to"
    has_sum = any(len(side) > 1 for side in chain.sides) or "beside" in chain.links
    if has_sum and _COMES_TO.fullmatch(gap):
        return "comes to"
    is_share = gap.lstrip().startswith(("%", "percent")) or not _is_whole(previous)
    if is_share and _SHARE_OF.fullmatch(gap):
        return "operates"
    if _ALTERNATIVE.fullmatch(gap):
        return "alternative"
    if _BESIDE.fullmatch(gap) or _COMPOUND.fullmatch(gap):
        return "beside"
    return "none"


def _is_part(numeral: Numeral) -> bool:
    return numeral.is_coefficient or numeral.is_argument


def _is_whole(numeral: Numeral) -> bool:
    return numeral.value is None or numeral.value.denominator == 1


def _are_near(values: Sequence[Fraction]) -> bool:
    """Whether sides that are said to be equal are, but for rounding."""
    least = min(values)
    most = max(values)
    return most - least <= max(abs(least), abs(most)) / 100
