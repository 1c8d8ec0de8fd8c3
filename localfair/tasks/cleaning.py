r"""One spelling of what is written in many: signs, spaces, quotes, LaTeX and HTML around an answer.

Reads a text and writes nothing. Knows no statements, no task and no kind of answer. Ours.
"""

from __future__ import annotations

import re
import unicodedata

# The character that readers look for, and other characters that are written for it.
_SPELLINGS = {
    "-": "−‐‑‒–﹣－",
    "—": "―",
    "/": "⁄∕",
    "×": "✕✖⨯⨉",
    "*": "∗",
    "·": "∙",
    "'": "‘’",
    '"': "“”",
    "": "`\u200b\u200c\u200d\u2060\ufeff",
    ". ": "。",
    ", ": "、،",
    # between the digits of Arabic numbers
    ".": "٫",
    ",": "٬",
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
    (
        re.compile(
            r"\\(?:text|textbf|textit|textrm|mathrm|mathbf|mathit|mbox|boldsymbol|bm|underline)"
            r"\s*\{([^{}]*)\}"
        ),
        r"\1",
    ),
    # how large and what colour
    (re.compile(r"\\(?:displaystyle|textstyle|large|Large|huge|Huge|bf)\b\s?"), ""),
    (re.compile(r"\\(?:textcolor|color)\s*\{[^{}]{0,30}\}"), ""),
    # 12\ 000
    (re.compile(r"\\ "), " "),
    # 90^\circ
    (re.compile(r"\s?\^\s?(?:\{\s?\\circ\s?\}|\\circ\b)"), "°"),
    # spacing, the brackets of formulas, \left and \right show nothing
    (re.compile(r"\\[!,;:]|\\[()\[\]]|\\left|\\right"), ""),
    # 12{,}000
    (re.compile(r"\{,\}"), ","),
    # \$5 and 25\%
    (re.compile(r"\\([$%])"), r"\1"),
    # sqrt(25) and "the square root of 25"
    (re.compile(r"(?<![\w\\])sqrt\s?\(([^()\n]{1,40})\)"), r"\\sqrt{\1}"),
    (re.compile(r"\b(?:the\s)?square\sroot\sof\s(\d+(?:[.,]\d+)*)"), r"\\sqrt{\1}"),
    # <b>72</b>, and the tags around a whole reply; <|begin_of_box|>72<|end_of_box|> is a box
    (
        re.compile(r"<(b|strong|i|em|u|code|span|mark|p)>([^<>\n]{0,300})</\1>", re.IGNORECASE),
        r"\2",
    ),
    (
        re.compile(
            r"</?(?:response|final(?:_response)?|solution|output|explanation|steps?)>|<\|\w{2,20}_of_solution\|>",
            re.IGNORECASE,
        ),
        "\n",
    ),
    (re.compile(r"<\|begin_of_box\|>([^<\n]{0,200})<\|end_of_box\|>"), r"\\boxed{\1}"),
    # ~~70~~ is struck out
    (re.compile(r"~~[^~\n]{1,200}~~"), ""),
    # 12_000 and 12′000 have apostrophes
    (re.compile(r"(?<=\d)[_′ʹʼ´](?=\d{3}(?!\d))"), "'"),
    # ⁻5 has a sign, 10⁻⁵ a power
    (re.compile(r"(?<![\w⁰¹²³⁴-⁹)}\]])⁻(?=\d)"), "-"),
    # 10**5 is a power
    (re.compile(r"(?<=\d)\s?\*\*\s?(?=\d+(?![\d*]))"), "^"),
    # **bold** and __bold__
    (re.compile(r"\*\*|__"), ""),
    (re.compile(r"[ \t]{2,}"), " "),
)


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


def _without_vulgar_fraction(character: str) -> str:
    """`½` as ` 1/2`, so that `2½` is `2 1/2`; any other character as it is."""
    # asking for a character's name is slow, and nearly every character comes before the first fraction
    if character < "¼":
        return character
    if not unicodedata.name(character, "").startswith("VULGAR FRACTION"):
        return character
    return " " + unicodedata.normalize("NFKC", character).replace("⁄", "/")
