"""select: accepted explanations become lessons, drawn with the run's seed; what is dropped is a row with its reason.

Reads explanations, verdicts and questions; writes lessons and the rows each came from.
"""

from __future__ import annotations

from typing import Any

from localfair.records import Kind, Question, canonical_json, content_id
from localfair.store import Row
from localfair.vocabulary import PerQuestion, Select, Take
from localfair.work import Work, draw, grouped, with_texts


def select(work: Work, step: Select) -> dict[str, Any]:
    """Per question, as many lessons of each kind as the recipe takes; the outcome counts kept and dropped."""
    explanations = _accepted(work, step)
    chosen: list[Row] = []
    of = grouped(explanations, "question")
    for question in _questions(work, step, explanations):
        chosen += _lessons_of(work, step, question, of.get(question.id, []))
    kept = _drop_repeats(chosen) if step.unique else chosen
    _store(work, kept)
    alive = [k for k in kept if not k["dropped"]]
    kinds = [k["kind"] for k in alive]
    return {
        "lessons": len(alive),
        **{k: kinds.count(k) for k in ("feedback", "rationale", "answer") if k in kinds},
        "questions": len({k["question"] for k in alive}),
        "dropped": len(kept) - len(alive),
    }


def _accepted(work: Work, step: Select) -> list[Row]:
    """Explanations with an accepted verdict; of an input that was never reviewed, all of them."""
    done = work.earlier(step, ("review", "inquire"))
    reviewed = [d for d in done if d.step.stage == "review"]
    verdicts = [v for v in work.rows("verdicts", "verdict", reviewed) if v["accepted"]]
    passed = work.store.by_ids("explanations", (v["explanation"] for v in verdicts))
    by_explanation = {v["explanation"]: v["id"] for v in verdicts}
    raw = work.rows("explanations", "explanation", [d for d in done if d.step.stage == "inquire"])
    found = [*passed.values(), *(e for e in raw if e["id"] not in passed)]
    return [
        e | {"verdict": by_explanation.get(e["id"])} for e in sorted(with_texts(work, found), key=lambda e: e["id"])
    ]


def _questions(work: Work, step: Select, explanations: list[Row]) -> list[Question]:
    """Those with an explanation and, where gold answers are lessons too, every train question."""
    if step.per_question.answer:
        return work.questions("train")
    return sorted(
        work.store.questions_by_id(e["question"] for e in explanations).values(),
        key=lambda question: question.id,
    )


def _lessons_of(work: Work, step: Select, question: Question, explanations: list[Row]) -> list[Row]:
    """One question's lessons; with `complete`, an incomplete question's are dropped with the reason."""
    take = step.per_question
    lessons: list[Row] = []
    missing: list[str] = []
    for kind in _kinds(take):
        if kind == "answer":
            lessons.append(_lesson(work, question, "answer", question.gold, None))
            continue
        found = [e for e in explanations if e["kind"] == kind]
        picked = _take(work, question, kind, found, getattr(take, kind))
        missing += [] if picked else [kind]
        lessons += [_lesson(work, question, kind, e["text"], e) for e in picked]
    reason = f"no accepted {' and no accepted '.join(missing)}" if missing and step.complete else None
    return [lesson | {"dropped": reason} for lesson in lessons]


def _kinds(take: PerQuestion) -> list[Kind]:
    kinds: tuple[Kind, ...] = ("feedback", "rationale", "answer")
    return [k for k in kinds if getattr(take, k)]


def _take(work: Work, question: Question, kind: str, found: list[Row], count: Take) -> list[Row]:
    purpose = f"lesson:{kind}:{question.id}"
    if count == "all":
        return draw(work.seed, purpose, found, len(found))
    if count == "each-teacher":
        teachers = sorted({e["teacher"] for e in found})
        return [draw(work.seed, purpose, [e for e in found if e["teacher"] == t], 1)[0] for t in teachers]
    return draw(work.seed, purpose, found, count)


def _lesson(work: Work, question: Question, kind: Kind, completion: str, e: Row | None) -> Row:
    """Prompt and completion; the rationale's prompt is the exam's own."""
    values = work.values(question)
    if e is not None and kind == "feedback":
        values["mistake"] = e["mistake"]
    values["teacher"] = e["teacher"] if e else None
    prompt = canonical_json([[m.role, m.content] for m in work.prompts.render(f"ask-{kind}", **values)])
    origin = [("question", question.id)]
    if e is not None:
        origin += [("explanation", e["id"]), ("generation", e["generation"])]
        origin += [("answer", e["answer"])] if e["answer"] else []
        origin += [("verdict", e["verdict"])] if e["verdict"] else []
    return {
        "question": question.id, "split": question.split, "kind": kind, "teacher": values["teacher"],
        "prompt": prompt, "completion": completion, "weight": 1.0, "dropped": None, "origin": origin,
    }  # fmt: skip


def _drop_repeats(lessons: list[Row]) -> list[Row]:
    seen: set[tuple[str, str, str]] = set()
    out = []
    for lesson in lessons:
        key = (lesson["kind"], lesson["prompt"], " ".join(lesson["completion"].split()))
        repeated = key in seen and not lesson["dropped"]
        if not lesson["dropped"]:
            seen.add(key)
        out.append(lesson | {"dropped": "repeats another lesson"} if repeated else lesson)
    return out


def _store(work: Work, lessons: list[Row]) -> None:
    rows, sources = [], []
    for lesson in lessons:
        row = {k: v for k, v in lesson.items() if k != "origin"}
        row["id"] = content_id("lesson", **row, origin=[list(o) for o in lesson["origin"]])
        rows.append(row)
        sources += [{"lesson": row["id"], "noun": noun, "row": origin} for noun, origin in lesson["origin"]]
    work.store.ensure("lessons", rows)
    work.store.ensure("lesson_sources", sources)
    work.made("lesson", [r["id"] for r in rows])
