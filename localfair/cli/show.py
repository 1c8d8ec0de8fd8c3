"""How a run is shown: progress bars when a person is watching, plain lines when not; the report's tables.

Prints; decides nothing.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

PLAIN_EVERY = 30.0  # seconds between plain progress lines


def say(line: str) -> None:
    """A line for the person, on stderr."""
    click.echo(line, err=True)


def span(interval: Sequence[float] | None, form: str = ".1%") -> str:
    """`[low, high]`; nothing where there is no interval."""
    return f"[{interval[0]:{form}}, {interval[1]:{form}}]" if interval else ""


class Watch:
    """Progress of one run on stderr."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._task: Any = None
        self._label = ""
        self._last = time.monotonic()

    def __enter__(self) -> Watch:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                MofNCompleteColumn,
                Progress,
                TextColumn,
                TimeRemainingColumn,
            )

            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
            )
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()

    def say(self, line: str) -> None:
        """A step is done."""
        if self._bar:
            self._bar.console.print(line, highlight=False, soft_wrap=True)
        else:
            say(line)

    def progress(self, done: int, total: int, label: str) -> None:
        """`done` of `total` under a label."""
        if self._bar:
            self._draw(done, total, label)
        elif time.monotonic() - self._last >= PLAIN_EVERY:
            self._last = time.monotonic()
            say(f"  {label} {done}/{total}")

    def _draw(self, done: int, total: int, label: str) -> None:
        key = label.partition(":")[0]
        if key != self._label:
            if self._task is not None:
                self._bar.remove_task(self._task)
            self._task, self._label = self._bar.add_task(label, total=total), key
        self._bar.update(self._task, completed=done, total=total, description=label)


def print_report(db: Path, run: str | None, *, as_json: bool) -> None:
    """One run's report on stdout."""
    from localfair.record.store import Store
    from localfair.report.findings import latest_run, report

    with Store.open(db) as store:
        found = report(store, run or latest_run(store))
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        click.echo("\n".join(lines(found)))


def lines(found: dict[str, Any]) -> list[str]:
    """A report as lines of text."""
    out = [
        f"run {found['run']}: {found['recipe']} on {found['task']}, seed {found['seed']}, {found['status']}",
        f"  mistakes {found['mistakes']}, explanations {found['explanations']}, reviews {found['reviews']}, "
        f"accepted {found['accepted']}, lessons {found['lessons']}",
        f"  calls {found['calls']}, from the record {found['reused']}, model loads {found['loads']}",
    ]
    if found["acceptance"]:
        out += ["", *_acceptance(found["acceptance"])]
    for when in ("before", "after"):
        if found[when]:
            out += ([""] if when == "before" else []) + [_accuracy(when, found[when])]
    if found["change"]:
        out.append(_change(found["change"]))
    return out


def _acceptance(rows: list[dict[str, Any]]) -> list[str]:
    width = max(len(r["who"]) for r in rows)
    out = [f"  {'':8} {'kind':9} {'who':{width}}  count  accepted  answer right"]
    for r in [r for r in rows if r["what"] == "author"]:
        right = "-" if r["right"] is None else str(r["right"])
        out.append(
            f"  {'author':8} {r['kind']:9} {r['who']:{width}} {r['count']:6} {r['accepted']:9} {right:>13}"
        )
    reviewers = [r for r in rows if r["what"] == "reviewer"]
    if reviewers:
        out.append(f"  {'':8} {'kind':9} {'who':{width}}  count  above 3    mean  unreadable")
    for r in reviewers:
        mean = "-" if r["mean"] is None else f"{r['mean']:.2f}"
        out.append(
            f"  {'reviewer':8} {r['kind']:9} {r['who']:{width}} {r['count']:6} {r['above_3']:8} {mean:>7} "
            f"{r['unreadable']:11}"
        )
    return out


def _accuracy(when: str, a: dict[str, Any]) -> str:
    low, high = a["interval"]
    return (
        f"  {when:6}  {a['right']}/{a['questions']} right = {a['accuracy']:.1%}  "
        f"[95% {low:.1%} to {high:.1%}]  unreadable {a['unreadable']}"
    )


def _change(c: dict[str, Any]) -> str:
    low, high = c["interval"]
    return (
        f"  change  {c['difference']:+.1%}  [95% {low:+.1%} to {high:+.1%}]  "
        f"gained {c['gained']}, lost {c['lost']}, exact McNemar p = {c['p']:.2g}"
    )
