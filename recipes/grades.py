"""The grades behind a table of results, and the table's tests again, without a record or a model.

`python recipes/grades.py write RECORD COMPARISON... > FILE.csv`: a row a question of the exam after
training, a column a variant and seed (`committee/0`), each cell right, wrong or unreadable.
`python recipes/grades.py test FILE.csv [FIRST [VARIANT...]]`: these variants, or all, against FIRST, or
that of the first column; each is one claim of the table.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean

from localfair.errors import LocalfairError
from localfair.pipeline.comparison import recorded
from localfair.record.exams import exam_answers
from localfair.record.store import Store
from localfair.report.permutation import holm, permutation_p
from localfair.report.statistics import Interval, mean_interval, tango, wilson

RIGHT = "right"
GRADES = (RIGHT, "wrong", "unreadable")
Grades = Mapping[str, str]  # by question
Seeds = Mapping[str, Grades]  # by seed
USAGE = "usage: python recipes/grades.py write RECORD COMPARISON... | test FILE.csv [FIRST [VARIANT...]]"


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


# -- tested again ---------------------------------------------------------------------------------


def read(path: Path) -> dict[str, dict[str, dict[str, str]]]:
    """By variant and seed, the grade of each question. Ends the program for another file."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeError) as error:
        sys.exit(f"error: cannot read {path}: {error}")
    if not rows or rows[0][:1] != ["question"] or any(len(row) != len(rows[0]) for row in rows):
        sys.exit(f"error: {path} has not a row a question and a column a variant and seed")
    variants: dict[str, dict[str, dict[str, str]]] = {}
    for place, name in enumerate(rows[0][1:], 1):
        variant, _, seed = name.rpartition("/")
        grades = {row[0]: row[place] for row in rows[1:] if row[place]}
        if not set(grades.values()) <= set(GRADES):
            sys.exit(f"error: {path}: a grade of {name} is none of {', '.join(GRADES)}")
        variants.setdefault(variant, {})[seed] = grades
    return variants


def changes(first: Seeds, other: Seeds) -> list[list[int]]:
    """By question, the change of each seed that both have: 1 became right, -1 wrong, 0 neither."""
    by_question: dict[str, list[int]] = {}
    for seed in first.keys() & other.keys():
        for question in first[seed].keys() & other[seed].keys():
            was, is_now = (grades[seed][question] == RIGHT for grades in (first, other))
            by_question.setdefault(question, []).append(is_now - was)
    return [by_question[question] for question in sorted(by_question)]


def lines(variants: Mapping[str, Seeds], first: str) -> Iterator[str]:
    """Each variant's accuracy by seed, and its difference from the first one over seeds."""
    others = [variant for variant in variants if variant != first]
    tested = {variant: changes(variants[first], variants[variant]) for variant in others}
    chances = [permutation_p([sum(each) for each in tested[variant]]) for variant in others]
    adjusted = dict(zip(others, holm(chances), strict=True))
    for variant, seeds in variants.items():
        yield variant
        for seed, grades in sorted(seeds.items()):
            yield f"  seed {seed}: {_accuracy(list(grades.values()))}"
        if variant == first:
            continue
        means = [fmean(each) for each in tested[variant]]
        if not means:
            yield f"  shares no seed and no question with {first}"
            continue
        low, high = _interval(tested[variant], means)
        p = chances[others.index(variant)]
        yield (
            f"  against {first}: {fmean(means):+.1%} [{low:+.1%}, {high:+.1%}], "
            f"p = {p:.2g}, by Holm {adjusted[variant]:.2g}"
        )


def _interval(tested: Sequence[Sequence[int]], means: Sequence[float]) -> Interval:
    """Of one seed Tango's, of several a bootstrap over questions: as `compare` has them."""
    if any(len(each) > 1 for each in tested):
        return mean_interval(means)
    return tango(means.count(1), means.count(-1), len(means))


def _accuracy(grades: Sequence[str]) -> str:
    right = grades.count(RIGHT)
    low, high = wilson(right, len(grades))
    unreadable = grades.count("unreadable")
    return (
        f"{right} of {len(grades)} right, {right / len(grades):.1%} [{low:.1%}, {high:.1%}], "
        f"{unreadable} unreadable"
    )


# -- the program ----------------------------------------------------------------------------------


def write(record: str, *comparisons: str) -> None:
    """Print the grades of comparisons as a CSV."""
    try:
        with Store.open(record) as store:
            columns = columns_of(store, comparisons)
    except LocalfairError as error:
        sys.exit(f"error: {error.message}\nhint: {error.hint}")
    csv.writer(sys.stdout, lineterminator="\n").writerows(written(columns))


def test(file: str, first: str | None = None, *others: str) -> None:
    """Print variants of a file against one of them."""
    variants = read(Path(file))
    first = first or next(iter(variants), "")
    for name in (first, *others):
        if name not in variants:
            sys.exit(f"error: {file} has no variant {name!r}\nhint: it has {', '.join(variants)}")
    chosen = {name: variants[name] for name in (first, *others)} if others else variants
    print("\n".join(lines(chosen, first)))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["write", record, *comparisons] if comparisons:
            write(record, *comparisons)
        case ["test", file, *variants]:
            test(file, *variants)
        case _:
            sys.exit(USAGE)
