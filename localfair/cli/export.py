"""`localfair export`: a run's student, its lessons and its card, in the forms that other programs read."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from localfair.export.student import Trained
    from localfair.export.weights import Done
    from localfair.record.store import Store

OPTIONS = [
    click.option("--run", help="The run's id; the newest when left out."),
    click.option("--db", type=click.Path(path_type=Path), default=Path("localfair.db"), show_default=True),
    click.option("--out", type=click.Path(path_type=Path), default=Path("exports"), show_default=True,
                 help="The folder to write into."),
]  # fmt: skip
PARITY = [
    click.option("--no-parity", is_flag=True, help="Leave out the exam that compares it with the trained student."),
    click.option("--parity-limit", type=click.IntRange(1), default=32, show_default=True,
                 help="At most N questions: of dev, else of train that no lesson came from."),
]  # fmt: skip


@click.group(
    epilog="\b\nExamples:\n  localfair export gguf --type q8_0\n  localfair export lessons --out mine"
)
def export() -> None:
    """What a run made: adapter, merged weights, GGUF, lessons, model card. The same again is not made again."""


def _with(*options: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


@export.command("adapter")
@_with(*OPTIONS)
def adapter(run: str | None, db: Path, out: Path) -> None:
    """The LoRA adapter as a PEFT folder, its base's name and hash beside it."""
    from localfair.export.weights import export_adapter

    with _student(db, run) as (store, student):
        _print(export_adapter(store, student, out))


@export.command("merged")
@_with(*OPTIONS, *PARITY)
def merged(run: str | None, db: Path, out: Path, no_parity: bool, parity_limit: int) -> None:
    """The adapter merged into its 16-bit base: a folder of safetensors."""
    from localfair.cli.show import Watch
    from localfair.export.weights import export_merged

    with _student(db, run) as (store, student), Watch() as watch:
        _print(export_merged(store, student, out, 0 if no_parity else parity_limit, watch.progress))


@export.command("gguf")
@_with(*OPTIONS, *PARITY)
@click.option("--type", "kind", type=click.Choice(["f16", "bf16", "q8_0", "lora"]), default="q8_0", show_default=True,
              help="How weights are stored; lora: the adapter alone, for the base's GGUF.")  # fmt: skip
def gguf(
    run: str | None, db: Path, out: Path, no_parity: bool, parity_limit: int, kind: str
) -> None:
    """The merged student as one GGUF file for llama.cpp."""
    from localfair.cli.show import Watch
    from localfair.export.weights import export_gguf

    with _student(db, run) as (store, student), Watch() as watch:
        _print(
            export_gguf(store, student, kind, out, 0 if no_parity else parity_limit, watch.progress)
        )


@export.command("lessons")
@_with(*OPTIONS)
def lessons(run: str | None, db: Path, out: Path) -> None:
    """The lessons as JSON lines of chat messages, for TRL, Axolotl, LLaMA-Factory or Unsloth."""
    from localfair.export.lessons import write

    with _store(db) as store:
        click.echo(str(write(store, run, out)))


@export.command("card")
@_with(*OPTIONS)
def card(run: str | None, db: Path, out: Path) -> None:
    """A model card, README.md, in Hugging Face's form: base, recipe, teachers and their terms, lessons, results."""
    from localfair.export.card import write
    from localfair.machine.workspace import workspace_dir

    with _store(db) as store:
        click.echo(str(write(store, run, workspace_dir(), out)))


@contextmanager
def _store(db: Path) -> Iterator[Store]:
    from localfair.record.store import Store

    with Store.open(db) as store:
        yield store


@contextmanager
def _student(db: Path, run: str | None) -> Iterator[tuple[Store, Trained]]:
    """The database as its only writer, and the student that the run trained."""
    from localfair.export.student import trained
    from localfair.machine.workspace import workspace_dir
    from localfair.record.store import Store

    with _store(db):  # it is there: exporting makes no database
        pass
    with Store.open(db, create=True) as store:
        yield store, trained(store, run, workspace_dir())


def _print(done: Done) -> None:
    """Where it is, what it hashes to, and how it compares."""
    export = done.export
    click.echo(
        f"{export.path}  sha256:{export.sha256}  {export.bytes} bytes{'' if export.made else ', as before'}"
    )
    if done.parity:
        click.echo(str(done.parity))
