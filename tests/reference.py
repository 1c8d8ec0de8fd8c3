"""Two pages that are made: every command's help, and the record's tables.

    python -m tests.reference           # writes localfair/cli/REFERENCE.md and localfair/record/SCHEMA.md

Reads the commands and the migrations; `test_reference.py` holds the pages equal to them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import click

from localfair.cli import COMMANDS, cli
from localfair.record.schema import MIGRATIONS, NOUNS, VERSION

LOCALFAIR = Path(__file__).resolve().parent.parent / "localfair"
COMMANDS_PAGE = LOCALFAIR / "cli" / "REFERENCE.md"
SCHEMA_PAGE = LOCALFAIR / "record" / "SCHEMA.md"
MADE = "Made by `python -m tests.reference`; do not edit."
WIDTH = 100

# what a row of each table or view is
ROWS = {
    "migrations": "A migration that was applied to this file: its version, its reason, when.",
    "secrets": "A key of this record, such as the one that makes the marks around quoted text. Keep "
    "it to yourself: who knows it can forge an end of a quote.",
    "sources": "A file that questions were read from, by name (no folder), sha256 and size.",
    "questions": "An item of a task, with its split, gold answer and its own solution, where it has one.",
    "adapters": "A trained LoRA: what it was trained on (`base`, `parent`), with what settings, how "
    "long. Its weights lie in `<name>-adapters/`.",
    "curve": "A step of a training, with its loss.",
    "seats": "A place in a committee: role, index, model, adapter. `seed` is a hash of them and the "
    "run's seed.",
    "generations": "A request to an engine and its reply, raw. The id is the hash of all that decides "
    "the reply, so that nothing is asked twice. `text` is what was said, `finish` says whether it "
    "came to its end.",
    "answers": "A seat's answer to a question, read out of a generation and graded.",
    "mistakes": "A student's answer on train that is not right.",
    "explanations": "A feedback (explains a mistake, `answer`) or a rationale (answers the question "
    "afresh, and is graded).",
    "reviews": "A seat's score, 1 to 5, of another's explanation; no score where none could be read. "
    "`same_weights`: the reviewer's weights are the author's.",
    "verdicts": "Whether an explanation was accepted, and why; by which policy and which reviews.",
    "lessons": "A training example, prompt and completion. `dropped` says why one was left out.",
    "lesson_sources": "A row that a lesson came from.",
    "adapter_lessons": "A lesson that an adapter was trained on, at its place.",
    "runs": "A run: recipe, effective settings, task, seed, versions, how it ended.",
    "run_seats": "A seat that a run had, and the engine that served it.",
    "run_steps": "A step of a run: calls made, replies taken from the record (`reused`), models "
    "loaded, and what came out (`outcome`).",
    "run_rows": "A row that a step used or made. A step that was done before has none: see `links`.",
    "rates": "How fast a model read and wrote on a machine, as `bench` measured it.",
    "soft_labels": "A mentor's top-k log-probabilities for each token of a text.",
    "exports": "A file or folder that `export` wrote.",
    "parities": "An exam that compares an export with the trained student.",
    "comparisons": "A comparison that `compare` made: what was asked for and what came out.",
    "question_history": "A view to browse: what was said about a question, in the order in which it was said.",
    "exam_rows": "A view to browse: an answer of an exam, with its question, gold answer and grade.",
    "lesson_origin": "A view to browse: a lesson with its author, the mistake and the verdict behind it.",
    "reviewer_worth": "A view to browse: a reviewer's scores of right and of wrong rationales.",
    "said": "The search index of `generations.text` (FTS5); the end of a step fills it.",
    "earlier_readings": "What a row said before `db reread` read it again.",
    "failed_calls": "A call that failed by itself, with its reason and the first bytes that came.",
    "done_steps": "A step that was done to its end. `inputs` is the hash of all that decided it; "
    "`first_run` and `first_position` name the step whose rows it refers to.",
    "links": "A row that a step used or made, whichever run did it first.",
    "imports": "A data set that was read. `id` is the hash of its files and of the source that read them.",
    "turns": "The order in which teachers are asked one after another, and what it rests on.",
    "fits": "What reviewers' votes are worth: a fit of their scores to labels.",
}


def help_page() -> str:
    """The help of every command and subcommand, in the order of `localfair --help`."""
    parts = [f"# Every command\n\n{MADE}\n"]
    root = cli.make_context("localfair", [], resilient_parsing=True)
    parts.append(_help("localfair", cli, root))
    for name in COMMANDS:
        command = cli.get_command(root, name)
        assert command is not None
        parts.extend(_helps(f"localfair {name}", command, root))
    return "\n".join(parts)


def _helps(path: str, command: click.Command, parent: click.Context) -> Iterator[str]:
    """The help of a command, then of those in it."""
    context = click.Context(command, parent, info_name=path.split()[-1])
    yield _help(path, command, context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            yield from _helps(f"{path} {name}", command.commands[name], context)


def _help(path: str, command: click.Command, context: click.Context) -> str:
    context.terminal_width = WIDTH
    return f"## {path}\n\n```\n{command.get_help(context).rstrip()}\n```\n"


def schema_page() -> str:
    """Every table and view of the newest schema: what a row is, and its columns."""
    record = sqlite3.connect(":memory:")
    for _, sql in MIGRATIONS:
        record.executescript(sql)
    nouns = {table: noun for noun, table in NOUNS.items()}
    parts = [
        f"# The record's tables, version {VERSION}\n\n{MADE} What holds of all of them stands in "
        "[README.md](README.md).\n\nIds begin with `b2:` and are hashes of what a row holds. `seal` is "
        "the hash of all cells of a row, `reader` the version of the reader that read it. Lists and "
        "objects are JSON.\n"
    ]
    for name, kind in _tables(record):
        parts.append(_table(record, name, kind, nouns.get(name)))
    parts.append("## Migrations\n\n| version | reason |\n|--:|---|")
    parts.extend(f"| {number} | {reason} |" for number, (reason, _) in enumerate(MIGRATIONS, 1))
    return "\n".join(parts) + "\n"


def _tables(record: sqlite3.Connection) -> list[tuple[str, str]]:
    """Name and type of each table and view, in the order in which they were made.

    The tables that a search index keeps its own data in are left out.
    """
    rows = record.execute(
        "SELECT m.name, l.type FROM sqlite_master m JOIN pragma_table_list l ON l.name = m.name "
        "WHERE l.schema = 'main' AND l.type <> 'shadow' AND m.name NOT LIKE 'sqlite_%' "
        "ORDER BY m.rowid"
    )
    return rows.fetchall()


def _table(record: sqlite3.Connection, name: str, kind: str, noun: str | None) -> str:
    assert name in ROWS, f"say in tests/reference.py what a row of {name} is"
    called = f" Called `{noun}` in links." if noun else ""
    view = " A view." if kind == "view" else ""
    links = {}
    for _, _, table, column, target, *_ in record.execute(f"PRAGMA foreign_key_list({name})"):
        links.setdefault(column, f"`{table}.{target}`")
    lines = [
        f"## {name}\n",
        f"{ROWS[name]}{view}{called}\n",
        "| column | type | |",
        "|---|---|---|",
    ]
    for _, column, type_, required, _, key in record.execute(f"PRAGMA table_info({name})"):
        remarks = ["key"] if key else []
        if not required and not key and kind == "table":
            remarks.append("may be empty")
        if column in links:
            remarks.append(f"names {links[column]}")
        lines.append(f"| `{column}` | {type_.lower()} | {', '.join(remarks)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write both pages."""
    COMMANDS_PAGE.write_text(help_page())
    SCHEMA_PAGE.write_text(schema_page())


if __name__ == "__main__":
    main()
