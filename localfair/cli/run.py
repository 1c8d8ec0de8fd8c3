"""`localfair run` and its stages: parse, call one function of `pipeline`, print the report."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from localfair.cli import completion
from localfair.cli.numbers import BATCH, COUNT, SEED, THREADS, Share
from localfair.engines import ENGINES, training_engine
from localfair.errors import CallsFailed
from localfair.machine.hardware import usual_precision
from localfair.machine.terminal import echo_text, warn

if TYPE_CHECKING:
    from localfair.cli.watching import RunWatch
    from localfair.pipeline.orders import Order

ENGINE_NAMES = ", ".join(engine.name for engine in ENGINES if engine.loads_weights)


def _renamed(ctx: click.Context, option: click.Parameter, value: int | None) -> None:
    """Take the value of `--limit`, as `--train-limit` was called in the first release, and say
    so.
    """
    if value is not None:
        warn("--limit is now --train-limit")
        ctx.params["train_limit"] = value


def _day(
    ctx: click.Context, option: click.Parameter, value: datetime.datetime | None
) -> datetime.date | None:
    return value.date() if value else None


OPTIONS = [
    click.argument("recipe", shell_complete=completion.recipes),
    click.option(
        "--task",
        shell_complete=completion.tasks,
        help="A task's name; see `localfair tasks list`.",
    ),
    click.option(
        "--data",
        type=click.Path(path_type=Path),
        help="The task's files, as their authors publish them.",
    ),
    click.option(
        "--student",
        shell_complete=completion.models,
        help="Who learns: a card's name, a .gguf file or a folder of safetensors.",
    ),
    click.option(
        "--teacher",
        "teachers",
        multiple=True,
        shell_complete=completion.models,
        help="Who explains and reviews; repeat for each seat.",
    ),
    click.option(
        "--reviewer",
        "reviewers",
        multiple=True,
        shell_complete=completion.models,
        help="Who reviews, instead of the other teachers.",
    ),
    click.option(
        "--mentor", shell_complete=completion.models, help="A larger model of the student's family."
    ),
    click.option(
        "--db", type=click.Path(path_type=Path), default=Path("localfair.db"), show_default=True
    ),
    click.option("--train-limit", type=COUNT, help="At most N train questions."),
    click.option("--limit", type=COUNT, hidden=True, expose_value=False, callback=_renamed),
    click.option("--test-limit", type=COUNT, help="At most N test (and dev) questions."),
    click.option(
        "--seed", type=SEED, default=0, show_default=True, help="Every draw is made from it."
    ),
    click.option(
        "--date",
        metavar="YYYY-MM-DD",
        type=click.DateTime(["%Y-%m-%d"]),
        callback=_day,
        help="The day that dated chat templates write. Default: the record's, or today.",
    ),
    click.option(
        "--set",
        "settings",
        multiple=True,
        metavar="STEP.KEY=VALUE",
        help="Change one number of the recipe.",
    ),
    click.option(
        "--engine",
        shell_complete=completion.engines,
        help=f"The teachers' engine: {ENGINE_NAMES}. Default: the usual one of each model.",
    ),
    click.option(
        "--student-engine",
        shell_complete=completion.engines,
        help=f"The student's engine in every exam. Default: {training_engine().name}.",
    ),
    click.option(
        "--precision",
        type=click.Choice(["bf16", "nf4", "fp32"]),
        default=usual_precision,
        show_default="bf16, or fp32 where the processor is slow at it",
        help="The student's base in every exam.",
    ),
    click.option(
        "--batch",
        type=BATCH,
        default=16,
        show_default=True,
        help="Sequences decoded at once.",
    ),
    click.option("--threads", type=THREADS, help="Of the processor. Default: one for each core."),
    click.option(
        "--max-failed",
        type=Share(),
        metavar="SHARE",
        help="Stop a step when more than this share of its calls fails, and more than 3 (with 0: "
        "at the first). Default: 0.1.",
    ),
    click.option(
        "--licences",
        type=click.Choice(["warn", "refuse"]),
        default="warn",
        show_default=True,
        envvar="LOCALFAIR_LICENCES",
        help="Where a teacher's terms forbid to train others on its replies.",
    ),
    click.option(
        "--fetch",
        is_flag=True,
        help="Allow the network once, to fetch the weights that are missing.",
    ),
    click.option("--json", "as_json", is_flag=True, help="JSON on stdout."),
]
# of the commands that run something and show how it goes on
QUIET = click.option(
    "--quiet", is_flag=True, help="Nothing while it goes on; with --json neither events on stderr."
)

TRACK = click.option(
    "--track",
    type=(click.Choice(["tensorboard", "trackio"]), click.Path(path_type=Path)),
    metavar="tensorboard|trackio DIR",
    help="Write loss, rates and exam results into a folder for one of these as well.",
)
# of the commands that ask models: where they are asked
RAY = [
    click.option(
        "--ray",
        metavar="HOST:PORT",
        help="Ask the models on a Ray cluster that this machine is a node of "
        "(localfair/committee/README.md). Default: here.",
    ),
    click.option(
        "--replicas",
        type=COUNT,
        help="With --ray: at most N of each model. Default: as many as its work fills.",
    ),
    click.option(
        "--train-workers",
        type=COUNT,
        help="With --ray: share each training step among N of its workers. Default: train here.",
    ),
]

EPILOG = """\b
Examples:
  localfair {name} quickstart --fetch
  localfair {name} fair --task svamp --data SVAMP.json --student smollm2-135m-instruct \\
      --teacher qwen2.5-coder-1.5b-instruct --teacher qwen2.5-coder-0.5b-instruct --train-limit 100
  localfair {name} fair --set review.of='["rationale"]' ...      the paper's way"""


def command(name: str, text: str) -> Callable[[Callable[..., None]], click.Command]:
    """A command with all of `run`'s options."""

    def decorate(function: Callable[..., None]) -> click.Command:
        for option in reversed(OPTIONS):
            function = option(function)
        return click.command(name, help=text, epilog=EPILOG.format(name=name))(function)

    return decorate


@command(
    "run", "Run RECIPE from its first step to its last; what the record holds is not asked again."
)
@QUIET
@TRACK
@RAY[0]
@RAY[1]
@RAY[2]
def run(**options: Any) -> None:
    _run(None, options)


def _stage(name: str, text: str, *more: Callable[..., Any]) -> click.Command:
    def stage(step: str | None, **options: Any) -> None:
        _run((name, step), options)

    for option in (
        click.option(
            "--step", help="Which step of that stage, by its id; the first when left out."
        ),
        QUIET,
        TRACK,
        *RAY,
        *more,
    ):
        stage = option(stage)
    return command(name, f"Run RECIPE up to {text}; what the record holds is not asked again.")(
        stage
    )


exam = _stage("exam", "an exam")
inquire = _stage("inquire", "the teachers' explanations")
review = _stage("review", "the reviews and verdicts")
select = _stage("select", "the lessons")
soften = _stage("soften", "the mentor's soft labels")
train = _stage(
    "train",
    "the adapter",
    click.option(
        "--preview",
        is_flag=True,
        help="Show a lesson of each kind, what it teaches marked; train nothing.",
    ),
)


def _run(until: tuple[str, str | None] | None, options: dict[str, Any]) -> None:
    """Do the command: `until` is the stage to stop after and, where one is named, the step of
    it.
    """
    from localfair.cli.show import print_report, say
    from localfair.cli.tracking import Tracker
    from localfair.cli.watching import RunWatch, form_of
    from localfair.pipeline.orders import RunOptions, fetch_missing, order, step_of
    from localfair.pipeline.runs import preview

    fetch = options.pop("fetch")
    as_json = options.pop("as_json")
    only_preview = options.pop("preview", False)
    form = form_of(quiet=options.pop("quiet"), as_json=as_json)
    track = options.pop("track")
    recipe = options.pop("recipe")
    ordered = order(recipe, RunOptions(**options))
    if fetch:
        fetch_missing(ordered, say)
    last = step_of(ordered.recipe, *until) if until else None
    tracker = Tracker(*track) if track else None
    with RunWatch(ordered.db, form, last, tracker) as watch:
        if only_preview and last:
            lessons = preview(ordered, last, say=watch.say, progress=watch.progress)
        else:
            run_id, failed = _finished(ordered, last, watch)
    if only_preview:
        echo_text("\n".join(lessons))
        return
    print_report(ordered.db, run_id, as_json=as_json)
    if failed is not None:
        raise failed


def _finished(
    order: Order, until: str | None, watch: RunWatch
) -> tuple[str | None, CallsFailed | None]:
    """Do the run: its id, and what is to be raised once its report is printed."""
    from localfair.pipeline.runs import run

    try:
        run_id = run(
            order, until=until, say=watch.say, progress=watch.progress, listen=watch.listen
        )
    except CallsFailed as error:
        return error.run, error
    return run_id, None
