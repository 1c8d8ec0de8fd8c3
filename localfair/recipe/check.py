"""What is wrong with a recipe, in words: unknown keys with the nearest name, steps that need what nobody made.

Reads nothing but the recipe it is given.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import ValidationError

from localfair.recipe import schema as r

STEP_MODELS = {
    "exam": r.Exam, "inquire": r.Inquire, "review": r.Review,
    "select": r.Select, "soften": r.Soften, "train": r.Train,
}  # fmt: skip
TERM_MODELS = {
    "ce": r.CrossEntropy,
    "kl": r.Divergence,
    "lm": r.LanguageModel,
    "triplet": r.Triplet,
}


def readable(error: ValidationError, data: dict[str, Any]) -> list[str]:
    """One line per pydantic error: where (with the step's id), what, and the nearest known key."""
    return list(dict.fromkeys(_line(e, data) for e in error.errors(include_url=False)))


def _line(e: Any, data: dict[str, Any]) -> str:
    where = _where(e["loc"], data)
    if e["type"] == "extra_forbidden":
        known = _known_keys(e["loc"])
        close = difflib.get_close_matches(str(e["loc"][-1]), known, n=1, cutoff=0.5)
        more = f"did you mean {close[0]!r}?" if close else f"known keys: {', '.join(known)}"
        return f"{where}: unknown key; {more}"
    if e["type"] in ("union_tag_not_found", "union_tag_invalid"):
        return f"{where}: {e['msg'].replace('Input tag', 'value').replace('found using', 'for')}"
    return f"{where}: {e['msg'][0].lower()}{e['msg'][1:]}"


def _where(loc: tuple[Any, ...], data: dict[str, Any]) -> str:
    """`review.accept.mean_above` rather than `round.2.review.accept.mean_above`."""
    parts = [p for p in loc if p not in TERM_MODELS]
    if len(parts) > 1 and parts[0] in r.SECTIONS and isinstance(parts[1], int):
        section = data.get(str(parts[0]))
        step = section[parts[1]] if isinstance(section, list) else {}
        name = step.get("id") if isinstance(step, dict) else None
        rest = parts[2:]
        if rest and rest[0] in STEP_MODELS:
            rest = rest[1:]
        parts = [name or f"{parts[0]}[{parts[1]}]", *rest]
    return ".".join(str(p) for p in parts)


def _known_keys(loc: tuple[Any, ...]) -> list[str]:
    """The keys of the table that holds the unknown one."""
    model: Any = r.Recipe
    for part in loc[:-1]:
        if part in STEP_MODELS and model is r.Recipe:
            model = STEP_MODELS[part]
        elif part in TERM_MODELS:
            model = TERM_MODELS[part]
        elif (
            isinstance(part, str) and hasattr(model, "model_fields") and part in model.model_fields
        ):
            model = _table(model.model_fields[part].annotation) or model
    return sorted(f.alias or k for k, f in model.model_fields.items())


def _table(annotation: Any) -> Any:
    candidates = [annotation, *getattr(annotation, "__args__", ())]
    return next((c for c in candidates if isinstance(c, type) and issubclass(c, r.Strict)), None)


def problems_of(recipe: r.Recipe) -> list[str]:
    """What each key alone cannot show: ids, inputs, an order that cannot work, prompts that are missing."""
    return [*_ids(recipe), *_inputs(recipe), *_prompts(recipe), *_early_stop(recipe)]


def _ids(recipe: r.Recipe) -> Iterator[str]:
    seen: set[str] = set()
    for _, _, step in recipe.sections():
        if step.id in seen:
            yield f"{step.id}: two steps have this id"
        seen.add(step.id)


def needs(step: r.AnyStep) -> tuple[str, ...]:
    """The stages whose rows a step reads."""
    match step:
        case r.Inquire(about="mistakes"):
            return ("exam",)
        case r.Review():
            return ("inquire",)
        case r.Select(per_question=r.PerQuestion(feedback=0, rationale=0)):
            return ()
        case r.Select():
            return ("review", "inquire")
        case r.Soften() | r.Train():
            return ("select",)
    return ()


def named_inputs(step: r.AnyStep) -> tuple[str, ...]:
    """The step ids a step names as its input."""
    named = getattr(step, "input", ())
    return (named,) if isinstance(named, str) and named else tuple(named)


def _inputs(recipe: r.Recipe) -> Iterator[str]:
    earlier: list[r.AnyStep] = []
    for _, _, step in recipe.sections():
        wanted = needs(step)
        by_id = {s.id: s for s in earlier}
        for name in named_inputs(step):
            if name not in by_id:
                yield f"{step.id}.input: no earlier step is called {name!r}"
            elif by_id[name].stage not in wanted:
                yield f"{step.id}.input: {name!r} is of stage {by_id[name].stage}, not {' or '.join(wanted)}"
        if step.enabled and (
            off := [n for n in named_inputs(step) if n in by_id and not by_id[n].enabled]
        ):
            yield f"{step.id}.input: {' and '.join(off)} {'is' if len(off) == 1 else 'are'} switched off"
        if wanted and step.enabled and not any(s.stage in wanted and s.enabled for s in earlier):
            yield f"{step.id}: a {step.stage} step needs an earlier {' or '.join(wanted)} step, and there is none"
        yield from _mistakes(step, earlier)
        yield from _terms(step, earlier)
        earlier.append(step)


def _mistakes(step: r.AnyStep, earlier: Iterable[r.AnyStep]) -> Iterator[str]:
    if isinstance(step, r.Inquire):
        exams = [s for s in earlier if s.stage == "exam" and s.split == "train" and s.enabled]
        if step.about == "mistakes" and not [s for s in exams if step.input in ("", s.id)]:
            yield f"{step.id}: mistakes come from an exam on the train split, and no earlier step is one"
        if step.about == "questions" and step.write.feedback and not step.write.rationale:
            yield f'{step.id}.write.feedback: a feedback explains a mistake; set about = "mistakes"'
        if not (step.write.feedback or step.write.rationale):
            yield f"{step.id}.write: nothing to write; name feedback, rationale or both"


def _terms(step: r.AnyStep, earlier: list[r.AnyStep]) -> Iterator[str]:
    if not isinstance(step, r.Train):
        return
    made = {k for s in earlier if isinstance(s, r.Select) for k, n in s.per_question if n}
    names = [term.term for term in step.loss]
    for term in step.loss:
        if isinstance(term, r.CrossEntropy) and made and term.kind not in made:
            yield f"{step.id}.loss: no earlier select makes lessons of kind {term.kind!r}"
        if isinstance(term, r.CrossEntropy) and term.weights and not term.each_teacher:
            yield f"{step.id}.loss: weights are one per teacher, and so need each_teacher = true"
    for name in sorted({name for name in names if names.count(name) > 1} - {"ce"}):
        yield f"{step.id}.loss: two {name} terms; one is enough, with the sum of their weights"
    if ("lm" in names) == ("ce" in names):
        yield f"{step.id}.loss: name either ce terms or one lm term: a lesson's tokens belong to one mean"
    if "kl" in names and not any(s.stage == "soften" and s.enabled for s in earlier):
        yield f"{step.id}.loss: a kl term needs an earlier soften step"
    exams = [
        s
        for s in earlier
        if isinstance(s, r.Exam) and (s.role, s.split) == ("student", "train") and s.enabled
    ]
    if "triplet" in names and not exams:
        yield f"{step.id}.loss: a triplet term needs the student's mistakes, and no earlier step is its exam on train"


def _prompts(recipe: r.Recipe) -> Iterator[str]:
    wanted: set[str] = set()
    for _, _, step in recipe.sections():
        match step:
            case r.Exam():
                wanted.add(f"ask-{step.ask}")
            case r.Inquire():
                wanted |= {
                    f"write-{k}" for k in ("feedback", "rationale") if getattr(step.write, k)
                }
            case r.Review(mode="reasoned" | "direct"):
                wanted |= {f"review-{k}" for k in step.of}
            case r.Train(best_epoch=r.BestEpoch() as exam):
                wanted.add(f"ask-{exam.ask}")
            case r.Select():
                wanted |= {f"ask-{k}" for k, n in step.per_question if n}
    for name in sorted(wanted - set(recipe.prompts)):
        yield f"prompts/{name}.md is missing"


def _early_stop(recipe: r.Recipe) -> Iterator[str]:
    if recipe.early_stop is None:
        return
    exams = {s.id for s in recipe.round if isinstance(s, r.Exam) and s.split == "dev"}
    if recipe.early_stop.exam not in exams:
        yield f"early_stop.exam: {recipe.early_stop.exam!r} is not an exam on dev in the round"
