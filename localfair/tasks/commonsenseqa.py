"""CommonsenseQA (Talmor et al., arXiv 1811.00937): five choices, everyday knowledge.

Reads `train_rand_split.jsonl` (9741) and `dev_rand_split.jsonl` (1221) with `answerKey` and
`question.stem`, `question.choices`. The published test has no labels: their dev file is the test
here, and dev is carved from train.
"""

from __future__ import annotations

from localfair.tasks.benchmark import UNVERIFIED, Benchmark, Layout, checked_gold
from localfair.tasks.choices import LETTERS
from localfair.tasks.files import MOST_CHOICES, File, Row, json_rows
from localfair.tasks.splits import Item

HINT = (
    "expected train_rand_split.jsonl and dev_rand_split.jsonl with lines "
    '{"id": ..., "answerKey": "A", "question": {"stem": ..., "choices": [{"label": "A", "text": ...}]}}; '
    "the published test file has no answers"
)


def items(file: File) -> list[Item]:
    """The questions of one file."""
    return [_item(row) for row in json_rows(file, HINT)]


def _item(row: Row) -> Item:
    answer = row.text("answerKey")
    question = row.inner("question")
    choices = _choices(question)
    return Item(
        key=row.text("id"),
        text=question.text("stem"),
        gold=checked_gold(row, "choice", answer, choices),
        choices=choices,
    )


def _choices(question: Row) -> tuple[str, ...]:
    """The choices' texts. Their labels must be the letters that a prompt gives them."""
    listed = question.get("choices")
    if not isinstance(listed, list) or not 2 <= len(listed) <= MOST_CHOICES:
        raise question.bad(f"'choices' must be a list of 2 to {MOST_CHOICES}")
    choices = [Row(question.where, choice, question.hint) for choice in listed]
    labels = [choice.text("label") for choice in choices]
    if labels != list(LETTERS[: len(choices)]):
        raise question.bad("the choices' labels must be A, B, C, ... in order")
    return tuple(choice.text("text") for choice in choices)


LAYOUT = Layout(
    files={"train_rand_split.jsonl": "train", "dev_rand_split.jsonl": "test"},
    items=items,
    hint=HINT,
)

TASKS = (
    Benchmark(
        name="commonsenseqa",
        answer_kind="choice",
        licence=UNVERIFIED,
        public_source="https://www.tau-nlp.org/commonsenseqa",
        layout=LAYOUT,
    ),
)
