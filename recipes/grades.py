"""The grades behind a table of results, and the table's tests again, without a record or a model.

`python recipes/grades.py write RECORD COMPARISON... > FILE.csv`: a row a question of the exam after
training, a column a variant and seed (`committee/0`), each cell right, wrong or unreadable.
`python recipes/grades.py costs RECORD COMPARISON... > FILE.csv`: a row a variant and seed, what it cost.
`python recipes/grades.py join FILE.csv... > FILE.csv`: the columns of several such files in one, for a
table whose rows were not made in one record.
`python recipes/grades.py test FILE.csv [FIRST [VARIANT...]]`: these variants, or all, against FIRST, or
that of the first column; each is one claim of the table.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from localfair.errors import LocalfairError
from localfair.pipeline.comparison import SeedsDifference, over_seeds, recorded
from localfair.record.exams import exam_answers
from localfair.record.store import Store
from localfair.report.findings import Accuracy
from localfair.report.permutation import holm
from localfair.report.statistics import wilson

RIGHT = "right"
GRADES = (RIGHT, "wrong", "unreadable")
Grades = Mapping[str, str]  # by question
Seeds = Mapping[str, Grades]  # by seed
USAGE = (
    "usage: python recipes/grades.py write RECORD COMPARISON... | costs RECORD COMPARISON... | "
    "join FILE.csv... | test FILE.csv [FIRST [VARIANT...]]"
)
# of a variant's run; tokens, floating-point operations and seconds, as if nothing had been recorded
COSTS = (
    "train_questions",
    "lessons",
    "teacher_tokens",
    "teacher_flops",
    "student_tokens",
    "trained_tokens",
    "steps",
    "teacher_seconds",
    "student_seconds",
    "train_seconds",
)


# -- out of a record ------------------------------------------------------------------------------


def columns_of(store: Store, comparisons: Iterable[str]) -> dict[str, dict[str, str]]:
    """By column (`variant/seed`), the grade of every question's key in the exam after training."""
    columns: dict[str, dict[str, str]] = {}
    for comparison in comparisons:
        for run in recorded(store, comparison).variant_runs():
            exam = run.after.step
            columns[f"{run.variant}/{run.seed}"] = {
                answer.key: answer.grade
                for answer in exam_answers(store, run.run)
                if answer.step == exam
            }
    return columns


def written(columns: Mapping[str, Grades]) -> Iterator[list[str]]:
    """The rows of the CSV, its header first; a question that a student was not asked has no grade."""
    yield ["question", *columns]
    keys = dict.fromkeys(key for grades in columns.values() for key in grades)
    for key in keys:
        yield [key, *(grades.get(key, "") for grades in columns.values())]


def costs_of(store: Store, comparisons: Iterable[str]) -> Iterator[list[object]]:
    """The rows of a CSV of costs, its header first: a row a variant and seed, each once."""
    yield ["variant", "seed", *COSTS]
    runs = [run for name in comparisons for run in recorded(store, name).variant_runs()]
    for run in {(run.variant, run.seed): run for run in runs}.values():
        yield [run.variant, run.seed, *(_cell(getattr(run, cost)) for cost in COSTS)]


def _cell(cost: float | None) -> object:
    """Seconds are whole ones; what is not known is empty."""
    return "" if cost is None else round(cost)


# -- tested again ---------------------------------------------------------------------------------


def columns_in(path: Path) -> dict[str, dict[str, str]]:
    """By column, the grade of each question that it has one of. Ends the program for another file."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeError) as error:
        sys.exit(f"error: cannot read {path}: {error}")
    if not rows or rows[0][:1] != ["question"] or any(len(row) != len(rows[0]) for row in rows):
        sys.exit(f"error: {path} has not a row a question and a column a variant and seed")
    columns: dict[str, dict[str, str]] = {}
    for place, name in enumerate(rows[0][1:], 1):
        grades = {row[0]: row[place] for row in rows[1:] if row[place]}
        if not set(grades.values()) <= set(GRADES):
            sys.exit(f"error: {path}: a grade of {name} is none of {', '.join(GRADES)}")
        columns[name] = grades
    return columns


def read(path: Path) -> dict[str, dict[str, dict[str, str]]]:
    """By variant and seed, the grade of each question. Ends the program as `columns_in` does."""
    variants: dict[str, dict[str, dict[str, str]]] = {}
    for name, grades in columns_in(path).items():
        variant, _, seed = name.rpartition("/")
        variants.setdefault(variant, {})[seed] = grades
    return variants


def chosen(path: Path, *names: str) -> dict[str, dict[str, dict[str, str]]]:
    """These variants of a file, or all where none is named. Ends the program for one it lacks."""
    variants = read(path)
    for name in names:
        _named(name, variants, path)
    return {name: variants[name] for name in names} if names else variants


def _named(name: str, variants: Iterable[str], path: Path) -> None:
    if name not in variants:
        sys.exit(f"error: {path} has no variant {name!r}\nhint: it has {', '.join(variants)}")


def joined(paths: Iterable[Path]) -> dict[str, dict[str, str]]:
    """The columns of all files, each once. Ends the program where two of them differ in a grade."""
    columns: dict[str, dict[str, str]] = {}
    for path in paths:
        for name, grades in columns_in(path).items():
            before = columns.setdefault(name, {})
            if any(before.get(question, grade) != grade for question, grade in grades.items()):
                sys.exit(f"error: {path}: {name} has other grades in a file before it")
            before.update(grades)
    return columns


def lines(variants: Mapping[str, Seeds], first: str) -> Iterator[str]:
    """Each variant's accuracy by seed, and its difference from the first one over seeds."""
    right = {variant: _right(seeds) for variant, seeds in variants.items()}
    found: dict[str, SeedsDifference] = {}
    for variant in variants:
        difference = over_seeds(right[first], right[variant])
        if variant != first and difference is not None:
            found[variant] = difference
    claims = holm([difference.permutation for difference in found.values()])
    adjusted = dict(zip(found, claims, strict=True))
    for variant, seeds in variants.items():
        yield variant
        for seed, grades in sorted(seeds.items()):
            yield f"  seed {seed}: {_told(accuracy(grades))}"
        if variant in found:
            yield _against(first, found[variant], adjusted[variant])
        elif variant != first:
            yield f"  shares no seed and no question with {first}"


def _right(seeds: Seeds) -> dict[str, dict[str, bool]]:
    """By seed and question, whether the answer was right."""
    right: dict[str, dict[str, bool]] = {}
    for seed, grades in seeds.items():
        right[seed] = {question: grade == RIGHT for question, grade in grades.items()}
    return right


def _against(first: str, found: SeedsDifference, adjusted: float) -> str:
    low, high = found.interval
    return (
        f"  against {first}: {found.difference:+.1%} [{low:+.1%}, {high:+.1%}], "
        f"p = {found.permutation:.2g}, by Holm {adjusted:.2g}"
    )


def accuracy(grades: Grades) -> Accuracy:
    """What an exam's grades come to."""
    found = list(grades.values())
    right = found.count(RIGHT)
    return Accuracy(
        step="after",
        questions=len(found),
        right=right,
        accuracy=right / len(found),
        interval=wilson(right, len(found)),
        unreadable=found.count("unreadable"),
    )


def _told(exam: Accuracy) -> str:
    low, high = exam.interval
    return (
        f"{exam.right} of {exam.questions} right, {exam.accuracy:.1%} [{low:.1%}, {high:.1%}], "
        f"{exam.unreadable} unreadable"
    )


# -- the program ----------------------------------------------------------------------------------


def write(record: str, *comparisons: str) -> None:
    """Print the grades of comparisons as a CSV."""
    with _opened(record) as store:
        _print(written(columns_of(store, comparisons)))


def costs(record: str, *comparisons: str) -> None:
    """Print the costs of comparisons as a CSV."""
    with _opened(record) as store:
        _print(list(costs_of(store, comparisons)))


def join(*files: str) -> None:
    """Print several files of grades as one."""
    _print(written(joined(Path(file) for file in files)))


@contextmanager
def _opened(record: str) -> Iterator[Store]:
    """A record; the program ends with one line where it cannot be used."""
    try:
        with Store.open(record) as store:
            yield store
    except LocalfairError as error:
        sys.exit(f"error: {error.message}\nhint: {error.hint}")


def _print(rows: Iterable[Sequence[object]]) -> None:
    csv.writer(sys.stdout, lineterminator="\n").writerows(rows)


def test(file: str, first: str | None = None, *others: str) -> None:
    """Print variants of a file against one of them."""
    wanted = (first, *others) if others else ()
    variants = chosen(Path(file), *wanted)
    first = first or next(iter(variants), "")
    _named(first, variants, Path(file))
    print("\n".join(lines(variants, first)))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["write", record, *comparisons] if comparisons:
            write(record, *comparisons)
        case ["costs", record, *comparisons] if comparisons:
            costs(record, *comparisons)
        case ["join", *files] if files:
            join(*files)
        case ["test", file, *variants]:
            test(file, *variants)
        case _:
            sys.exit(USAGE)
