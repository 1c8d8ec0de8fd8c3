"""Reviews made up for the tests of this room."""

from __future__ import annotations

from localfair.record.reviews import ReviewInContext


def reviews(*scores, mode="reasoned", reviewer="r", seat=0):
    """Reviews of e0, e1, ... from (score, whether the explanation is right)."""
    made = []
    for number, (score, right) in enumerate(scores):
        review = ReviewInContext(
            explanation=f"e{number}",
            kind="rationale",
            right=right,
            reviewer=reviewer,
            seat=seat,
            mode=mode,
            score=score,
            prompt_tokens=100,
            written_tokens=0 if mode == "direct" else 10,
        )
        made.append(review)
    return made
