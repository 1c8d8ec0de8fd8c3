"""`localfair show`: resolve an id, ask `report.tree`, draw the tree."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from localfair.machine.terminal import echo, echo_json

if TYPE_CHECKING:
    from localfair.report.tree import Node

NOUNS = (
    "question",
    "answer",
    "explanation",
    "review",
    "verdict",
    "lesson",
    "adapter",
    "generation",
    "run",
)
SHORT = 160  # letters of a text that are shown without --full


@click.command(
    epilog="\b\nExamples:\n  localfair show 3f2a91\n  localfair show b2:3f2a91 --full\n"
    "  localfair show 3f2a91 --json"
)
@click.argument("row", metavar="ID")
@click.option(
    "--db", type=click.Path(path_type=Path), default=Path("localfair.db"), show_default=True
)
@click.option("--full", is_flag=True, help="Whole texts and whole ids.")
@click.option("--json", "as_json", is_flag=True, help="The tree as JSON.")
def show(row: str, db: Path, full: bool, as_json: bool) -> None:
    """Show the history of one question, answer, explanation, review, verdict, lesson, adapter or
    generation as a tree.

    ID is the row's id or its beginning. A question's history is all that was ever said about it;
    another row's is what led to it and what came of it.
    """
    from localfair.cli.show import print_report
    from localfair.record.resolving import resolve
    from localfair.record.store import Store
    from localfair.report.tree import tree_of

    with Store.open(db) as store:
        named = resolve(store, row, NOUNS)
        tree = None if named.noun == "run" else tree_of(store, named)
    if tree is None:
        print_report(db, named.id, as_json=as_json)
    elif as_json:
        echo_json(tree.data(), indent=2)
    else:
        echo(*drawn(tree, full=full))


def drawn(node: Node, *, full: bool) -> list[str]:
    """A tree as lines, each row under what it came from."""
    return list(_lines(node, "", "", full))


def _lines(node: Node, first: str, rest: str, full: bool) -> Iterator[str]:
    """The lines of a node; `first` stands before its own line, `rest` before those under it."""
    from localfair.report.tree import short

    row_id = node.id if full else short(node.id)
    yield f"{first}{row_id}  {node.title}" if row_id else f"{first}{node.title}"
    below = f"{rest}│    " if node.children else f"{rest}     "
    for line in _text(node.text, full):
        yield f"{below}{line}"
    for child in node.children:
        if child is node.children[-1]:
            yield from _lines(child, f"{rest}└─ ", f"{rest}   ", full)
        else:
            yield from _lines(child, f"{rest}├─ ", f"{rest}│  ", full)


def _text(text: str, full: bool) -> list[str]:
    """What was written: the whole of it, or its beginning in a line."""
    if full:
        return text.splitlines()
    line = " ".join(text.split())
    if len(line) > SHORT:
        line = f"{line[:SHORT]}…"
    return [line] if line else []
