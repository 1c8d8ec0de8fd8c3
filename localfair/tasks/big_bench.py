"""The layout of BIG-bench's multiple-choice tasks (Srivastava et al., arXiv 2206.04615).

Reads a `task.json` whose `examples` hold `input` and `target_scores`, a score for each choice,
exactly one of them 1. In some of these files the right choice nearly always stands first, so the
choices are put in an order that a hash of their text decides. One file, so it is split 70/30.
"""

from __future__ import annotations

from localfair.tasks.benchmark import Layout
from localfair.tasks.choices import LETTERS
from localfair.tasks.files import MOST_CHOICES, File, Row, json_rows
from localfair.tasks.splits import Item, shuffled

HINT = 'expected task.json: {"examples": [{"input": ..., "target_scores": {"...": 1, "...": 0}}]}'


def items(file: File) -> list[Item]:
    """The examples of a `task.json`; their keys are their numbers."""
    rows = json_rows(file, HINT, under="examples")
    return [_item(row, str(number)) for number, row in enumerate(rows, 1)]


def _item(row: Row, key: str) -> Item:
    text = row.text("input")
    scores = _scores(row)
    choices = tuple(shuffled(scores, text))
    right = [choice for choice in choices if scores[choice] == 1]
    if len(right) != 1:
        raise row.bad(f"'target_scores' must score exactly one choice 1, not {len(right)}")
    return Item(key=key, text=text, gold=LETTERS[choices.index(right[0])], choices=choices)


def _scores(row: Row) -> dict[str, object]:
    """Each choice with its score. Raises BadDataset when they are no such thing."""
    scores = row.get("target_scores")
    if not isinstance(scores, dict) or not 2 <= len(scores) <= MOST_CHOICES:
        raise row.bad(f"'target_scores' must map 2 to {MOST_CHOICES} choices to their scores")
    if not all(choice.strip() for choice in scores):
        raise row.bad("'target_scores' holds an empty choice")
    stripped = {row.checked(choice).strip(): score for choice, score in scores.items()}
    if len(stripped) < len(scores):
        raise row.bad("'target_scores' holds one choice twice")
    return stripped


LAYOUT = Layout(files={"task.json": "all"}, items=items, hint=HINT)
