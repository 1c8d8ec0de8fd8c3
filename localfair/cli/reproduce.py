"""`localfair reproduce`: do a run again and say what came out different."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from localfair.machine.terminal import echo, echo_json

if TYPE_CHECKING:
    from localfair.pipeline.reproduce import Compared, Reproduced
    from localfair.report.findings import Accuracy


@click.command(
    epilog="\b\nExamples:\n  localfair reproduce --out again.db\n"
    "  localfair reproduce 3f2a0c11d2e4 --db lab.db --out again.db --json"
)
@click.argument("run", required=False)
@click.option(
    "--db", type=click.Path(path_type=Path), default=Path("localfair.db"), show_default=True
)
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="The new record; must not exist."
)
@click.option("--json", "as_json", is_flag=True, help="JSON on stdout.")
def reproduce(run: str | None, db: Path, out: Path, as_json: bool) -> None:
    """Do RUN again, the newest when none is named, into a new record, and compare both.

    Exit 0 when every reply and lesson is the same, 1 when one is not.
    """
    from localfair.cli.show import Watch
    from localfair.pipeline.reproduce import reproduce as do_again

    with Watch() as watch:
        reproduced = do_again(db, run, out, say=watch.say, progress=watch.progress)
    if as_json:
        data = asdict(reproduced)
        echo_json({**data, "same": reproduced.is_same, "reasons": reproduced.reasons()}, indent=2)
    else:
        _print(reproduced)
    if not reproduced.is_same:
        raise SystemExit(1)


def _print(reproduced: Reproduced) -> None:
    echo(f"run {reproduced.old} again, as {reproduced.new}")
    for step in reproduced.steps:
        echo(f"{step.step}: {_words(step)}")
        for place in step.named:
            echo(f"  other: {place}")
    old, new, both = reproduced.lessons
    echo(f"lessons: {old} then, {new} now, {both} the same")
    for name, (then, now) in (("before", reproduced.before), ("after", reproduced.after)):
        if then or now:
            echo(f"{name}: {_accuracy(then)} then, {_accuracy(now)} now")
    echo("everything is the same" if reproduced.is_same else "not everything is the same:")
    for reason in reproduced.reasons():
        echo(f"  {reason}")


def _words(step: Compared) -> str:
    if step.is_same:
        return f"{step.places} replies, all the same"
    words = f"{step.places} replies, {step.other_text} with another text"
    words += f", {step.other_result} read otherwise"
    if step.only_old or step.only_new:
        words += f", {step.only_old} only then, {step.only_new} only now"
    return words


def _accuracy(accuracy: Accuracy | None) -> str:
    return f"{accuracy.right} of {accuracy.questions}" if accuracy else "no exam"
