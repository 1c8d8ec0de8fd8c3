"""SVAMP (Patel et al., arXiv 2103.07191): 1000 one-step word problems with distractors.

Reads `SVAMP.json`, an array with `ID`, `Body`, `Question`, `Equation`, `Answer`. Published as one
file, so it is split 70/30 here. Many bodies end in "If ..." without a full stop: those run on
into the question after a comma.
"""

from __future__ import annotations

import re

from localfair.tasks.benchmark import Benchmark, Layout, checked_gold, concluded
from localfair.tasks.files import File, Row, json_rows
from localfair.tasks.splits import Item

HINT = 'expected SVAMP.json: [{"ID": ..., "Body": ..., "Question": ..., "Equation": ..., "Answer": 51.0}]'
_POINT_ZERO = re.compile(r"(\d)\.0\b")
_IN_BRACKETS = re.compile(r"\(\s*([^()]*?)\s*\)")


def items(file: File) -> list[Item]:
    """The problems of the published file."""
    return [_item(row) for row in json_rows(file, HINT)]


def _item(row: Row) -> Item:
    gold = checked_gold(row, "number", row.scalar("Answer"))
    return Item(
        key=row.scalar("ID"),
        text=joined(row.text("Body"), row.text("Question")),
        gold=gold,
        rationale=_rationale(row, gold),
    )


def joined(body: str, question: str) -> str:
    """Body and question as one text with the punctuation the body lacks."""
    if body[-1] in ".!?,;:":
        return f"{body} {question}"
    last_sentence = re.split(r"[.!?]\s+", body)[-1]
    if last_sentence.startswith("If "):
        return f"{body}, {question[0].lower()}{question[1:]}"
    return f"{body}. {question}"


def _rationale(row: Row, gold: str) -> str:
    """The published equation without outer brackets and `.0`, or nothing where there is none."""
    if not row.optional("Equation"):
        return ""
    equation = _POINT_ZERO.sub(r"\1", row.text("Equation"))
    in_brackets = _IN_BRACKETS.fullmatch(equation)
    if in_brackets:
        equation = in_brackets[1]
    return concluded(f"{equation} = {gold}", gold)


LAYOUT = Layout(
    files={"SVAMP.json": "all"},
    items=items,
    hint=HINT,
)

TASKS = (
    Benchmark(
        name="svamp",
        answer_kind="number",
        licence="MIT",
        public_source="https://github.com/arkilpatel/SVAMP",
        layout=LAYOUT,
    ),
)
