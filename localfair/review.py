"""review: seats score one another's explanations from 1 to 5, and a verdict follows from the gate.

Reads explanations; writes generations, reviews and verdicts. `read_score` and `accepted` are pure.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from statistics import fmean
from typing import Any

from localfair.committee import Call, Place, request_seed
from localfair.records import Grade, Question, Request, canonical_json, content_id
from localfair.store import Row
from localfair.vocabulary import Accept, Review
from localfair.work import Work, demonstrations, grouped, sampling_of, with_texts

SCORES = ("1", "2", "3", "4", "5")
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


def review(work: Work, step: Review) -> dict[str, Any]:
    """Send what is to be reviewed to every seat but its author's, then judge; the outcome counts both."""
    explanations = with_texts(work, work.rows("explanations", "explanation", work.earlier(step, ("inquire",))))
    questions = work.store.questions_by_id(e["question"] for e in explanations)
    calls = _calls(work, step, explanations, questions)
    rows = [review_row(call, row) for call, row in work.committee.ask(calls, f"{step.id}:")]
    work.store.ensure("reviews", rows)
    of = grouped(rows, "explanation")
    verdicts = [verdict_row(step, e, of.get(e["id"], [])) for e in explanations]
    work.store.ensure("verdicts", verdicts)
    work.made("review", [r["id"] for r in rows])
    work.made("generation", [r["generation"] for r in rows])
    work.made("verdict", [v["id"] for v in verdicts])
    return {
        "explanations": len(explanations),
        "reviews": len(rows),
        "unreadable": sum(r["score"] is None for r in rows),
        "accepted": sum(v["accepted"] for v in verdicts),
    }


def _calls(work: Work, step: Review, explanations: list[Row], questions: dict[str, Question]) -> list[Call]:
    if step.mode == "none":
        return []
    return [
        Call(place, _request(work, step, place, e, questions[e["question"]]), e)
        for place in work.committee.reviewers()
        for kind in step.of
        for e in explanations
        if e["kind"] == kind and (step.review_rejected or not failed_check(step.accept, e))
        if e["seat"] != place.seat.id
    ]


def _request(work: Work, step: Review, place: Place, e: Row, question: Question) -> Request:
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
        sampling=sampling_of(step.sampling),
        seed=request_seed(place.seat, explanation=e["id"], purpose="review"),
        kind="score" if direct else "generate",
        continuations=SCORES if direct else (),
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
    score = expected_score(generation["logprobs"]) if generation["logprobs"] else read_score(generation["text"])
    parts = {"explanation": e["id"], "seat": call.place.seat.id, "generation": generation["id"]}
    return {
        "id": content_id("review", **parts), "author": e["seat"], **parts, "score": score,
        "same_weights": int(e["fingerprint"] == call.place.seat.fingerprint),
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
    scores = [r["score"] for r in reviews if r["score"] is not None]
    reviewed = step.mode != "none" and e["kind"] in step.of
    ok, reason = judge(step.accept, e, scores, reviewed)
    policy = canonical_json({"accept": step.accept.model_dump(), "mode": step.mode, "reviewed": reviewed})
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
