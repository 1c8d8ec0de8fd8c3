"""The layout OpenBookQA and ARC share here: rows with `id`, `question`, `choices`, `answer`.

Reads `<prefix>_train.json`, `<prefix>_valid.json` and `<prefix>_test.json`, each a JSON array or
JSON lines; `choices` are texts and `answer` repeats one of them. Valid is dev.
"""

from __future__ import annotations

from localfair.tasks.benchmark import Layout
from localfair.tasks.choices import LETTERS
from localfair.tasks.files import File, Row, json_rows
from localfair.tasks.splits import Item, Part


def layout(prefix: str) -> Layout:
    """The layout of a data set whose files begin with `prefix`."""
    hint = (
        f"expected {prefix}_train.json, {prefix}_valid.json and {prefix}_test.json with "
        '{"id": ..., "question": ..., "choices": ["...", "..."], "answer": "..."}'
    )

    def items(file: File) -> list[Item]:
        return [_item(row) for row in json_rows(file, hint)]

    files: dict[str, Part] = {
        f"{prefix}_train.json": "train",
        f"{prefix}_valid.json": "dev",
        f"{prefix}_test.json": "test",
    }
    return Layout(files=files, items=items, hint=hint)


def _item(row: Row) -> Item:
    choices = tuple(row.texts("choices"))
    answer = row.text("answer")
    if answer not in choices:
        raise row.bad(f"the answer {answer[:60]!r} is none of the choices")
    return Item(
        key=row.scalar("id"),
        text=row.text("question"),
        gold=LETTERS[choices.index(answer)],
        choices=choices,
    )
