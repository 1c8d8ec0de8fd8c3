"""select: accepted explanations become lessons, drawn with the run's seed; what is dropped is a row with its reason.

Reads explanations, verdicts and questions; writes lessons and the rows each came from.
"""

from __future__ import annotations

from typing import Any

from localfair.recipe.schema import PerQuestion, Select, Take
from localfair.record.nouns import Kind, Question, canonical_json, content_id
from localfair.record.store import Row
from localfair.stages.rows import draw, grouped, with_texts
from localfair.stages.step import Work
from localfair.tasks.leakage import HeldOut, completion_reason, held_out, question_reason

KINDS: tuple[Kind, ...] = ("feedback", "rationale", "answer")


def select(work: Work, step: Select) -> dict[str, Any]:
    """Per question, as many lessons of each kind as the recipe takes; the outcome counts kept and dropped."""
    explanations = _written(work, step)
    held = _held_out(work, step)
    chosen: list[Row] = []
    of = grouped(explanations, "question")
    for question in _questions(work, step, explanations):
        chosen += _lessons_of(work, step, question, of.get(question.id, []), held)
    kept = _drop_repeats(chosen) if step.unique else chosen
    kept = _at_most(work, step.at_most, kept) if step.at_most else kept
    _store(work, kept)
    alive = [k for k in kept if not k["dropped"]]
    kinds = [k["kind"] for k in alive]
    return {
        "lessons": len(alive),
        **{k: kinds.count(k) for k in KINDS if k in kinds},
        "questions": len({k["question"] for k in alive}),
        "dropped": len(kept) - len(alive),
        "contaminated": sum(k["contaminated"] for k in kept),
    }


def _written(work: Work, step: Select) -> list[Row]:
    """What the inputs hold, with `passed`: whether it was accepted; of an input that was never reviewed all is."""
    done = work.earlier(step, ("review", "inquire"))
    verdicts = work.rows("verdicts", "verdict", [d for d in done if d.step.stage == "review"])
    accepted = {v["explanation"]: v["id"] for v in verdicts if v["accepted"]}
    judged = work.store.by_ids("explanations", (v["explanation"] for v in verdicts))
    raw = work.rows("explanations", "explanation", [d for d in done if d.step.stage == "inquire"])
    raw_ids = {e["id"] for e in raw}
    found = {**judged, **{e["id"]: e for e in raw}}
    return [
        e | {"verdict": accepted.get(e["id"]), "passed": e["id"] in accepted or e["id"] in raw_ids}
        for e in sorted(with_texts(work, found.values()), key=lambda e: e["id"])
    ]


def _held_out(work: Work, step: Select) -> HeldOut | None:
    """What dev and test of the task forbid; of the whole task, so that no --limit changes it."""
    if not step.decontaminate:
        return None
    dev, test, train = (
        work.store.questions(work.task.name, split) for split in ("dev", "test", "train")
    )
    return held_out([*dev, *test], train, step.decontaminate)


def _questions(work: Work, step: Select, explanations: list[Row]) -> list[Question]:
    """Those with an accepted explanation and, where gold answers are lessons too, every train question."""
    if step.per_question.answer:
        return work.questions("train")
    return sorted(
        work.store.questions_by_id(e["question"] for e in explanations if e["passed"]).values(),
        key=lambda question: question.id,
    )


def _lessons_of(
    work: Work, step: Select, question: Question, written: list[Row], held: HeldOut | None
) -> list[Row]:  # fmt: skip
    """One question's lessons; those that must not be learned, and an incomplete question's, with the reason.

    With `complete`, every kind that was written about the question has to be there: where nobody was asked for
    feedback (an unreadable answer that is a format lesson, a question that is no mistake) none is missed.
    """
    take, lessons, missing = step.per_question, list[Row](), list[str]()
    whole = question_reason(question, held) if held else None
    for kind in _kinds(take):
        if kind == "answer":
            lessons.append(
                _lesson(work, question, "answer", question.gold, None) | _verdict_on(whole)
            )
            continue
        of_kind = [e for e in written if e["kind"] == kind]
        passed = [e for e in of_kind if e["passed"]]
        reasons = {
            e["id"]: whole or (completion_reason(e["text"], held) if held else None) for e in passed
        }
        clean = passed if whole else [e for e in passed if not reasons[e["id"]]]
        picked = _take(work, question, kind, clean, getattr(take, kind))
        missing += [kind] if of_kind and not picked else []
        picked += [] if whole else [e for e in passed if reasons[e["id"]]]
        lessons += [
            _lesson(work, question, kind, e["text"], e) | _verdict_on(reasons[e["id"]])
            for e in picked
        ]
    reason = (
        f"no accepted {' and no accepted '.join(missing)}" if missing and step.complete else None
    )
    return [lesson | {"dropped": lesson["dropped"] or reason} for lesson in lessons]


def _verdict_on(contamination: str | None) -> Row:
    return {"dropped": contamination, "contaminated": contamination is not None}


def _kinds(take: PerQuestion) -> list[Kind]:
    return [k for k in KINDS if getattr(take, k)]


def _take(work: Work, question: Question, kind: str, found: list[Row], count: Take) -> list[Row]:
    purpose = f"lesson:{kind}:{question.id}"
    if count == "all":
        return draw(work.seed, purpose, found, len(found))
    if count == "each-teacher":
        teachers = sorted({e["teacher"] for e in found})
        return [
            draw(work.seed, purpose, [e for e in found if e["teacher"] == t], 1)[0]
            for t in teachers
        ]
    return draw(work.seed, purpose, found, count)


def _lesson(work: Work, question: Question, kind: Kind, completion: str, e: Row | None) -> Row:
    """Prompt and completion; the rationale's prompt is the exam's own. Whether it is dropped is not said here."""
    values = work.values(question)
    if e is not None and kind == "feedback":
        values["mistake"] = e["mistake"]
    values["teacher"] = e["teacher"] if e else None
    prompt = canonical_json(
        [[m.role, m.content] for m in work.prompts.render(f"ask-{kind}", **values)]
    )
    origin = [("question", question.id)]
    if e is not None:
        origin += [("explanation", e["id"]), ("generation", e["generation"])]
        origin += [("answer", e["answer"])] if e["answer"] else []
        origin += [("verdict", e["verdict"])] if e["verdict"] else []
    return {
        "question": question.id, "split": question.split, "kind": kind, "teacher": values["teacher"],
        "prompt": prompt, "completion": completion, "weight": 1.0, "origin": origin,
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


def _at_most(work: Work, count: int, lessons: list[Row]) -> list[Row]:
    """Questions drawn at random while all lessons of the next one still fit; the others' are dropped."""
    of = grouped([k for k in lessons if not k["dropped"]], "question")
    fits: set[str] = set()
    left = count
    for row in draw(work.seed, "at_most", [{"id": question} for question in of], len(of)):
        if len(of[row["id"]]) <= left:
            fits.add(row["id"])
            left -= len(of[row["id"]])
    beyond = f"beyond the {count} lessons wanted"
    return [
        k if k["dropped"] or k["question"] in fits else k | {"dropped": beyond} for k in lessons
    ]


def _store(work: Work, lessons: list[Row]) -> None:
    rows, sources = [], []
    for lesson in lessons:
        row = {k: v for k, v in lesson.items() if k not in ("origin", "contaminated")}
        row["id"] = content_id("lesson", **row, origin=[list(o) for o in lesson["origin"]])
        rows.append(row)
        sources += [
            {"lesson": row["id"], "noun": noun, "row": origin} for noun, origin in lesson["origin"]
        ]
    work.store.ensure("lessons", rows)
    work.store.ensure("lesson_sources", sources)
    work.made("lesson", [r["id"] for r in rows])
