"""MultiArith (Roy and Roth, arXiv 1608.01413): 600 word problems of two steps.

Reads `MultiArith.json`, an array with `sQuestion`, `lSolutions` (one number) and `lEquations`
("X=((44.0-20.0)/8.0)"). Published as one file, so it is split 70/30 here.
"""

from __future__ import annotations

from collections.abc import Sequence

from localfair.tasks.benchmark import (
    UNVERIFIED,
    Benchmark,
    Layout,
    checked_gold,
    sound_items,
    worked_out,
)
from localfair.tasks.files import File, Row, json_rows
from localfair.tasks.splits import Item

HINT = (
    'expected MultiArith.json: [{"sQuestion": ..., "lSolutions": [3.0], '
    '"lEquations": ["X=((44.0-20.0)/8.0)"]}]'
)


def items(file: File) -> list[Item]:
    """The problems of the published file."""
    return sound_items(file, json_rows(file, HINT), _item)


def _item(row: Row) -> Item:
    solution = _only(row, "lSolutions")
    gold = checked_gold(row, "number", Row(row.where, {"s": solution}, row.hint).scalar("s"))
    return Item(
        key=str(row.optional("iIndex") if row.has("iIndex") else row.number),
        text=row.text("sQuestion"),
        gold=gold,
        rationale=_rationale(row, gold),
    )


def _only(row: Row, name: str) -> object:
    """The single value of a list."""
    values = row.get(name)
    if not isinstance(values, Sequence) or isinstance(values, str) or len(values) != 1:
        raise row.bad(f"{name!r} must be a list of one")
    return values[0]


def _rationale(row: Row, gold: str) -> str:
    """The first published equation, closed by the answer, or nothing where there is none."""
    equations = row.optional("lEquations")
    if not isinstance(equations, list) or not equations or not isinstance(equations[0], str):
        return ""
    _, _, formula = row.checked(equations[0]).rpartition("X=")
    return worked_out(formula, gold)


LAYOUT = Layout(files={"MultiArith.json": "all"}, items=items, hint=HINT)

TASKS = (
    Benchmark(
        name="multiarith",
        answer_kind="number",
        licence=UNVERIFIED,
        public_source="https://github.com/CogComp/arithmetic",
        layout=LAYOUT,
    ),
)
