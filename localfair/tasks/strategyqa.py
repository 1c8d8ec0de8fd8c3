"""StrategyQA (Geva et al., arXiv 2101.02235): yes/no questions whose steps are implicit.

Reads the authors' `train.json` (2061) and `dev.json` (229), arrays with `qid`, `question`,
`answer` (true or false) and `facts`. Their dev file is the test here, since no published test
has labels; dev is carved from train.
"""

from __future__ import annotations

from localfair.tasks.benchmark import Benchmark, Layout, concluded
from localfair.tasks.files import File, Row, json_rows
from localfair.tasks.splits import Item

HINT = 'expected train.json and dev.json: [{"qid": ..., "question": ..., "answer": true, "facts": [...]}]'


def items(file: File) -> list[Item]:
    """The questions of one file."""
    return [_item(row) for row in json_rows(file, HINT)]


def _item(row: Row) -> Item:
    if not isinstance(row.get("answer"), bool):
        raise row.bad("'answer' must be true or false")
    gold = row.scalar("answer")
    return Item(
        key=row.text("qid"),
        text=row.text("question"),
        gold=gold,
        rationale=_rationale(row, gold),
    )


def _rationale(row: Row, gold: str) -> str:
    """The facts that lead to the answer, closed by it, or nothing where no facts are given."""
    facts = row.optional("facts") or []
    if not isinstance(facts, list) or not all(isinstance(fact, str) for fact in facts):
        raise row.bad("'facts' must be a list of texts")
    sentences = []
    for fact in facts:
        if fact.strip():
            bare = fact.strip().rstrip(".")
            sentences.append(f"{row.checked(bare)}.")
    return concluded(" ".join(sentences), gold) if sentences else ""


LAYOUT = Layout(
    files={"train.json": "train", "dev.json": "test"},
    items=items,
    hint=HINT,
)

TASKS = (
    Benchmark(
        name="strategyqa",
        answer_kind="yes-no",
        licence="MIT",
        public_source="https://github.com/eladsegal/strategyqa",
        layout=LAYOUT,
    ),
)
