"""Where a run stands, drawn for a terminal: steps, rates, times left, what came out so far.

Prints nothing itself. Text of models is shown in a line, its control codes as escapes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from localfair.machine.terminal import shown_in_line

if TYPE_CHECKING:
    from rich.console import Group
    from rich.text import Text

    from localfair.pipeline.standing import Standing, StandingStep
    from localfair.record.exams import ExamScore
    from localfair.record.progress import LastVerdict

MARKS = {"done": ("✓", "green"), "now": ("▶", "bold cyan"), "to come": ("·", "dim")}
BAR = 16
LEVELS = "▁▂▃▄▅▆▇█"
SPARKS = 32  # columns of a sparkline
MINUTES_FROM = 100  # seconds; below it a time is shown in seconds
HOURS_FROM = 7200
# what a step's outcome says first
TOLD = ("right", "wrong", "mistakes", "feedback", "rationale", "accepted", "lessons", "last_loss")
MOST_TOLD = 3


def duration(seconds: float | None) -> str:
    """A time in the unit that suits it, `?` for none."""
    if seconds is None:
        return "?"
    if seconds < MINUTES_FROM:
        return f"{seconds:.0f} s"
    if seconds < HOURS_FROM:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def panel(standing: Standing, who: str = "") -> Group:
    """A run as lines, none longer than the terminal is wide; `who` answers now."""
    from rich.console import Group
    from rich.text import Text

    lines = [Text(_head(standing), style="bold")]
    lines += [_step(step, standing, who) for step in standing.steps]
    lines += [Text(line) for line in _results(standing)]
    for sign, verdict, style in (
        ("+", standing.last_accepted, "green"),
        ("-", standing.last_rejected, "red"),
    ):
        if verdict is not None:
            lines.append(Text(_verdict(sign, verdict), style=style))
    for line in lines:
        line.no_wrap = True
        line.overflow = "ellipsis"
    return Group(*lines)


def plain(standing: Standing) -> Iterator[str]:
    """The same as lines of text, for what is no terminal."""
    yield _head(standing)
    for step in standing.steps:
        mark, _ = MARKS[step.state]
        yield f"{mark} {_step_text(step, standing, '')}"
    yield from _results(standing)
    if standing.last_accepted is not None:
        yield _verdict("+", standing.last_accepted)
    if standing.last_rejected is not None:
        yield _verdict("-", standing.last_rejected)


def left(standing: Standing) -> str:
    """How long the run takes yet, in words; "" for a run that has ended."""
    if standing.now is None and not any(step.state == "to come" for step in standing.steps):
        return ""
    if standing.run_left is None:
        return ""
    unknown = ""
    if standing.unknown:
        unknown = f" and the time of {', '.join(dict.fromkeys(standing.unknown))}"
    # what a narrow terminal cuts off stands last
    return f"about {duration(standing.run_left)} left{unknown}"


def _head(standing: Standing) -> str:
    after = "for" if standing.status == "running" else "after"
    words = [
        f"{standing.recipe} on {standing.task}, seed {standing.seed}, run {standing.run}",
        f"{standing.status} {after} {duration(standing.seconds)}",
        left(standing),
    ]
    return shown_in_line(", ".join(word for word in words if word))


def _step(step: StandingStep, standing: Standing, who: str) -> Text:
    from rich.text import Text

    mark, style = MARKS[step.state]
    line = Text(f"{mark} ", style=style)
    line.append(shown_in_line(_step_text(step, standing, who)))
    return line


def _step_text(step: StandingStep, standing: Standing, who: str) -> str:
    # a step of every round is told apart by its round
    is_repeated = sum(each.step == step.step for each in standing.steps) > 1
    name = f"{step.step} {step.round}" if is_repeated else step.step
    text = f"{name:10}"
    if step.state == "done":
        return f"{text} {_outcome(step)}  ({step.calls} calls, {duration(step.seconds)})"
    unit = "steps" if step.stage == "train" else "calls"
    if step.state == "to come":
        if not step.expected:
            return text
        time = f", {duration(step.left)}" if step.left is not None else ""
        return f"{text} at most {step.expected} {unit}{time}"
    rate = f", {standing.rate:.2g} {unit}/s" if standing.rate else ""
    time = f", {duration(step.left)} left" if step.left is not None else ""
    by = f"  {who}" if who else ""
    counts = f"{step.calls}/{step.expected} {unit}"
    return f"{text} {_bar(step.calls, step.expected)} {counts}{rate}{time}{by}"


def _bar(done: int, total: int) -> str:
    filled = round(BAR * done / total) if total else 0
    return "━" * filled + "─" * (BAR - filled)


def _outcome(step: StandingStep) -> str:
    told = [name for name in TOLD if name in step.outcome][:MOST_TOLD]
    if not told and not step.outcome:
        return "not ended"
    return ", ".join(f"{name.replace('_', ' ')} {step.outcome[name]}" for name in told)


def _results(standing: Standing) -> Iterator[str]:
    """What came out so far, a line each of what there is."""
    words = []
    judged = standing.judged
    if judged.judged:
        share = judged.accepted / judged.judged
        words.append(f"accepted {judged.accepted} of {judged.judged} ({share:.0%})")
    if standing.before:
        words.append(f"before {_share(standing.before)}")
    if standing.after:
        words.append(f"after {_share(standing.after)}")
    if words:
        yield "  ".join(words)
    if standing.losses:
        yield f"loss {sparkline(standing.losses)} {standing.losses[-1]:.3f}"


def _share(exam: ExamScore) -> str:
    return f"{exam.right / exam.answers:.1%} of {exam.answers}"


def _verdict(sign: str, verdict: LastVerdict) -> str:
    text = " ".join(verdict.text.split())
    return shown_in_line(f"{sign} {verdict.reason}: {text}")


def sparkline(values: Sequence[float], columns: int = SPARKS) -> str:
    """Values as bars, the means of as many parts as there are columns."""
    count = min(columns, len(values))
    means = []
    for column in range(count):
        part = values[len(values) * column // count : len(values) * (column + 1) // count]
        means.append(sum(part) / len(part))
    low = min(means)
    height = max(means) - low
    bars = []
    for mean in means:
        level = (mean - low) / height if height else 0.0
        bars.append(LEVELS[round(level * (len(LEVELS) - 1))])
    return "".join(bars)
