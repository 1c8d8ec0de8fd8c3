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


def items(file: File) -> list[Item]:
    return [_item(row) for row in json_rows(file, HINT)]


def _item(row: Row) -> Item:
    gold = checked_gold(row, "number", row.scalar("Answer"))
    return Item(
        key=row.scalar("ID"),
        text=joined(row.text("Body"), row.text("Question")),
        gold=gold,
        rationale=_solution(row, gold),
    )


def joined(body: str, question: str) -> str:
    """Body and question as one text with the punctuation the body lacks."""
    if body[-1] in ".!?,;:":
        return f"{body} {question}"
    last_sentence = re.split(r"[.!?]\s+", body)[-1]
    if last_sentence.startswith("If "):
        return f"{body}, {question[0].lower()}{question[1:]}"
    return f"{body}. {question}"


def _solution(row: Row, gold: str) -> str:
    """The published equation without outer brackets and `.0`, or nothing where there is none."""
    if not row.value.get("Equation"):
        return ""
    equation = re.sub(r"(\d)\.0\b", r"\1", row.text("Equation"))
    inner = re.fullmatch(r"\(\s*([^()]*?)\s*\)", equation)
    return concluded(f"{inner[1] if inner else equation} = {gold}", gold)


TASK = Benchmark(
    name="svamp",
    answer_kind="number",
    licence="MIT",
    public_source="https://github.com/arkilpatel/SVAMP",
    layout=Layout(files={"SVAMP.json": "all"}, items=items, hint=HINT),
)
