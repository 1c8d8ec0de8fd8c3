"""report: what a run found, from the record alone: counts, acceptance, accuracy with intervals, the paired change.

Reads a run's rows; writes nothing. Statistics are scipy's, loaded when a report is made.
"""

from __future__ import annotations

import json
from typing import Any

from localfair.errors import UsageError
from localfair.record.nouns import Grade
from localfair.record.store import Row, Store
from localfair.report.statistics import paired, wilson


def latest_run(store: Store) -> str:
    """The id of the newest run. Raises UsageError when there is none."""
    row = store.one("SELECT id FROM runs ORDER BY started DESC, rowid DESC LIMIT 1")
    if row is None:
        raise UsageError(
            f"{store.path} holds no run", "make one with `localfair run quickstart --fetch`"
        )
    return str(row["id"])


def report(store: Store, run: str) -> dict[str, Any]:
    """Everything about one run as plain data. Raises UsageError for a run that is not in the record."""
    head = store.one("SELECT * FROM runs WHERE id = ?", run)
    if head is None:
        raise UsageError(
            f"there is no run {run!r} in {store.path}", "see `localfair report --list`"
        )
    steps = store.rows("SELECT * FROM run_steps WHERE run = ? ORDER BY position", run)
    exams = test_exams(store, run)
    before, after = (exams[0], exams[-1]) if exams else (None, None)
    return {
        "run": run,
        "recipe": head["recipe"],
        "task": head["task"],
        "seed": head["seed"],
        "status": head["status"],
        "settings": json.loads(head["settings"]),
        "backend_calls": sum(s["calls"] for s in steps),
        "reused": sum(s["reused"] for s in steps),
        "loads": sum(s["loads"] for s in steps),
        "questions": len(_ids(store, run, "question")),
        "mistakes": _mistakes(store, run, steps),
        "explanations": len(_ids(store, run, "explanation")),
        "reviews": len(_ids(store, run, "review")),
        "accepted": _accepted_count(store, run),
        "lessons": _lessons(store, run, steps),
        "acceptance": acceptance(store, run),
        "before": _accuracy(before),
        "after": _accuracy(after) if len(exams) > 1 else None,
        "change": paired(before["rows"], after["rows"])
        if len(exams) > 1 and before and after
        else None,
        "adapter": _adapter(store, run),
        "adapters": _adapters(store, run),
        "steps": [_step(s) for s in steps],
    }


def _step(row: Row) -> Row:
    return {k: row[k] for k in ("step", "stage", "round", "calls", "reused", "loads")} | {
        "outcome": json.loads(row["outcome"]) if row["outcome"] else None
    }


def _ids(store: Store, run: str, noun: str) -> list[str]:
    return [
        r["row"]
        for r in store.rows(
            'SELECT DISTINCT "row" FROM run_rows WHERE run = ? AND noun = ?', run, noun
        )
    ]


def _mistakes(store: Store, run: str, steps: list[Row]) -> int:
    positions = [s["position"] for s in steps if s["stage"] == "exam"]
    return len(store.by_ids("mistakes", store.linked(run, positions, "answer")))


def _lessons(store: Store, run: str, steps: list[Row]) -> int:
    positions = [s["position"] for s in steps if s["stage"] == "select"]
    rows = store.by_ids("lessons", store.linked(run, positions, "lesson"))
    return sum(row["dropped"] is None for row in rows.values())


def _accepted_count(store: Store, run: str) -> int:
    verdicts = store.by_ids("verdicts", _ids(store, run, "verdict"))
    return len({v["explanation"] for v in verdicts.values() if v["accepted"]})


def _adapters(store: Store, run: str) -> list[str]:
    """Every adapter of the run, in the order in which they were trained."""
    found = store.rows(
        """SELECT "row" FROM run_rows WHERE run = ? AND noun = 'adapter' GROUP BY "row" ORDER BY MIN(position)""",
        run,
    )
    return [r["row"] for r in found]


def _adapter(store: Store, run: str) -> Row | None:
    """The last adapter of the run."""
    ids = _adapters(store, run)
    row = store.adapter(ids[-1]) if ids else None
    return row and {k: row[k] for k in ("id", "steps", "seconds", "tokens", "peak_memory", "path")}


def test_exams(store: Store, run: str) -> list[Row]:
    """The student's exams on test, in order, each with its step and its answers' rows."""
    found = []
    for step in store.rows("SELECT * FROM run_steps WHERE run = ? ORDER BY position", run):
        if step["stage"] != "exam" or step["ended"] is None:
            continue
        answers = store.by_ids("answers", store.linked(run, [step["position"]], "answer"))
        rows = [a for a in answers.values() if a["split"] == "test"]
        if rows:
            found.append({"step": step["step"], "rows": rows})
    return found


def _accuracy(exam: Row | None) -> Row | None:
    """Accuracy with its interval, and the share that nothing could be read from."""
    if exam is None:
        return None
    rows, total = exam["rows"], len(exam["rows"])
    right = sum(r["grade"] == Grade.RIGHT for r in rows)
    unreadable = sum(r["grade"] == Grade.UNREADABLE for r in rows)
    return {
        "step": exam["step"], "right": right, "questions": total, "accuracy": right / total,
        "interval": wilson(right, total), "unreadable": unreadable,
    }  # fmt: skip


def acceptance(store: Store, run: str) -> list[Row]:
    """Accepted of all, by kind and by author; and for each reviewer what it gave, by kind of explanation."""
    explanations = store.by_ids("explanations", _ids(store, run, "explanation"))
    verdicts = store.by_ids("verdicts", _ids(store, run, "verdict")).values()
    passed = {v["explanation"] for v in verdicts if v["accepted"]}
    reviews = store.by_ids("reviews", _ids(store, run, "review")).values()
    seats = store.by_ids(
        "seats", [*(e["seat"] for e in explanations.values()), *(r["seat"] for r in reviews)]
    )
    rows: list[Row] = []
    for kind in sorted({e["kind"] for e in explanations.values()}):
        of_kind = [e for e in explanations.values() if e["kind"] == kind]
        for seat in [None, *sorted({e["seat"] for e in of_kind}, key=lambda s: seats[s]["index"])]:
            written = [e for e in of_kind if seat in (None, e["seat"])]
            rows.append({
                "what": "author", "kind": kind, "who": seat_name(seats[seat]) if seat else "all",
                "count": len(written), "accepted": sum(e["id"] in passed for e in written),
                "right": sum(e["grade"] == Grade.RIGHT for e in written) if kind == "rationale" else None,
            })  # fmt: skip
        for seat in sorted({r["seat"] for r in reviews}, key=lambda s: seats[s]["index"]):
            given = [
                r
                for r in reviews
                if r["seat"] == seat and explanations[r["explanation"]]["kind"] == kind
            ]
            rows += [_reviewer(kind, seat_name(seats[seat]), given)] if given else []
    return rows


def _reviewer(kind: str, who: str, given: list[Row]) -> Row:
    scores = [r["score"] for r in given if r["score"] is not None]
    return {
        "what": "reviewer", "kind": kind, "who": who, "count": len(given),
        "unreadable": len(given) - len(scores), "mean": sum(scores) / len(scores) if scores else None,
        "above_3": sum(s > 3 for s in scores),
    }  # fmt: skip


def seat_name(seat: Row) -> str:
    """`teacher#0 qwen…`: the role, the index and the model of a seat."""
    return f"{seat['role']}#{seat['index']} {seat['model']}"


def runs(store: Store) -> list[Row]:
    """Every run of the record, newest first."""
    return store.rows(
        "SELECT id, recipe, task, seed, status, started FROM runs ORDER BY started DESC, rowid DESC"
    )
