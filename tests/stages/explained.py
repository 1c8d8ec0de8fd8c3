"""An explanation for tests that need no record: a right rationale that was finished."""

from __future__ import annotations

from localfair.stages.rows import Written


def written(row_id: str, question: str = "q") -> Written:
    """A rationale of this id about a question."""
    return Written(
        id=row_id,
        kind="rationale",
        question=question,
        answer=None,
        mistake="",
        grade="right",
        seat="s",
        teacher=0,
        fingerprint="f",
        generation="g",
        text="So it is 7.",
        finish="stop",
    )
