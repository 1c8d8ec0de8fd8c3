"""`localfair tasks`: list the tasks, show one, import its questions.

Data to stdout, the rest to stderr.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from localfair.cli.numbers import SEED
from localfair.errors import UsageError
from localfair.machine.terminal import echo, echo_text
from localfair.tasks import all_tasks, get_task, table_task
from localfair.tasks.base import Dataset, Task, split_questions
from localfair.tasks.golds import ANSWER_KINDS, question_kind
from localfair.tasks.grading import AnswerKind

if TYPE_CHECKING:
    from localfair.record.store import Store


@click.group(
    epilog="\b\nExamples:\n  localfair tasks show svamp SVAMP.json\n"
    "  localfair tasks import table mine.csv --as mine --db localfair.db"
)
def tasks() -> None:
    """The benchmarks, generated tasks and your own tables."""


@tasks.command("list")
def list_tasks() -> None:
    """Every task: name, kind of answer, where its questions come from."""
    for task in all_tasks():
        echo(f"{task.name:18}{task.answer_kind:10}{_origin(task)}")


@tasks.command()
@click.argument("name")
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


@tasks.command("import")
@click.argument("name")
@click.argument("path", required=False, type=click.Path(path_type=Path))
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
    help="Table: the column of questions.",
)
@click.option(
    "--answer-column", default="answer", show_default=True, help="Table: the column of answers."
)
@click.option("--choices-column", help="Table: the column of choices (in CSV, apart by |).")
@click.option("--split-column", help="Table: the column that says train, dev or test.")
@click.option(
    "--answer-kind",
    type=click.Choice(ANSWER_KINDS),
    help="Table: what every answer is; left out, the answers show it.",
)
@click.option("--seed", type=SEED, default=0, show_default=True, help="Seed of a generated task.")
def import_task(
    name: str,
    path: Path | None,
    db: Path,
    stored_as: str | None,
    question_column: str,
    answer_column: str,
    choices_column: str | None,
    split_column: str | None,
    answer_kind: AnswerKind | None,
    seed: int,
) -> None:
    """Store the questions of NAME, read from PATH (a file or a folder) or generated, in a
    database.
    """
    from localfair.record.store import Store

    task: Task
    if name == "table":
        task = table_task(
            stored_as,
            question=question_column,
            answer=answer_column,
            choices=choices_column,
            split=split_column,
            gold_kind=answer_kind,
        )
    else:
        task = get_task(name)
    if stored_as and name != "table":
        raise UsageError(
            f"--as renames a table, and {name!r} is a task of its own", "import it as 'table'"
        )
    if answer_kind and name != "table":
        raise UsageError(
            f"--answer-kind is for a table, and {name!r} knows its answers", "leave it out"
        )
    dataset = task.read(path) if path else task.generate(seed=seed)
    with Store.open(db, create=True) as store:
        _refuse_other_kinds(store, task.name, dataset)
        new = store.ensure_dataset(task.name, dataset)
    echo(f"{task.name}: {_counts(dataset)}, {new} new")
    _show_notes(dataset)


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
    """How the answers were read; advice goes to stderr."""
    answers, *advice = dataset.notes or ("",)
    if answers:
        echo(answers)
    for line in advice:
        echo(f"hint: {line}", err=True)


def _show_questions(task: Task, dataset: Dataset) -> None:
    example = dataset.questions[0]
    echo(f"splits: {_counts(dataset)}")
    _show_notes(dataset)
    echo("")
    echo_text(f"{task.prompt(example)}\n")
    echo(f"answer: {example.gold}")
    if example.rationale:
        echo_text(f"rationale: {example.rationale}")
