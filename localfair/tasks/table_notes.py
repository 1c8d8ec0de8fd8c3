"""What an import says of a table: how its answers were read, and which rows stood out.

Pure; knows nothing of files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from localfair.tasks.files import Row
from localfair.tasks.golds import Gold, Written, split_solution
from localfair.tasks.grading import AnswerKind

_MOST_LINES = 10  # that one note lists
_KIND_NAMES: dict[AnswerKind, tuple[str, str]] = {
    "number": ("number", "numbers"),
    "choice": ("choice", "choices"),
    "yes-no": ("yes or no", "yes or no"),
    "text": ("text", "texts"),
    "latex": ("formula", "formulas"),
}


def kinds_told(rows: Sequence[Row], golds: Sequence[Gold]) -> tuple[str, ...]:
    """How many answers there are of each kind, with the lines of the rarer ones."""
    counts = Counter(gold.answer_kind for gold in golds)
    (commonest, count), *rarer = counts.most_common()
    first = f"answers: {counted(count, commonest)}"
    if not rarer:
        return (first,)
    listed = []
    for answer_kind, rare_count in rarer:
        theirs = [
            row for row, gold in zip(rows, golds, strict=True) if gold.answer_kind == answer_kind
        ]
        listed.append(f"{counted(rare_count, answer_kind)}: {places(theirs)}")
    advice = f"if all are one kind, import them with --answer-kind {commonest}"
    return (f"{first}, {'; '.join(listed)}", advice)


def percents_told(
    rows: Sequence[Row], column: Sequence[Written], golds: Sequence[Gold]
) -> tuple[str, ...]:
    """What is said of numbers that lost a percent sign."""
    percentages = []
    example = ""
    for row, written, gold in zip(rows, column, golds, strict=True):
        if gold.answer_kind == "number" and "%" in split_solution(written.answer)[1]:
            percentages.append(row)
            example = example or gold.text
    if not percentages:
        return ()
    return (
        f"{example}% is the number {example}, a reply of {example} or {example}% is right: {places(percentages)}",
    )


def counted(count: int, answer_kind: AnswerKind) -> str:
    """`1 number`, `3 texts`."""
    singular, plural = _KIND_NAMES[answer_kind]
    return f"{count} {singular if count == 1 else plural}"


def places(rows: Sequence[Row]) -> str:
    """`lines 4, 17, 90`; items where the file is one JSON array, with files where there are many."""
    listed = rows[:_MOST_LINES]
    more = f" and {len(rows) - _MOST_LINES} more" if len(rows) > _MOST_LINES else ""
    files = [row.where.rpartition(" ")[0].rpartition(" ")[0] for row in rows]
    if len(set(files)) > 1:
        named = [
            f"{Path(file).name} {row.number}" for file, row in zip(files, listed, strict=False)
        ]
        return f"{', '.join(named)}{more}"
    unit = rows[0].where.rpartition(" ")[0].rpartition(" ")[2]
    numbers = ", ".join(str(row.number) for row in listed)
    return f"{unit}{'s' if len(rows) > 1 else ''} {numbers}{more}"
