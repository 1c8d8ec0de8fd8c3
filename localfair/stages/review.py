"""review: seats score one another's explanations from 1 to 5, and a verdict follows from the gate.

Reads explanations; writes generations, reviews and verdicts. Reviewers go one engine after another, and an
explanation whose verdict the remaining ones cannot change is not sent to them. `read_score`, `accepted` and
`settled` are pure.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from statistics import fmean
from typing import Any

from localfair.committee.ask import Call, request_seed
from localfair.committee.seating import Member
from localfair.recipe.schema import Accept, Review
from localfair.record.nouns import (
    Constraint,
    EngineIdentity,
    Grade,
    Question,
    Request,
    canonical_json,
    content_id,
)
from localfair.record.store import Row
from localfair.stages.rows import demonstrations, grouped, with_texts
from localfair.stages.step import Work

SCORES = ("1", "2", "3", "4", "5")
# reasons without a bracket, then the score in brackets, and nothing after it (ours)
REASONS_THEN_SCORE = Constraint("gbnf", r'root ::= [^\[\]]+ "[" [1-5] "]"')
INTEGER = re.compile(r"(?<![\d.,])-?\d+(?![\d]|[.,]\d)")
FRACTION = re.compile(r"(?<![\d.,])(-?\d+)\s*(?:/|out of)\s*\d+")


def read_score(text: str) -> int | None:
    """The score a review ends with, or None when nothing in 1..5 can be read (FAIR, authors' code).

    The last `[..]` that holds a number; of `4/5` the numerator, else the last integer; without
    brackets the last integer of the reply.
    """
    bracketed = [b for b in re.findall(r"\[([^\[\]]*)\]", text) if re.search(r"\d", b)]
    score = _last_integer(bracketed[-1] if bracketed else text)
    return score if score is not None and 1 <= score <= 5 else None


def _last_integer(text: str) -> int | None:
    found = [(m.start(), m.end(), int(m[1])) for m in FRACTION.finditer(text)]
    inside = [(start, end) for start, end, _ in found]
    for m in INTEGER.finditer(text):
        if not any(start <= m.start() < end for start, end in inside):
            found.append((m.start(), m.end(), int(m[0])))
    return max(found)[2] if found else None


def accepted(scores: Sequence[float], mean_above: float = 3.0, min_reviews: int = 1) -> bool:
    """The gate: enough valid scores, and their mean strictly above (FAIR §3: > 3). No scores: False."""
    return len(scores) >= max(1, min_reviews) and fmean(scores) > mean_above


def settled(
    scores: Sequence[float], remaining: int, mean_above: float = 3.0, min_reviews: int = 1
) -> bool:
    """Whether no `remaining` further reviews, each unreadable or 1 to 5, can change what `accepted` says (ours).

    The mean falls with every 1 and rises with every 5, so only the two ends need to be looked at.
    """
    now = accepted(scores, mean_above, min_reviews)
    if now:
        return accepted([*scores, *[1.0] * remaining], mean_above, min_reviews)
    return not accepted([*scores, *[5.0] * remaining], mean_above, min_reviews)


def review(work: Work, step: Review) -> dict[str, Any]:
    """Send what is to be reviewed to every seat but its author's, then judge; the outcome counts both."""
    explanations = with_texts(
        work, work.rows("explanations", "explanation", work.earlier(step, ("inquire",)))
    )
    rows, spared = _reviews(work, step, explanations)
    of = grouped(rows, "explanation")
    verdicts = [verdict_row(step, e, of.get(e["id"], [])) for e in explanations]
    work.store.ensure("verdicts", verdicts)
    work.made("verdict", [v["id"] for v in verdicts])
    return {
        "explanations": len(explanations),
        "reviews": len(rows),
        "spared": spared,
        "unreadable": sum(r["score"] is None for r in rows),
        "accepted": sum(v["accepted"] for v in verdicts),
    }


def _reviews(work: Work, step: Review, explanations: list[Row]) -> tuple[list[Row], int]:
    """Every review that is needed, asked turn by turn, and how many were spared."""
    if step.mode == "none":
        return [], 0
    questions = work.store.questions_by_id(e["question"] for e in explanations)
    turns = _turns(work.committee.reviewers(), step.exhaustive)
    rows: list[Row] = []
    spared = 0
    for i, turn in enumerate(turns):
        left = [member for later in turns[i:] for member in later]
        scores = {e: _valid(found) for e, found in grouped(rows, "explanation").items()}
        wanted = [(p, e) for p in turn for kind in step.of for e in explanations
                  if e["kind"] == kind and _may(p, e)]  # fmt: skip
        needed = [
            (p, e) for p, e in wanted
            if step.exhaustive
            or not _decided(step.accept, e, scores.get(e["id"], []), sum(_may(other, e) for other in left))
        ]  # fmt: skip
        spared += len(wanted) - len(needed)
        calls = (
            Call(p, _request(work, step, p, e, questions[e["question"]]), e) for p, e in needed
        )
        found = (review_row(call, row) for call, row in work.committee.ask(calls, f"{step.id}:"))
        rows += work.keep("reviews", "review", found)
    return rows, spared


def _turns(members: list[Member], exhaustive: bool) -> list[list[Member]]:
    """Who is asked together: everybody, or members of one engine, which fill its batch and share what it reads.

    The engine that wrote last goes first: it is likely to be loaded still.
    """
    if exhaustive:
        return [members]
    turns: dict[EngineIdentity, list[Member]] = {}
    for member in members:
        turns.setdefault(member.identity, []).append(member)
    return list(turns.values())[::-1]


def _may(member: Member, e: Row) -> bool:
    """Nobody reviews what his own seat wrote."""
    return bool(member.seat.id != e["seat"])


def _decided(accept: Accept, e: Row, scores: list[float], remaining: int) -> bool:
    return bool(failed_check(accept, e)) or settled(
        scores, remaining, accept.mean_above, accept.needed
    )


def _valid(reviews: list[Row]) -> list[float]:
    return [r["score"] for r in reviews if r["score"] is not None]


def _request(work: Work, step: Review, member: Member, e: Row, question: Question) -> Request:
    shots = demonstrations(work, question, step.demonstrations)
    values = work.values(question) | {
        "gold": step.gold,
        "text": e["text"],
        "mistake": e["mistake"],
        "demonstrations": [work.values(d) | {"rationale": d.rationale} for d in shots],
        "mode": step.mode,
    }
    if not step.gold:
        values.pop("hint")
    direct = step.mode == "direct"
    return Request(
        messages=work.prompts.render(f"review-{e['kind']}", **values),
        sampling=step.sampling,
        seed=request_seed(member.seat, explanation=e["id"], purpose="review"),
        action="score" if direct else "generate",
        continuations=SCORES if direct else (),
        constraint=REASONS_THEN_SCORE if step.constrained and not direct else None,
        about=f"question {question.key} of {question.task}",
    )


def expected_score(logprobs: Sequence[float]) -> float:
    """The expectation over 1..5 from the log-probabilities of the five tokens, renormalised (ours)."""
    top = max(logprobs)
    weights = [math.exp(p - top) for p in logprobs]
    return sum(i * w for i, w in enumerate(weights, 1)) / sum(weights)


def review_row(call: Call, generation: Row) -> Row:
    """A review: who scored whom, the score that could be read, and whether both sit on the same weights."""
    e: Row = call.tag
    direct = generation["action"] == "score"
    score = expected_score(generation["logprobs"]) if direct else read_score(generation["text"])
    parts = {"explanation": e["id"], "seat": call.member.seat.id, "generation": generation["id"]}
    return {
        "id": content_id("review", **parts), "author": e["seat"], **parts, "score": score,
        "same_weights": int(e["fingerprint"] == call.member.seat.fingerprint),
    }  # fmt: skip


def failed_check(accept: Accept, e: Row) -> str | None:
    """The mechanical reason to reject an explanation, whatever its reviews say."""
    if accept.answer_check and e["kind"] == "rationale" and e["grade"] != Grade.RIGHT:
        return f"answer check: {e['grade']}"
    if accept.finished and e["finish"] == "length":
        return "cut off before its end"
    return "empty" if not e["text"].strip() else None


def verdict_row(step: Review, e: Row, reviews: list[Row]) -> Row:
    """A verdict, keyed by its inputs and policy: another threshold makes another row."""
    scores = _valid(reviews)
    reviewed = step.mode != "none" and e["kind"] in step.of
    ok, reason = judge(step.accept, e, scores, reviewed)
    policy = canonical_json(
        {"accept": step.accept.model_dump(), "mode": step.mode, "reviewed": reviewed}
    )
    ids = canonical_json(sorted(r["id"] for r in reviews))
    return {
        "id": content_id("verdict", explanation=e["id"], policy=policy, reviews=ids),
        "explanation": e["id"], "policy": policy, "reviews": ids,
        "mean": fmean(scores) if scores else None, "valid": len(scores),
        "accepted": int(ok), "reason": reason,
    }  # fmt: skip


def judge(accept: Accept, e: Row, scores: list[float], reviewed: bool) -> tuple[bool, str]:
    """Accepted or rejected, and why: the mechanical check first, then the gate."""
    if failed := failed_check(accept, e):
        return False, failed
    if not reviewed:
        return True, "checks passed; not reviewed"
    if len(scores) < accept.needed:
        return False, f"{len(scores)} valid of at least {accept.needed} reviews"
    if not accepted(scores, accept.mean_above, accept.min_reviews):
        return False, f"mean {fmean(scores):.2f} is not above {accept.mean_above:g}"
    return True, f"mean {fmean(scores):.2f} above {accept.mean_above:g}"
