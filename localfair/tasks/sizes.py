r"""What stands after a number and multiplies it: `1.5 million`, `3 dozen`, `$12K`, `3 Mio.`, `5万`.

Reads a text and writes nothing. Knows no numbers, no task. What multiplies by one thing here and by
another there (`billones`, `mil`), and what no table carries the value of (`3 tenths`, `12 score`),
leaves a number without a value. Ours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from localfair.tasks.spelled import SCALES

CURRENCY = "$€£¥₹₩₽₺฿"
CURRENCY_CODE = r"(?:USD|EUR|GBP|INR|CHF|CAD|AUD|JPY|Rs\.?|dollars?|euros?|pounds?|rupees?|francs?)"

_SIZES = {"hundred": 100, "dozen": 12, **SCALES}
_SIZES |= {"十": 10, "百": 100, "千": 10**3, "万": 10**4, "萬": 10**4, "만": 10**4, "천": 10**3}
_SIZES |= {"亿": 10**8, "億": 10**8, "억": 10**8}
_SIZES |= dict.fromkeys(("tausend", "тысяч", "тысячи", "тысяча", "тыс"), 10**3)
_SIZES |= dict.fromkeys(
    (
        *(
            "mio",
            "mln",
            "millionen",
            "millones",
            "millón",
            "milhões",
            "milhão",
            "milioni",
            "milione",
        ),
        *("miljoen", "miljoner", "milionów", "milionů", "млн", "миллион", "миллиона", "миллионов"),
    ),
    10**6,
)
_SIZES |= dict.fromkeys(
    (
        *("mrd", "mld", "milliard", "milliards", "milliarde", "milliarden", "miliardi", "miljard"),
        *("миллиард", "миллиарда", "миллиардов", "млрд"),
    ),
    10**9,
)
_ABBREVIATED = ("mio", "mln", "mrd", "mld", "тыс", "млн", "млрд")
_ENGLISH = ("hundred", "dozen", *SCALES)
_WORDS = "|".join(
    sorted((name for name in _SIZES if name.isascii() or len(name) > 1), key=len, reverse=True)
)
_SIZE = re.compile(
    rf"\s?(?P<size>(?:{'|'.join(_ENGLISH)})s?\b|(?:{_WORDS})\b(?!-)|[十百千万萬만亿億억천])(?P<point>\.(?=\s\S))?",
    re.IGNORECASE,
)
# multiplies too, and nobody can say by what
_UNTOLD = re.compile(
    r"""\s?(?:(?:score|gross|grand|mil|mille|mila|bill[oó]n|billones|billionen|bilh(?:ão|ões)|biljoen|bilioni?)\b(?!\s+pianos?)
          |(?<=\b[23])\squarters\b
          |(?:third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|hundredth|thousandth)s?\b(?!\s+grade)
          |MM\b|Cr\b\.?|‰)""",
    re.VERBOSE,
)
_LETTERS = {
    "k": 10**3,
    "K": 10**3,
    "M": 10**6,
    "MM": 10**6,
    "bn": 10**9,
    "mn": 10**6,
    "B": 10**9,
    "T": 10**12,
    "tn": 10**12,
    "m": 10**6,
    "b": 10**9,
    "L": 10**5,
    "Cr": 10**7,
    "cr": 10**7,
}
_LETTER = re.compile(r"(?P<space>\s?)(?P<letter>bn|mn|tn|MM|Cr|cr|[kKMmBbTL])(?![\w^'²³/&])")
_OF_MONEY = ("m", "b", "B", "T", "L", "MM", "Cr", "cr")  # elsewhere these are units
_MONEY_AFTER = re.compile(rf"\s?(?:[{CURRENCY}]|{CURRENCY_CODE}\b)")
_PLANS = ("401", "403", "457")  # 401k is a pension plan


@dataclass(frozen=True, slots=True)
class Size:
    """What multiplies a number and where its text ends. `factor` is None where nobody can tell."""

    factor: Fraction | None
    end: int


def size_at(text: str, start: int, end: int) -> Size:
    """What multiplies the number that stands from `start` to `end`; 1 where nothing does."""
    factor = Fraction(1)
    position = end
    size = _SIZE.match(text, position)
    # "84 / 12 = 7 dozen" counts dozens
    if size and size["size"].lower().startswith("dozen") and "=" in text[max(0, start - 2) : start]:
        return Size(factor, size.end())
    while size:
        name = size["size"].lower()
        factor *= _SIZES.get(name) or _SIZES[name.removesuffix("s")]
        is_abbreviated = size["point"] and name in _ABBREVIATED
        position = size.end() if is_abbreviated else size.end("size")
        size = _SIZE.match(text, position)
    before = text[max(0, start - 3) : start]
    letter = _letter(text, start, end, position, before)
    if letter:
        return Size(letter.factor and factor * letter.factor, letter.end)
    untold = _UNTOLD.match(text, position)
    return Size(None, untold.end()) if untold else Size(factor, position)


def _letter(text: str, start: int, end: int, position: int, before: str) -> Size | None:
    """Letters count beside money, or as capitals at the digits."""
    letter = _LETTER.match(text, position)
    if not letter:
        return None
    is_money = any(sign in before for sign in CURRENCY) or _MONEY_AFTER.match(text, letter.end())
    if not is_money and (letter["space"] or letter["letter"] in _OF_MONEY):
        return None
    if not is_money and text[start:end] in _PLANS:
        return Size(None, letter.end())
    return Size(Fraction(_LETTERS[letter["letter"]]), letter.end())
