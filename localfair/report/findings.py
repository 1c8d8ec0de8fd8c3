"""What a run found: counts, acceptance, accuracy with intervals, the paired change.

Reads a run's rows from the record; writes nothing, asks nobody.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from localfair.errors import UsageError
from localfair.record.nouns import Grade
from localfair.record.runs import newest_run, status_now
from localfair.record.store import Row, Store
from localfair.report.statistics import paired, wilson

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
        "questions": len(_ids(store, run, "question")),
        "mistakes": _mistakes(store, run, steps),
        "explanations": len(_ids(store, run, "explanation")),
        "reviews": len(_ids(store, run, "review")),
        "accepted": len(_accepted(store, run)),
        "lessons": _lessons(store, run, steps),
        "acceptance": acceptance(store, run),
        **_before_and_after(test_exams(store, run)),
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


def _ids(store: Store, run: str, noun: str) -> list[str]:
    """Ids of a noun that the run used or made."""
    return store.first_column(
        'SELECT DISTINCT "row" FROM run_rows WHERE run = ? AND noun = ?', run, noun
    )


def _linked(store: Store, run: str, steps: Iterable[Row], stage: str, noun: str) -> list[str]:
    """Ids of a noun that the run's steps of one stage used or made."""
    positions = [step["position"] for step in steps if step["stage"] == stage]
    return store.linked(run, positions, noun)


def _mistakes(store: Store, run: str, steps: list[Row]) -> int:
    answers = _linked(store, run, steps, "exam", "answer")
    return len(store.by_ids("mistakes", answers))


def _lessons(store: Store, run: str, steps: list[Row]) -> int:
    """How many lessons were drawn and not dropped."""
    lessons = store.by_ids("lessons", _linked(store, run, steps, "select", "lesson"))
    return sum(lesson["dropped"] is None for lesson in lessons.values())


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
    """The student's exams on test, in order, each with its step and its answers' rows."""
    exams = []
    for step in _steps(store, run):
        if step["stage"] != "exam" or step["ended"] is None:
            continue
        answers = store.by_ids("answers", store.linked(run, [step["position"]], "answer"))
        on_test = [answer for answer in answers.values() if answer["split"] == "test"]
        if on_test:
            exams.append({"step": step["step"], "rows": on_test})
    return exams


def _before_and_after(exams: list[Row]) -> Row:
    """The first exam on test and the last, and the change between them.

    None for what was not done.
    """
    before = _accuracy(exams[0]) if exams else None
    if len(exams) < 2:
        return {"before": before, "after": None, "change": None}
    first, last = exams[0], exams[-1]
    return {
        "before": before,
        "after": _accuracy(last),
        "change": paired(first["rows"], last["rows"]),
    }


def _accuracy(exam: Row) -> Row:
    """Accuracy with its interval, and the number of answers that nothing could be read from."""
    grades = [answer["grade"] for answer in exam["rows"]]
    right = grades.count(Grade.RIGHT)
    return {
        "step": exam["step"],
        "right": right,
        "questions": len(grades),
        "accuracy": right / len(grades),
        "interval": wilson(right, len(grades)),
        "unreadable": grades.count(Grade.UNREADABLE),
    }


# -- explanations and their reviews ---------------------------------------------------------------


def acceptance(store: Store, run: str) -> list[Row]:
    """By kind of explanation: what was accepted of each author's, and what each reviewer gave."""
    explanations = store.by_ids("explanations", _ids(store, run, "explanation"))
    reviews = store.by_ids("reviews", _ids(store, run, "review"))
    accepted = _accepted(store, run)
    explanations_by_kind: dict[str, list[Row]] = {}
    for explanation in explanations.values():
        explanations_by_kind.setdefault(explanation["kind"], []).append(explanation)
    reviews_by_kind: dict[str, list[Row]] = {}
    for review in reviews.values():
        kind = explanations[review["explanation"]]["kind"]
        reviews_by_kind.setdefault(kind, []).append(review)
    rows: list[Row] = []
    for kind, written in sorted(explanations_by_kind.items()):
        rows.append(_author(kind, "all", written, accepted))
        for name, by_author in _by_seat(store, written):
            rows.append(_author(kind, name, by_author, accepted))
        for name, given in _by_seat(store, reviews_by_kind.get(kind, [])):
            rows.append(_reviewer(kind, name, given))
    return rows


def _accepted(store: Store, run: str) -> set[str]:
    """The explanations that a verdict of the run accepted."""
    verdicts = store.by_ids("verdicts", _ids(store, run, "verdict"))
    return {verdict["explanation"] for verdict in verdicts.values() if verdict["accepted"]}


def _by_seat(store: Store, rows: list[Row]) -> list[tuple[str, list[Row]]]:
    """Explanations by their author's name, or reviews by their reviewer's, in the order of
    seats.
    """
    by_seat: dict[str, list[Row]] = {}
    for row in rows:
        by_seat.setdefault(row["seat"], []).append(row)
    seats = store.by_ids("seats", by_seat)
    in_order = sorted(seats.values(), key=lambda seat: (seat["index"], seat["id"]))
    return [(seat_name(seat), by_seat[seat["id"]]) for seat in in_order]


def _author(kind: str, who: str, written: list[Row], accepted: set[str]) -> Row:
    """What one author wrote; a feedback has no answer to check, so `right` is None for it."""
    right = None
    if kind == "rationale":
        right = sum(explanation["grade"] == Grade.RIGHT for explanation in written)
    return {
        "what": "author",
        "kind": kind,
        "who": who,
        "count": len(written),
        "accepted": sum(explanation["id"] in accepted for explanation in written),
        "right": right,
    }


def _reviewer(kind: str, who: str, given: list[Row]) -> Row:
    """What one reviewer gave; `mean` is None when no score could be read."""
    scores = [review["score"] for review in given if review["score"] is not None]
    return {
        "what": "reviewer",
        "kind": kind,
        "who": who,
        "count": len(given),
        "unreadable": len(given) - len(scores),
        "mean": sum(scores) / len(scores) if scores else None,
        "above_3": sum(score > 3 for score in scores),
    }


def seat_name(seat: Row) -> str:
    """`teacher#0 qwen…`: the role, the index and the model of a seat."""
    return f"{seat['role']}#{seat['index']} {seat['model']}"
