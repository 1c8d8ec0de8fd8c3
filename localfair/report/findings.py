"""What a run found: counts, acceptance, accuracy with intervals, the paired change.

Reads a run's rows from the record; writes nothing, asks nobody.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from localfair.errors import UsageError
from localfair.record.failed_calls import failed_count
from localfair.record.nouns import Grade
from localfair.record.runs import newest_run, status_now
from localfair.record.store import Row, Store
from localfair.record.summaries import (
    Authored,
    Scored,
    accepted_count,
    authored,
    kept_lesson_count,
    linked_count,
    mistake_count,
    sat,
    scored,
)
from localfair.report.statistics import change_between, wilson

STEP_KEYS = ("step", "stage", "round", "calls", "reused", "loads")
ADAPTER_KEYS = ("id", "steps", "seconds", "tokens", "peak_memory", "path")


# -- runs -----------------------------------------------------------------------------------------


def latest_run(store: Store) -> str:
    """The id of the newest run. Raises UsageError when there is none."""
    run = newest_run(store)
    if run is None:
        raise UsageError(
            f"{store.path} holds no run", "make one with `localfair run quickstart --fetch`"
        )
    return run


def report(store: Store, run: str) -> dict[str, Any]:
    """Everything about one run as plain data.

    Raises UsageError when the run is not in the record.
    """
    head = store.one("SELECT * FROM runs WHERE id = ?", run)
    if head is None:
        raise UsageError(
            f"there is no run {run!r} in {store.path}", "see `localfair report --list`"
        )
    steps = _steps(store, run)
    calls = _total(steps, "calls")
    failed = failed_count(store, run)
    return {
        "run": run,
        "recipe": head["recipe"],
        "task": head["task"],
        "seed": head["seed"],
        "status": status_now(store, head["status"]),
        "settings": json.loads(head["settings"]),
        "calls": calls,
        "backend_calls": calls,  # the name of `calls` before this release; the next one drops it
        "reused": _total(steps, "reused"),
        "loads": _total(steps, "loads"),
        **({"failed_calls": failed} if failed else {}),
        "questions": linked_count(store, run, "question"),
        "mistakes": mistake_count(store, run, _positions(steps, "exam")),
        "explanations": linked_count(store, run, "explanation"),
        "reviews": linked_count(store, run, "review"),
        "accepted": accepted_count(store, run),
        "lessons": kept_lesson_count(store, run, _positions(steps, "select")),
        "acceptance": acceptance(store, run),
        **_before_and_after(store, run),
        "adapter": _last_adapter(store, run),
        "adapters": _adapters(store, run),
        "steps": [_step(step) for step in steps],
    }


# -- steps and the rows of a run ------------------------------------------------------------------


def _steps(store: Store, run: str) -> list[Row]:
    return store.rows("SELECT * FROM run_steps WHERE run = ? ORDER BY position", run)


def _step(row: Row) -> Row:
    outcome = json.loads(row["outcome"]) if row["outcome"] else None
    return {**{key: row[key] for key in STEP_KEYS}, "outcome": outcome}


def _total(steps: Iterable[Row], key: str) -> int:
    return sum(step[key] for step in steps)


def _positions(steps: Iterable[Row], stage: str) -> list[int]:
    """Where the run's steps of one stage stand."""
    return [step["position"] for step in steps if step["stage"] == stage]


def _adapters(store: Store, run: str) -> list[str]:
    """Every adapter of the run, in the order in which they were trained."""
    sql = """
    SELECT "row" FROM run_rows WHERE run = ? AND noun = 'adapter' GROUP BY "row" ORDER BY MIN(position)
    """
    return store.first_column(sql, run)


def _last_adapter(store: Store, run: str) -> Row | None:
    trained = _adapters(store, run)
    adapter = store.adapter(trained[-1]) if trained else None
    if adapter is None:
        return None
    return {key: adapter[key] for key in ADAPTER_KEYS}


# -- exams ----------------------------------------------------------------------------------------


def test_exams(store: Store, run: str) -> list[Row]:
    """The student's exams on test, in order, each with its step and its answers: question and
    grade.
    """
    exams = []
    for step in _steps(store, run):
        if step["stage"] != "exam" or step["ended"] is None:
            continue
        rows = []
        for question, grade in sat(store, run, step["position"], "test"):
            # equal texts are one object: compare holds the answers of all its runs
            answer = {"question": question, "split": "test", "grade": sys.intern(grade)}
            rows.append(answer)
        if rows:
            exams.append({"step": step["step"], "rows": rows})
    return exams


@dataclass(slots=True)
class _Exam:
    """An exam on test: its grades, and whether each question's answer is right."""

    step: str
    grades: Counter[str] = field(default_factory=Counter)
    right: dict[str, bool] = field(default_factory=dict)

    def row(self) -> Row:
        """Accuracy with its interval, and the number of answers that nothing could be read from."""
        right = self.grades[Grade.RIGHT]
        total = self.grades.total()
        return {
            "step": self.step,
            "right": right,
            "questions": total,
            "accuracy": right / total,
            "interval": wilson(right, total),
            "unreadable": self.grades[Grade.UNREADABLE],
        }


def _before_and_after(store: Store, run: str) -> Row:
    """The first exam on test and the last, and the change between them.

    None for what was not done.
    """
    first: _Exam | None = None
    last: _Exam | None = None
    for step in _steps(store, run):
        if step["stage"] != "exam" or step["ended"] is None:
            continue
        exam = _Exam(step["step"])
        for question, grade in sat(store, run, step["position"], "test"):
            exam.grades[grade] += 1
            exam.right[question] = grade == Grade.RIGHT
        if not exam.right:
            continue
        if first is None:
            first = exam
        else:
            last = exam
    return {
        "before": first.row() if first else None,
        "after": last.row() if last else None,
        "change": change_between(first.right, last.right) if first and last else None,
    }


# -- explanations and their reviews ---------------------------------------------------------------


def acceptance(store: Store, run: str) -> list[Row]:
    """By kind of explanation: what was accepted of each author's, and what each reviewer gave."""
    by_author = authored(store, run)
    by_reviewer = scored(store, run)
    seat_ids = {count.seat for count in by_author} | {count.seat for count in by_reviewer}
    seats = store.by_ids("seats", seat_ids)
    names = {}
    for seat in sorted(seats.values(), key=lambda seat: (seat["index"], seat["id"])):
        names[seat["id"]] = seat_name(seat)
    order = list(names)
    rows: list[Row] = []
    for kind in sorted({count.kind for count in by_author}):
        authors = [count for count in by_author if count.kind == kind]
        authors.sort(key=lambda count: order.index(count.seat))
        rows.append(_author(kind, "all", authors))
        rows += [_author(kind, names[count.seat], [count]) for count in authors]
        reviewers = [count for count in by_reviewer if count.kind == kind]
        reviewers.sort(key=lambda count: order.index(count.seat))
        rows += [_reviewer(names[count.seat], count) for count in reviewers]
    return rows


def _author(kind: str, who: str, counts: Iterable[Authored]) -> Row:
    """What authors wrote; a feedback has no answer to check, so `right` is None for it."""
    counts = list(counts)
    right = None
    if kind == "rationale":
        right = sum(count.right for count in counts)
    return {
        "what": "author",
        "kind": kind,
        "who": who,
        "count": sum(count.written for count in counts),
        "accepted": sum(count.accepted for count in counts),
        "right": right,
    }


def _reviewer(who: str, count: Scored) -> Row:
    """What one reviewer gave; `mean` is None when no score could be read."""
    return {
        "what": "reviewer",
        "kind": count.kind,
        "who": who,
        "count": count.given,
        "unreadable": count.given - count.scored,
        "mean": count.mean,
        "above_3": count.above_3,
    }


def seat_name(seat: Row) -> str:
    """`teacher#0 qwen…`: the role, the index and the model of a seat."""
    return f"{seat['role']}#{seat['index']} {seat['model']}"
