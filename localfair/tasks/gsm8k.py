"""GSM8K (Cobbe et al., arXiv 2110.14168): grade-school word problems, one number each.

Reads `train.jsonl` (7473) and `test.jsonl` (1319) with `question` and `answer`; the answer is a
solution with `<<48/2=24>>` calculator marks, ending in `#### 72`. The marks are taken out.
"""

from __future__ import annotations

import re

from localfair.tasks.benchmark import Benchmark, Layout, checked_gold, concluded
from localfair.tasks.files import File, Row, json_rows
from localfair.tasks.splits import Item

HINT = 'expected train.jsonl and test.jsonl with lines {"question": ..., "answer": "... #### 72"}'
_CALCULATOR = re.compile(r"<<[^<>]*>>")


def items(file: File) -> list[Item]:
    """The problems of one file; their keys are `train-1`, `train-2`, ..."""
    rows = json_rows(file, HINT)
    return [_item(row, f"{file.path.stem}-{number}") for number, row in enumerate(rows, 1)]


def _item(row: Row, key: str) -> Item:
    solution, marker, answer = row.text("answer").rpartition("####")
    if not marker:
        raise row.bad("'answer' has no '####' before its final number")
    gold = checked_gold(row, "number", answer)
    reasoning = _CALCULATOR.sub("", solution)
    return Item(
        key=key,
        text=row.text("question"),
        gold=gold,
        rationale=concluded(reasoning, gold),
    )


LAYOUT = Layout(
    files={"train.jsonl": "train", "test.jsonl": "test"},
    items=items,
    hint=HINT,
)

TASKS = (
    Benchmark(
        name="gsm8k",
        answer_kind="number",
        licence="MIT",
        public_source="https://github.com/openai/grade-school-math",
        layout=LAYOUT,
    ),
)
