"""`localfair export`: a run's student, its lessons, its task and its card, in the forms that other
programs read.

Parses, calls one function of `export/`, prints where the export is.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from localfair.cli.numbers import COUNT
from localfair.machine.terminal import echo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from localfair.export.once import Destination
    from localfair.export.student import TrainedStudent
    from localfair.export.trainers import Form
    from localfair.export.weights import Exported
    from localfair.record.nouns import Split
    from localfair.record.store import Store

EPILOG = """\b
Examples:
  localfair export gguf --type q8_0
  localfair export lessons --as prompt-completion --out mine"""

run_option = click.option(
    "--run", help="The run's id, or its beginning; the newest that made it when left out."
)
db_option = click.option(
    "--db", type=click.Path(path_type=Path), default=Path("localfair.db"), show_default=True
)
no_parity_option = click.option(
    "--no-parity",
    is_flag=True,
    help="Leave out the exam that compares it with the trained student.",
)
parity_limit_option = click.option(
    "--parity-limit",
    type=COUNT,
    default=32,
    show_default=True,
    help="At most N questions: of dev, else of train that no lesson came from.",
)


def into_option(command: Callable[..., None]) -> Callable[..., None]:
    """`--out` and `--force`, which reach the command as one Destination, `into`."""

    @wraps(command)
    def with_destination(out: Path, force: bool, **others: Any) -> None:
        from localfair.export.once import Destination

        command(into=Destination(out, force), **others)

    with_force = click.option(
        "--force", is_flag=True, help="Replace what stands there; else nothing is overwritten."
    )(with_destination)
    return click.option(
        "--out",
        type=click.Path(path_type=Path),
        default=Path("exports"),
        show_default=True,
        help="The folder to write into.",
    )(with_force)


@click.group(epilog=EPILOG)
def export() -> None:
    """What a run made: adapter, merged weights, GGUF, lessons, task, model card.

    Names carry student, recipe and run. The same again is not made again.
    """


@export.command("adapter")
@run_option
@db_option
@into_option
def adapter(run: str | None, db: Path, into: Destination) -> None:
    """The LoRA adapter as a PEFT folder: tokenizer, template, its base's name and hash."""
    from localfair.export.weights import export_adapter

    with _student(db, run) as (store, student):
        exported = export_adapter(store, student, into)
    _print(exported)


@export.command("merged")
@run_option
@db_option
@into_option
@no_parity_option
@parity_limit_option
def merged(
    run: str | None, db: Path, into: Destination, no_parity: bool, parity_limit: int
) -> None:
    """The adapter merged into its 16-bit base: a folder of safetensors."""
    from localfair.cli.show import Watch
    from localfair.export.weights import export_merged

    limit = 0 if no_parity else parity_limit
    with _student(db, run) as (store, student), Watch() as watch:
        exported = export_merged(store, student, into, limit, watch.progress)
    _print(exported)


@export.command("gguf")
@run_option
@db_option
@into_option
@no_parity_option
@parity_limit_option
@click.option(
    "--type",
    "format",
    type=click.Choice(["f16", "bf16", "q8_0", "lora"]),
    default="q8_0",
    show_default=True,
    help="How weights are stored; lora: the adapter alone, for the base's GGUF.",
)
def gguf(
    run: str | None,
    db: Path,
    into: Destination,
    no_parity: bool,
    parity_limit: int,
    format: str,
) -> None:
    """The merged student as one GGUF file for llama.cpp, its Modelfile and USAGE.md beside it.

    Folders are those of LM Studio: publisher, model, file.
    """
    from localfair.cli.show import Watch
    from localfair.export.weights import export_gguf

    limit = 0 if no_parity else parity_limit
    with _student(db, run) as (store, student), Watch() as watch:
        exported = export_gguf(store, student, format, into, limit, watch.progress)
    _print(exported)


@export.command("lessons")
@run_option
@db_option
@into_option
@click.option(
    "--as",
    "form",
    type=click.Choice(["messages", "prompt-completion", "dataset"]),
    default="messages",
    show_default=True,
    help="Chats; prompt and completion apart, as TRL wants them; or parquet with a card.",
)
def lessons(run: str | None, db: Path, into: Destination, form: Form) -> None:
    """The lessons for TRL, Axolotl, LLaMA-Factory or Unsloth, with their weights.

    README.md beside them says how each trainer learns the replies alone.
    """
    from localfair.cli.show import taken
    from localfair.export.lessons import write
    from localfair.record.resolving import Wanted
    from localfair.record.store import Store

    with Store.open(db) as store:
        path = write(store, taken(store, run, Wanted.LESSONS), form, into)
    echo(path)


@export.command("task")
@run_option
@db_option
@into_option
@click.option(
    "--split",
    type=click.Choice(["train", "dev", "test"]),
    default="test",
    show_default=True,
    help="The questions to ask.",
)
@click.option("--limit", type=COUNT, help="At most N questions.")
def task(run: str | None, db: Path, into: Destination, split: Split, limit: int | None) -> None:
    """The run's questions as a task for lm-evaluation-harness, in the exam's words."""
    from localfair.export.harness import Asked, write

    with _student(db, run) as (store, student):
        path = write(store, student, Asked(split, limit), into)
    echo(path)


@export.command("card")
@run_option
@db_option
@into_option
def card(run: str | None, db: Path, into: Destination) -> None:
    """A model card, README.md, in Hugging Face's form.

    It holds base, recipe, teachers and their terms, lessons, results.
    """
    from localfair.cli.show import taken
    from localfair.export.card import write
    from localfair.machine.workspace import workspace_dir
    from localfair.record.resolving import Wanted
    from localfair.record.store import Store

    with Store.open(db) as store:
        path = write(store, taken(store, run, Wanted.STUDENT), workspace_dir(), into)
    echo(path)


@contextmanager
def _student(db: Path, run: str | None) -> Iterator[tuple[Store, TrainedStudent]]:
    """The database as its only writer, and the student that the run trained."""
    from localfair.cli.show import taken
    from localfair.export.student import trained_student
    from localfair.machine.workspace import workspace_dir
    from localfair.record.resolving import Wanted
    from localfair.record.store import Store

    # Opened for reading first: a database that is not there is refused, never made.
    Store.open(db).__exit__()
    with Store.open(db, create=True) as store:
        run_id = taken(store, run, Wanted.STUDENT)
        yield store, trained_student(store, run_id, workspace_dir())


def _print(exported: Exported) -> None:
    """Where the export is, what it hashes to, and how it compares with the trained student."""
    export = exported.export
    line = f"{export.path}  sha256:{export.sha256}  {export.bytes} bytes"
    if not export.is_new:
        line += ", as before"
    echo(line)
    if exported.parity is not None:
        echo(str(exported.parity))
