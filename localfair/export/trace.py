"""Where a student comes from: from an exported file to its adapter, each lesson, who wrote it, who
scored it how, in reply to which mistake, under which prompt, from which weights.

Reads the record, and the file or folder whose hash names an export; writes nothing.
"""

from __future__ import annotations

from pathlib import Path

from localfair.errors import UsageError
from localfair.export.once import digest
from localfair.record.exports import RecordedExport, exports_like
from localfair.record.history import adapter_history, said_in
from localfair.record.lessons import lessons_learned, sources_of
from localfair.record.licences import Ledger, ledger
from localfair.record.made import Lesson
from localfair.record.resolving import Named, resolve
from localfair.record.store import Store
from localfair.record.tables import EXPLANATIONS, SEATS
from localfair.report.findings import find_run, seat_name
from localfair.report.terms import MAY, marks
from localfair.report.tree import Node, short, tree_of


def trace(store: Store, what: str, lesson: int | None = None) -> Node:
    """The tree of an exported file or folder, or of an adapter by its id or the beginning of it.

    lesson: the number of one of its lessons, from 1 in the order of training; its whole history
    stands under it then. Raises UsageError for what is no export of this record and no adapter.
    """
    path = Path(what).expanduser()
    if not path.exists():
        return _adapter(store, resolve(store, what, ["adapter"]).id, lesson)
    sha256 = digest(path)
    exports = exports_like(store, sha256)
    if not exports:
        raise UsageError(
            f"{path} is no export of {store.path}: nothing there has the sha256 {sha256}",
            "name the record that it was exported from with --db",
        )
    export = exports[0]
    return Node(
        "export",
        export.id,
        f"{_words(export)}, sha256 {sha256}",
        "",
        (_adapter(store, export.adapter, lesson),),
    )


def _words(export: RecordedExport) -> str:
    return f"export as {export.format} of {export.created[:10]}, {export.bytes} bytes"


def _adapter(store: Store, adapter_id: str, number: int | None) -> Node:
    history = adapter_history(store, adapter_id)
    adapter = history.adapter
    lessons = lessons_learned(store, adapter_id)
    if number is not None and not 1 <= number <= len(lessons):
        raise UsageError(
            f"there is no lesson {number}: the adapter learned {len(lessons)}",
            f"give a number from 1 to {len(lessons)}",
        )
    children: list[Node] = []
    if history.made_in is not None:
        children += _terms(ledger(store, find_run(store, history.made_in.run)))
    for position, lesson in enumerate(lessons, start=1):
        if number in (None, position):
            children.append(_lesson(store, lesson, position, is_whole=number is not None))
    run = f", trained by run {history.made_in.run}" if history.made_in else ""
    title = f"adapter of the {adapter.role}, sha256 {adapter.sha256}{run}, {len(lessons)} lessons"
    return Node("adapter", adapter.id, title, f"base {adapter.base}", tuple(children))


def _terms(terms: Ledger) -> list[Node]:
    """A node for each licence that a student is under."""
    nodes = []
    for model in terms.models:
        may = MAY[model.may_train]
        title = f"{model.role} {model.model}: {model.licence}; may train others: {may}"
        nodes.append(Node("terms", "", title, model.outputs))
    for data in terms.data:
        nodes.append(Node("terms", "", f"data {data.name}, sha256 {data.sha256}: {data.licence}"))
    nodes += [Node("terms", "", mark) for mark in marks(terms)]
    return nodes


def _lesson(store: Store, lesson: Lesson, number: int, *, is_whole: bool) -> Node:
    sources = dict(sources_of(store, lesson.id))
    author = _author(store, sources)
    title = f"lesson {number}, a {lesson.kind} {author} on question {short(lesson.question)}"
    children: list[Node] = []
    if is_whole:
        children.append(tree_of(store, Named("lesson", lesson.id)))
        if "generation" in sources:
            children.append(_asked(store, sources["generation"]))
    return Node("lesson", lesson.id, title, lesson.completion, tuple(children))


def _author(store: Store, sources: dict[str, str]) -> str:
    """Who wrote a lesson: a seat and its weights, the student itself, or the data set."""
    if "explanation" in sources:
        explanation = store.get(EXPLANATIONS, [sources["explanation"]])[sources["explanation"]]
        seat = store.get(SEATS, [explanation.seat])[explanation.seat]
        adapter = f" with adapter {short(seat.adapter)}" if seat.adapter else ""
        return f"by {seat_name(seat)} ({seat.fingerprint}{adapter})"
    if "answer" in sources:
        return "by the student itself"
    return "of the data set's own"


def _asked(store: Store, generation: str) -> Node:
    """What the author was asked, turn by turn."""
    said = said_in(store, generation)
    turns = [Node("message", "", turn.role, turn.content) for turn in said.prompt]
    title = f"asked of {said.model} ({said.engine})"
    return Node("generation", generation, title, said.reply.text, tuple(turns))
