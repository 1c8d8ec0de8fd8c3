"""An explanation for tests that need no record: a right rationale that was finished; and a lesson."""

from __future__ import annotations

from typing import Any

from localfair.record.made import Explanation, Lesson
from localfair.record.nouns import Grade, Message, Seat
from localfair.stages.rows import Written

AUTHOR = Seat(role="teacher", index=0, model="m", fingerprint="f")


def written(name: str = "e", *, text: str = "So it is 7.", **changes: Any) -> Written:
    """A rationale, with changes of the explanation; another name is another one."""
    columns = {
        "kind": "rationale",
        "question": "q",
        "split": "train",
        "answer": None,
        "seat": AUTHOR.id,
        "generation": name,
        "grade": Grade.RIGHT,
        "read": "7",
        "reader": 1,
    }
    explanation = Explanation(**columns | changes)
    return Written(explanation=explanation, author=AUTHOR, text=text, finish="stop")


def lesson(**changes: Any) -> Lesson:
    """A rationale lesson of teacher 1, with changes."""
    columns = {
        "question": "q",
        "split": "train",
        "kind": "rationale",
        "teacher": 1,
        "prompt": (Message("user", "?"),),
        "completion": "So it is 7.",
        "weight": 1.0,
        "dropped": None,
    }
    return Lesson(**columns | changes)
