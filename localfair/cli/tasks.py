"""`localfair tasks`: list the tasks, show one, import its questions.

Data to stdout, the rest to stderr.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from localfair.cli import completion
from localfair.cli.numbers import COUNT, SEED
from localfair.errors import BadDataset, UsageError, nearest
from localfair.machine.terminal import echo, echo_text, warn
from localfair.tasks import all_tasks, get_task, table_task
from localfair.tasks.base import Dataset, Task, split_questions
from localfair.tasks.golds import ANSWER_KINDS, question_kind

if TYPE_CHECKING:
    from localfair.record.store import Store

FEW = 50  # questions of a test or dev split, below which an import warns (ours)


@click.group(
    epilog="\b\nExamples:\n  localfair tasks show svamp SVAMP.json\n"
    "  localfair tasks import table mine.csv --as mine --db localfair.db"
)
def tasks() -> None:
    """The benchmarks, generated tasks and your own tables."""


@tasks.command("list")
@click.option(
    "--db", type=click.Path(path_type=Path), help="A database, to list its imported tables too."
)
def list_tasks(db: Path | None) -> None:
    """Every task: name, kind of answer, where its questions come from."""
    for task in all_tasks():
        echo(f"{task.name:18}{task.answer_kind:10}{_origin(task)}")
    if db is not None:
        _list_imported(db)


def _list_imported(db: Path) -> None:
    """What a database holds: tables under their own names, and how many questions of a split."""
    from localfair.record.store import Store

    shipped = {task.name for task in all_tasks()}
    with Store.open(db) as store:
        for name in store.tasks():
            counts = [
                f"{split} {len(store.questions(name, split))}" for split in ("train", "dev", "test")
            ]
            origin = "imported" if name in shipped else "a table of your own"
            echo(f"{name:18}{'any':10}{origin}: {', '.join(counts)}")


@tasks.command()
@click.argument("name", shell_complete=completion.shipped_tasks)
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("--seed", type=SEED, default=0, show_default=True, help="Seed of a generated task.")
def show(name: str, path: Path | None, seed: int) -> None:
    """Licence, source, splits and one example of NAME.

    A published task needs the PATH of its files.
    """
    task = get_task(name)
    echo(f"name: {task.name}")
    echo(f"answer: {task.answer_kind}")
    echo(f"licence: {task.licence}")
    echo(f"source: {task.public_source}")
    echo(f"answer format: {task.answer_format()}")
    if path:
        _show_questions(task, task.read(path))
    elif task.generated:
        _show_questions(task, task.generate(seed=seed))
    else:
        echo(f"splits and an example: localfair tasks show {name} PATH", err=True)


@tasks.command(
    "import",
    epilog="\b\nExamples:\n"
    "  localfair tasks import svamp SVAMP.json\n"
    "  localfair tasks import table mine.csv --as mine\n"
    "  localfair tasks import table train.jsonl dev.jsonl test.jsonl --as mine\n"
    "  localfair tasks import table folder/ --question-column data.question --as mine\n"
    "  localfair tasks import reasoning-gym chain_sum --size 500 --as sums",
)
@click.argument("name", shell_complete=completion.shipped_tasks)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--db",
    type=click.Path(path_type=Path),
    default=Path("localfair.db"),
    show_default=True,
    help="Database to write to; made if missing.",
)
@click.option("--as", "stored_as", help="Name to store a table under.")
@click.option(
    "--question-column",
    default="question",
    show_default=True,
    help="Table: the column of questions, in any case; `a.b` is b inside a.",
)
@click.option(
    "--answer-column",
    default="answer",
    show_default=True,
    help="Table: the column of answers; `a.0` is the first of the list a.",
)
@click.option("--choices-column", help="Table: the column of choices (in CSV, apart by |).")
@click.option("--split-column", help="Table: the column that says train, dev or test.")
@click.option(
    "--rationale-column",
    help="Table: the column of reasoning, one text or a list; the first that is right is kept.",
)
@click.option(
    "--answer-kind",
    type=click.Choice(ANSWER_KINDS),
    help="Table: what every answer is (number: `12 km` is 12); left out, the answers show it.",
)
@click.option("--strict", is_flag=True, help="Refuse faulty rows instead of leaving them out.")
@click.option("--size", type=COUNT, default=500, show_default=True, help="reasoning-gym: how many.")
@click.option("--seed", type=SEED, default=0, show_default=True, help="Seed of a generated task.")
def import_task(name: str, paths: tuple[Path, ...], db: Path, **options: Any) -> None:
    """Store the questions of NAME, read from PATHS or generated, in a database.

    A published task has one path, a file or a folder. A table may have several files, or a folder:
    what their names say to be train, dev and test keeps its split. Tables are .csv, .tsv, .jsonl,
    .json, each also as .gz, and .xlsx or .parquet with the extra `data`. For reasoning-gym PATHS is
    a generator's name.
    """
    from localfair.record.store import Store

    task, dataset = _read(name, paths, options)
    if options["strict"] and dataset.skipped:
        raise BadDataset(
            f"{dataset.skipped[0]} ({len(dataset.skipped)} in all)", "leave --strict out"
        )
    with Store.open(db, create=True) as store:
        _refuse_other_kinds(store, task, dataset)
        new = store.ensure_dataset(task, dataset)
    echo(f"{task}: {_counts(dataset)}, {new} new")
    _show_notes(dataset)


def _read(name: str, paths: tuple[Path, ...], options: dict[str, Any]) -> tuple[str, Dataset]:
    """The name to store questions under, and the questions that a command line wants."""
    stored_as: str | None = options["stored_as"]
    if name == "table":
        if not paths:
            raise UsageError("a table needs its file", "localfair tasks import table FILE")
        table = table_task(
            stored_as,
            question=options["question_column"],
            answer=options["answer_column"],
            choices=options["choices_column"],
            split=options["split_column"],
            gold_kind=options["answer_kind"],
        )
        table = replace(table, rationale=options["rationale_column"], strict=options["strict"])
        return table.name, table.read_files(paths)
    if options["answer_kind"]:
        raise UsageError(
            f"--answer-kind is for a table, and {name!r} knows its answers", "leave it out"
        )
    if len(paths) > 1:
        raise UsageError(f"{name!r} is read from one path", "give the folder of its files")
    if name == "reasoning-gym":
        from localfair.tasks.gym import generated, generators

        if not paths:
            raise UsageError("reasoning-gym needs a generator's name", nearest("", generators()))
        stored = table_task(stored_as or str(paths[0])).name
        size, seed = options["size"], options["seed"]
        return stored, generated(str(paths[0]), stored, size=size, seed=seed)
    if stored_as:
        raise UsageError(
            f"--as renames a table, and {name!r} is a task of its own", "import it as 'table'"
        )
    task = get_task(name)
    return task.name, task.read(paths[0]) if paths else task.generate(seed=options["seed"])


def _origin(task: Task) -> str:
    return "generated" if task.generated else task.public_source


def _counts(dataset: Dataset) -> str:
    by_split = split_questions(dataset.questions)
    return ", ".join(f"{split} {len(questions)}" for split, questions in by_split.items())


def _refuse_other_kinds(store: Store, task: str, dataset: Dataset) -> None:
    """Raises UsageError when a question is stored already and its answer is of another kind."""
    stored = store.questions_by_id([question.id for question in dataset.questions])
    changed = 0
    for question in dataset.questions:
        earlier = stored.get(question.id)
        if earlier and question_kind(earlier) != question_kind(question):
            changed += 1
    if changed:
        raise UsageError(
            f"{task}: {changed} of the questions are stored with another kind of answer",
            "store them under another name with --as",
        )


def _show_notes(dataset: Dataset) -> None:
    """How the answers were read; advice, warnings and what was left out go to stderr."""
    answers, *advice = dataset.notes or ("",)
    if answers:
        echo(answers)
    for line in advice:
        echo(f"hint: {line}", err=True)
    for line in (*dataset.warnings, dataset.skipped_told, *_small_splits(dataset)):
        if line:
            warn(line)


def _small_splits(dataset: Dataset) -> Iterator[str]:
    for split, questions in split_questions(dataset.questions).items():
        if split != "train" and 0 < len(questions) < FEW:
            count = "1 question" if len(questions) == 1 else f"{len(questions)} questions"
            yield f"{split} has {count}: so few show only large differences"


def _show_questions(task: Task, dataset: Dataset) -> None:
    example = dataset.questions[0]
    echo(f"splits: {_counts(dataset)}")
    _show_notes(dataset)
    echo("")
    echo_text(f"{task.prompt(example)}\n")
    echo(f"answer: {example.gold}")
    if example.rationale:
        echo_text(f"rationale: {example.rationale}")
