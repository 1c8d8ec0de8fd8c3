"""ASDiv (Miao et al., arXiv 2106.15772): 2305 word problems of primary schools, of many kinds.

Reads `ASDiv.xml`, whose `Problem` elements hold `Body`, `Question`, `Answer` ("9 (apples)") and
`Formula`. Published as one file, so it is split 70/30 here. A problem whose answer is not one
number (several, a ratio, a name) is left out and counted. CC BY-NC 4.0: not for commercial use.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree

from localfair.errors import BadDataset
from localfair.tasks.benchmark import Benchmark, Layout, checked_gold, sound_items, worked_out
from localfair.tasks.files import File, Row
from localfair.tasks.splits import Item
from localfair.tasks.svamp import joined

HINT = (
    'expected ASDiv.xml: <Problem ID="..."><Body/><Question/><Answer>9 (apples)</Answer>'
    "<Formula>7+2=9</Formula></Problem>"
)
_UNIT = re.compile(r"\s*\([^()]*\)\s*$")
_DECLARES = re.compile(r"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)


def items(file: File) -> list[Item]:
    """The problems of the published file."""
    return sound_items(file, _problems(file), _item)


def _problems(file: File) -> Iterator[Row]:
    """A row for each problem, its elements by their name.

    Raises BadDataset for what is no XML, and for a document type: entities may hold what is not
    in the file, or a thousand times it.
    """
    if _DECLARES.search(file.text):
        raise BadDataset(f"{file.path}: declares a document type or entities", HINT)
    try:
        root = ElementTree.fromstring(file.text)  # noqa: S314  no entity can be declared
    except (ElementTree.ParseError, ValueError) as error:
        raise BadDataset(f"{file.path}: is not XML ({error})", HINT) from None
    for number, problem in enumerate(root.iter("Problem"), 1):
        values = {element.tag: "".join(element.itertext()) for element in problem}
        values["ID"] = problem.get("ID") or str(number)
        yield Row(f"{file.path} problem {number}", values, HINT, number)


def _item(row: Row) -> Item:
    answer = row.text("Answer")
    gold = checked_gold(row, "number", _UNIT.sub("", answer))
    return Item(
        key=row.text("ID"),
        text=joined(row.text("Body"), row.text("Question")),
        gold=gold,
        rationale=_rationale(row, gold),
    )


def _rationale(row: Row, gold: str) -> str:
    """The published formula, closed by the answer, or nothing where it comes to another."""
    formula = row.optional("Formula")
    return worked_out(row.checked(formula), gold) if isinstance(formula, str) else ""


LAYOUT = Layout(files={"ASDiv.xml": "all"}, items=items, hint=HINT, reads=(".xml",))

TASKS = (
    Benchmark(
        name="asdiv",
        answer_kind="number",
        licence="CC-BY-NC-4.0",
        public_source="https://github.com/chaochun/nlu-asdiv-dataset",
        layout=LAYOUT,
    ),
)
