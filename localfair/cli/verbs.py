"""The verbs of the command line, for Python: `import localfair` offers them.

Each does what the command of its name does, and gives what that command prints as an object. Before
anything is loaded the network is switched off for the whole process, unless `offline=False`. Raises
LocalfairError, whose message and hint are what the command line would print.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from localfair.cli.export_verbs import (
    export_adapter,
    export_card,
    export_gguf,
    export_lessons,
    export_merged,
    export_task,
)
from localfair.export.names import Destination
from localfair.machine.offline import go_offline
from localfair.pipeline.equal import NO_BUDGET, Equal
from localfair.pipeline.orders import RunOptions

if TYPE_CHECKING:
    from localfair.engines import Engine
    from localfair.pipeline.compare import Comparison
    from localfair.pipeline.plan import Planned
    from localfair.record.rates import Rate
    from localfair.report.findings import Findings
    from localfair.tasks.base import Dataset
    from localfair.tasks.table import Table

__all__ = [
    "Destination",
    "Equal",
    "RunOptions",
    "ask",
    "bench",
    "compare",
    "exam",
    "export_adapter",
    "export_card",
    "export_gguf",
    "export_lessons",
    "export_merged",
    "export_task",
    "findings",
    "grade",
    "import_table",
    "inquire",
    "load",
    "plan",
    "review",
    "run",
    "select",
    "soften",
    "train",
]

Say = Callable[[str], None]
USUAL = RunOptions()
DB = Path("localfair.db")


def quiet(line: str) -> None:
    """Take a line of progress and say nothing."""


def run(
    recipe: str, options: RunOptions = USUAL, *, offline: bool = True, say: Say = quiet
) -> Findings:
    """Run a recipe from its first step to its last; what it found.

    What the record holds is not asked again. Raises CallsFailed when the run came to its end and
    calls had failed; `findings` tells what it found all the same.
    """
    return _run(recipe, None, None, options, offline, say)


def exam(
    recipe: str,
    options: RunOptions = USUAL,
    *,
    step: str | None = None,
    offline: bool = True,
    say: Say = quiet,
) -> Findings:
    """Run a recipe up to an exam: the step of that id, or the first one."""
    return _run(recipe, "exam", step, options, offline, say)


def inquire(
    recipe: str,
    options: RunOptions = USUAL,
    *,
    step: str | None = None,
    offline: bool = True,
    say: Say = quiet,
) -> Findings:
    """Run a recipe up to the teachers' explanations."""
    return _run(recipe, "inquire", step, options, offline, say)


def review(
    recipe: str,
    options: RunOptions = USUAL,
    *,
    step: str | None = None,
    offline: bool = True,
    say: Say = quiet,
) -> Findings:
    """Run a recipe up to the verdicts."""
    return _run(recipe, "review", step, options, offline, say)


def select(
    recipe: str,
    options: RunOptions = USUAL,
    *,
    step: str | None = None,
    offline: bool = True,
    say: Say = quiet,
) -> Findings:
    """Run a recipe up to the lessons."""
    return _run(recipe, "select", step, options, offline, say)


def soften(
    recipe: str,
    options: RunOptions = USUAL,
    *,
    step: str | None = None,
    offline: bool = True,
    say: Say = quiet,
) -> Findings:
    """Run a recipe up to a mentor's soft labels."""
    return _run(recipe, "soften", step, options, offline, say)


def train(
    recipe: str,
    options: RunOptions = USUAL,
    *,
    step: str | None = None,
    offline: bool = True,
    say: Say = quiet,
) -> Findings:
    """Run a recipe up to the adapter."""
    return _run(recipe, "train", step, options, offline, say)


def plan(recipe: str, options: RunOptions = USUAL, *, offline: bool = True) -> Planned:
    """What `run` would ask, load and last; nothing is started."""
    from localfair.pipeline.orders import order
    from localfair.pipeline.plan import plan as make_plan

    go_offline(wanted=offline)
    return make_plan(order(recipe, options))


def findings(db: Path | str = DB, run: str | None = None) -> Findings:
    """What `localfair report` prints: what a run found, the newest when none is named.

    (`localfair.report` is a room of the package.)
    """
    from localfair.record.store import Store
    from localfair.report.findings import find_run
    from localfair.report.findings import report as findings_of

    with Store.open(Path(db)) as store:
        return findings_of(store, find_run(store, run).id)


def compare(
    variants: Sequence[str],
    options: RunOptions = USUAL,
    *,
    seeds: Sequence[int] = (0,),
    equal: Equal = NO_BUDGET,
    offline: bool = True,
    say: Say = quiet,
) -> Comparison:
    """Run every variant on the same questions, student and seeds, and compare them by question.

    A variant is a recipe, or a recipe and its `--set` as on the command line; `untrained` and
    `format-only` are variants by name. equal: how many teacher tokens, teacher FLOPs or lessons each
    gets, and the split of the exams; without it each takes the same train questions.
    """
    from localfair.pipeline.compare import ask as prepare
    from localfair.pipeline.compare import compare as run_and_compare

    go_offline(wanted=offline)
    asked = prepare(variants, seeds, options, equal)
    return run_and_compare(asked, say=say, progress=_no_progress)


def bench(
    model: str,
    *,
    engines: Sequence[str] = (),
    batches: Sequence[int] = (1, 4, 8, 16),
    db: Path | str = DB,
    offline: bool = True,
    say: Say = quiet,
) -> list[Rate]:
    """Measure how fast a model reads and writes here, and how much memory it takes.

    engines: each that fits the model when left out. The rates are kept for `plan`.
    """
    from localfair.machine.workspace import workspace_dir
    from localfair.pipeline.bench import Bench
    from localfair.pipeline.bench import bench as measure

    go_offline(wanted=offline)
    what = Bench(engines=tuple(engines), batches=tuple(batches))
    return measure(model, workspace_dir(), Path(db), what, say)


def grade(task: str, sheet: Path | str) -> list[dict[str, object]]:
    """The grades of a file of answers, one `{"id", "grade", "read", "gold"}` a line, in order.

    Each line of the file is `{"id": ..., "text": "...", "gold": "..."}`.
    """
    from localfair.errors import UsageError
    from localfair.tasks import get_task
    from localfair.tasks.answer_sheet import HINT, grade_lines

    path = Path(sheet)
    known = get_task(task)
    try:
        with path.open("rb") as lines:
            return list(grade_lines(known, lines, path.name))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}", HINT) from None


def ask(
    question: str,
    *,
    db: Path | str = DB,
    run: str | None = None,
    model: str | None = None,
    engine: str | None = None,
    offline: bool = True,
) -> dict[str, str]:
    """A student's replies to a question, `before` its training and `after`, in the exam's words.

    With `model` the dict holds that model's reply alone, under its name. Nothing is recorded.
    """
    from localfair.export.conversation import Wanted, converse
    from localfair.machine.workspace import workspace_dir

    go_offline(wanted=offline)
    wanted = Wanted(db=Path(db), workspace=workspace_dir(), run=run, model=model, engine=engine)
    conversation = converse(wanted, quiet)
    replies = {}
    try:
        for side in conversation.sides:
            pieces = conversation.reply(side, question)
            replies[side.label or side.member.seat.model] = "".join(pieces)
    finally:
        conversation.close()
    return replies


def import_table(
    paths: Path | str | Sequence[Path | str],
    name: str = "table",
    *,
    db: Path | str = DB,
    table: Table | None = None,
    strict: bool = False,
) -> Dataset:
    """Store the questions of a table's files, or of a folder, under a name; what was read.

    `table` names the columns; left out they are `question` and `answer`. `strict` refuses faulty
    rows; else they are left out, and `skipped` of what was read names them.
    """
    from dataclasses import replace

    from localfair.record.store import Store
    from localfair.tasks import table_task

    given = [paths] if isinstance(paths, Path | str) else paths
    usual = table_task(name)
    chosen = replace(table or usual, name=usual.name, strict=strict)
    dataset = chosen.read_files([Path(path) for path in given])
    with Store.open(Path(db), create=True) as store:
        store.ensure_dataset(chosen.name, dataset)
    return dataset


def load(model: str, *, engine: str | None = None, batch: int = 16, offline: bool = True) -> Engine:
    """The engine of a model, by its card's name or its path; weights load at the first request.

    Whoever is done with it calls its `close`.
    """
    from localfair.committee.seating import Options, Seating
    from localfair.machine.workspace import workspace_dir

    go_offline(wanted=offline)
    seating = Seating(workspace_dir(), 0, Options(engine=engine, batch=batch))
    return seating.member("teacher", 0, model).open()


def _run(
    recipe: str,
    stage: str | None,
    step: str | None,
    options: RunOptions,
    offline: bool,
    say: Say,
) -> Findings:
    from localfair.pipeline.orders import order, step_of
    from localfair.pipeline.runs import run as do_run

    go_offline(wanted=offline)
    ordered = order(recipe, options)
    until = step_of(ordered.recipe, stage, step) if stage else None
    run_id = do_run(ordered, until=until, say=say, progress=_no_progress)
    return findings(ordered.db, run_id)


def _no_progress(done: int, total: int, label: str) -> None:
    pass
