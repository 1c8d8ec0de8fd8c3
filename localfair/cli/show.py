"""How a run is shown: progress bars when a person is watching, plain lines when not; the report's
tables.

Prints; decides nothing.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from localfair.machine.terminal import echo, echo_json, echo_text, shown, shown_in_line

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from localfair.record.resolving import Wanted
    from localfair.record.store import Store
    from localfair.report.findings import Accuracy, AuthorCount, Findings, ReviewerCount
    from localfair.report.statistics import Change

PLAIN_EVERY = 30.0  # seconds between plain progress lines


def say(line: str) -> None:
    """Print a line for the person, on stderr; a recipe's note may be several."""
    echo_text(line, err=True)


def span(interval: Sequence[float] | None, format_spec: str = ".1%") -> str:
    """`[low, high]`; nothing where there is no interval."""
    if not interval:
        return ""
    low, high = interval
    return f"[{low:{format_spec}}, {high:{format_spec}}]"


class Watch:
    """Progress of one run on stderr: a bar on a terminal, else a line every PLAIN_EVERY seconds."""

    def __init__(self) -> None:
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._step = ""
        self._last = time.monotonic()

    def __enter__(self) -> Watch:
        if sys.stderr.isatty():
            self._bar = _progress_bar()
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def say(self, line: str) -> None:
        """Print a line above the bar: a step is done."""
        if self._bar is not None:
            console = self._bar.console
            console.print(shown(line), markup=False, emoji=False, highlight=False, soft_wrap=True)
        else:
            say(line)

    def progress(self, done: int, total: int, label: str) -> None:
        """Show `done` of `total`; the label begins with the step, `inquire: anna`."""
        if self._bar is not None:
            self._draw(self._bar, done, total, label)
        elif time.monotonic() - self._last >= PLAIN_EVERY:
            self._last = time.monotonic()
            echo(f"  {label} {done}/{total}", err=True)

    def _draw(self, bar: Progress, done: int, total: int, label: str) -> None:
        step = label.partition(":")[0]
        if self._task is None or step != self._step:
            if self._task is not None:
                bar.remove_task(self._task)
            self._task = bar.add_task(shown_in_line(label), total=total)
            self._step = step
        bar.update(self._task, completed=done, total=total, description=shown_in_line(label))


def _progress_bar() -> Progress:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )


def taken(store: Store, run: str | None, wanted: Wanted) -> str:
    """The id of the run that a command line means.

    For None it is that of the newest run that has what is wanted. Where newer ones have it not,
    that is said.
    """
    from localfair.record.resolving import newest
    from localfair.report.findings import find_run

    run_id = find_run(store, run, wanted).id
    if run is None:
        chosen = newest(store, wanted)
        if chosen is not None and chosen.newer:
            say(f"run {run_id} is the newest that {wanted.words}; {chosen.newer} newer did not")
    return run_id


def print_report(db: Path, run: str | None, *, as_json: bool) -> None:
    """Print the report of a run on stdout; for None that of the newest that did anything."""
    from localfair.record.resolving import Wanted
    from localfair.record.store import Store
    from localfair.report.findings import report

    with Store.open(db) as store:
        findings = report(store, taken(store, run, Wanted.STEP))
    if as_json:
        echo_json(findings.data(), indent=2)
    else:
        echo(*lines(findings))


def lines(findings: Findings) -> list[str]:
    """A report as lines of text."""
    from localfair.report.terms import marks, short_lines

    shown = _counts(findings)
    if findings.failed_calls:
        shown.append(
            f"  failed calls {findings.failed_calls}: "
            "no count below holds what they would have answered"
        )
    shown += _trust(findings)
    if findings.acceptance:
        shown += ["", *_acceptance(findings.acceptance)]
    if findings.before:
        shown += ["", _accuracy("before", findings.before)]
    if findings.after:
        shown.append(_accuracy("after", findings.after))
    if findings.change:
        shown.append(_change(findings.change))
        if findings.change.note:
            shown.append(f"          {findings.change.note}")
    if findings.worse:
        shown.append(f"          {findings.worse}")
    if findings.before:
        shown.append(_replies(findings.before, findings.after))
    licences = short_lines(findings.licences) + marks(findings.licences)
    if licences:
        shown += ["", *[f"  {line}" for line in licences]]
    return shown


def _counts(findings: Findings) -> list[str]:
    made = (
        f"mistakes {findings.mistakes}, explanations {findings.explanations}, "
        f"reviews {findings.reviews}, accepted {findings.accepted}, lessons {findings.lessons}"
    )
    if findings.own_lessons:
        made += f" ({findings.own_lessons} the student's own)"
    cost = (
        f"calls {findings.calls}, from the record {findings.reused}, model loads {findings.loads}"
    )
    return [
        f"run {findings.run}: {findings.recipe} on {findings.task}, seed {findings.seed}, "
        f"{findings.status}",
        f"  {made}",
        f"  {cost}",
    ]


def _trust(findings: Findings) -> list[str]:
    """What calibrated reviews came to: a line a step."""
    lines = []
    for step in findings.steps:
        for word in ("trust", "soundness"):
            if step.outcome and word in step.outcome:
                lines.append(f"  {step.step}, {word}: {step.outcome[word]}")
    return lines


def _acceptance(counts: Sequence[AuthorCount | ReviewerCount]) -> list[str]:
    """What authors wrote and what reviewers gave, a table each, by kind of explanation."""
    width = max(len(count.who) for count in counts)
    head = f"  {'':8} {'kind':9} {'who':{width}}  count"
    authors = [f"{head}  accepted  right"]
    reviewers = [f"{head}  above 3    mean  unreadable"]
    for count in counts:
        if count.what == "author":
            authors.append(_author(count, width))
        else:
            reviewers.append(_reviewer(count, width))
    return authors + reviewers if len(reviewers) > 1 else authors


def _author(count: AuthorCount, width: int) -> str:
    right = "-" if count.right is None else str(count.right)
    return f"{_who(count, width)} {count.accepted:9} {right:>6}"


def _reviewer(count: ReviewerCount, width: int) -> str:
    mean = "-" if count.mean is None else f"{count.mean:.2f}"
    return f"{_who(count, width)} {count.above_3:8} {mean:>7} {count.unreadable:11}"


def _who(count: AuthorCount | ReviewerCount, width: int) -> str:
    return f"  {count.what:8} {count.kind:9} {count.who:{width}} {count.count:6}"


def _accuracy(when: str, exam: Accuracy) -> str:
    low, high = exam.interval
    right = f"{exam.right}/{exam.questions} right = {exam.accuracy:.1%}"
    interval = f"[95% {low:.1%} to {high:.1%}]"
    return f"  {when:6}  {right}  {interval}  unreadable {exam.unreadable}"


def _replies(before: Accuracy, after: Accuracy | None) -> str:
    """How long the student's replies are, and how many of them were cut off at their limit."""
    exams = [exam for exam in (before, after) if exam]
    tokens = " -> ".join(f"{exam.tokens:.0f}" for exam in exams)
    unfinished = " -> ".join(f"{exam.unfinished / exam.questions:.1%}" for exam in exams)
    return f"  replies {tokens} tokens long, unfinished {unfinished}"


def _change(change: Change) -> str:
    low, high = change.interval
    interval = f"[95% {low:+.1%} to {high:+.1%}]"
    counts = f"gained {change.gained}, lost {change.lost}"
    p = f"exact McNemar p = {change.p:.2g}"
    return f"  change  {change.difference:+.1%}  {interval}  {counts}, {p}"
