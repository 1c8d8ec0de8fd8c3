"""The lessons of a run and of an adapter.

Reads lessons and what links them; writes nothing. Knows nothing of how a lesson is made.
"""

from __future__ import annotations

from localfair.record.made import Lesson
from localfair.record.runs import positions_of
from localfair.record.store import Store
from localfair.record.summaries import kept_lesson_count
from localfair.record.tables import LESSONS, lesson_of

LEARNED = """
SELECT l.* FROM adapter_lessons t JOIN lessons l ON l.id = t.lesson
WHERE t.adapter = ? AND t.dropped IS NULL ORDER BY t.position
"""


SOURCES = 'SELECT noun, "row" FROM lesson_sources WHERE lesson = ? ORDER BY noun'


def sources_of(store: Store, lesson: str) -> list[tuple[str, str]]:
    """What a lesson (its id) came from: (noun, id) of each row."""
    return [tuple(row) for row in store.db.execute(SOURCES, [lesson])]


def kept_lessons(store: Store, run: str) -> list[Lesson]:
    """The lessons that a run's select steps kept, ordered by id, without their sources."""
    positions = positions_of(store.steps(run), "select")
    lessons = store.linked_nouns(run, positions, LESSONS)
    return [lesson for lesson in lessons if lesson.dropped is None]


def lessons_made(store: Store, run: str) -> int:
    """How many lessons the last select step of a run made, without those that it dropped."""
    positions = positions_of(store.steps(run), "select")
    return kept_lesson_count(store, run, positions[-1:])


def lessons_learned(store: Store, adapter: str) -> list[Lesson]:
    """The lessons that an adapter (its id) was trained on, in their order, without their sources."""
    return [lesson_of(row) for row in store.rows(LEARNED, adapter)]
