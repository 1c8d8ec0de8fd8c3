"""What is wrong with a recipe, in words.

Each key is checked by the schema, and an unknown one comes with the nearest name; what no key alone
can show is checked here: steps that need what no earlier step makes, prompts that are missing.

Reads nothing but the recipe it is given. Knows nothing of files, models or the store.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from localfair.machine.limited import TemplateFault
from localfair.recipe import schema as r
from localfair.recipe.prompts import compiles
from localfair.recipe.strict import Strict

Location = tuple[int | str, ...]

STEP_MODELS: dict[str, type[r.Step]] = {
    "exam": r.Exam,
    "inquire": r.Inquire,
    "review": r.Review,
    "select": r.Select,
    "soften": r.Soften,
    "train": r.Train,
}
TERM_MODELS: dict[str, type[Strict]] = {
    "ce": r.CrossEntropy,
    "kl": r.Divergence,
    "lm": r.LanguageModel,
    "triplet": r.Triplet,
}
# pydantic's names for a key that a model, or a dataclass, does not have
UNKNOWN_KEY = ("extra_forbidden", "unexpected_keyword_argument")
# On mathematics short verdicts are as good as long reasons for judges of 0.6B to 14B (2606.07810).
LONGEST_VERDICT = 10  # tokens
UNKNOWN_TAG = ("union_tag_not_found", "union_tag_invalid")


# -- pydantic's errors as lines -------------------------------------------------------------------


def readable(error: ValidationError, data: dict[str, object]) -> list[str]:
    """One line per pydantic error: where (with the step's id), what, and the nearest known key."""
    lines = [_line(details, data) for details in error.errors(include_url=False)]
    return list(dict.fromkeys(lines))


def _line(error: ErrorDetails, data: dict[str, object]) -> str:
    location = error["loc"]
    message = error["msg"]
    where = _where(location, data)
    if error["type"] in UNKNOWN_KEY:
        known = _known_keys(location)
        return f"{where}: unknown key; {_nearest_key(str(location[-1]), known)}"
    if error["type"] in UNKNOWN_TAG:
        return f"{where}: {message.replace('Input tag', 'value').replace('found using', 'for')}"
    return f"{where}: {message[0].lower()}{message[1:]}"


def _nearest_key(key: str, known: list[str]) -> str:
    close = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known keys: {', '.join(known)}"


def _where(location: Location, data: dict[str, object]) -> str:
    """`review.accept.mean_above` rather than `round.2.review.accept.mean_above`."""
    # pydantic puts the tag of a union into the location: a term's name, a step's stage
    names = [name for name in location if name not in TERM_MODELS]
    if len(names) > 1 and names[0] in r.SECTIONS and isinstance(names[1], int):
        section, position, *rest = names
        if rest and rest[0] in STEP_MODELS:
            rest = rest[1:]
        step_id = _step_id(data.get(str(section)), names[1])
        names = [step_id or f"{section}[{position}]", *rest]
    return ".".join(str(name) for name in names)


def _step_id(section: object, position: int) -> str | None:
    """The id of a step in data that is not valid, or None when it has none."""
    step = section[position] if isinstance(section, list) else None
    return step.get("id") if isinstance(step, dict) else None


def _known_keys(location: Location) -> list[str]:
    """The keys of the table that holds the unknown one."""
    table: type = r.Recipe
    for name in location[:-1]:
        if not isinstance(name, str):
            continue
        if table is r.Recipe and name in STEP_MODELS:
            table = STEP_MODELS[name]
        elif name in TERM_MODELS:
            table = TERM_MODELS[name]
        else:
            table = _table_below(table, name) or table
    return sorted(_keys(table))


def _keys(table: type) -> list[str]:
    if issubclass(table, Strict):
        return [field.alias or name for name, field in table.model_fields.items()]
    assert is_dataclass(table), table
    return [field.name for field in fields(table)]


def _table_below(table: type, name: str) -> type | None:
    """The table that a key of a table holds, or None when its value is no table."""
    if not issubclass(table, Strict) or name not in table.model_fields:
        return None
    annotation = table.model_fields[name].annotation
    for candidate in (annotation, *getattr(annotation, "__args__", ())):
        if not isinstance(candidate, type):
            continue
        if issubclass(candidate, Strict) or is_dataclass(candidate):
            return candidate
    return None


# -- what no key alone can show -------------------------------------------------------------------


def problems_of(recipe: r.Recipe) -> list[str]:
    """What no key alone can show: ids, inputs, an order that cannot work, prompts that are
    missing.
    """
    return [*_ids(recipe), *_steps(recipe), *_prompts(recipe), *_early_stop(recipe)]


def _ids(recipe: r.Recipe) -> Iterator[str]:
    taken: set[str] = set()
    for _, _, step in recipe.sections():
        if step.id in taken:
            yield f"{step.id}: two steps have this id"
        taken.add(step.id)


def needs(step: r.RecipeStep) -> tuple[tuple[str, ...], ...]:
    """The stages whose rows a step reads: of each tuple at least one must have been done."""
    match step:
        case r.Inquire(about="mistakes"):
            return (("exam",),)
        case r.Inquire(about="unsolved", input=named) if named:
            return (("exam",),)
        case r.Review():
            return (("inquire",),)
        case r.Select():
            return _select_needs(step.per_question)
        case r.Soften() | r.Train():
            return (("select",),)
    return ()


def _select_needs(per_question: r.PerQuestion) -> tuple[tuple[str, ...], ...]:
    needed: list[tuple[str, ...]] = []
    if per_question.feedback or per_question.rationale:
        needed.append(("review", "inquire"))
    if per_question.own:
        needed.append(("exam",))
    return tuple(needed)


def named_inputs(step: r.RecipeStep) -> tuple[str, ...]:
    """The step ids a step names as its input."""
    named = getattr(step, "input", ())
    if isinstance(named, str):
        return (named,) if named else ()
    return tuple(named)


def _steps(recipe: r.Recipe) -> Iterator[str]:
    """Each step's problems, given the steps before it."""
    earlier: list[r.RecipeStep] = []
    for _, _, step in recipe.sections():
        yield from _inputs(step, earlier)
        if isinstance(step, r.Exam) and step.beyond and step.split != "train":
            yield f"{step.id}.beyond: only an exam on the train split goes beyond the run's questions"
        if isinstance(step, r.Inquire):
            yield from _writing(step, earlier)
        if isinstance(step, r.Select) and step.per_question.own and step.enabled:
            yield from _own(step, earlier)
        if isinstance(step, r.Review) and step.is_calibrated and step.enabled:
            yield from _labels(step, earlier)
        if isinstance(step, r.Train):
            yield from _loss(step, earlier)
            yield from _best_epoch(step)
        earlier.append(step)


def _inputs(step: r.RecipeStep, earlier: list[r.RecipeStep]) -> Iterator[str]:
    """The steps that a step names, and those it needs without naming them."""
    needed = needs(step)
    wanted = [stage for stages in needed for stage in stages]
    by_id = {other.id: other for other in earlier}
    off: list[str] = []
    for name in named_inputs(step):
        if name not in by_id:
            yield f"{step.id}.input: no earlier step is called {name!r}"
            continue
        if by_id[name].stage not in wanted:
            yield f"{step.id}.input: {name!r} is of stage {by_id[name].stage}, not {' or '.join(wanted)}"
        if not by_id[name].enabled:
            off.append(name)
    if not step.enabled:
        return
    if off:
        verb = "is" if len(off) == 1 else "are"
        yield f"{step.id}.input: {' and '.join(off)} {verb} switched off"
    done = {other.stage for other in earlier if other.enabled}
    for stages in needed:
        if not done.intersection(stages):
            stage = " or ".join(stages)
            yield f"{step.id}: a {step.stage} step needs an earlier {stage} step, and there is none"


def _enabled_exams(earlier: Iterable[r.RecipeStep], split: str) -> list[r.Exam]:
    exams = [step for step in earlier if isinstance(step, r.Exam) and step.enabled]
    return [exam for exam in exams if exam.split == split]


def _writing(step: r.Inquire, earlier: list[r.RecipeStep]) -> Iterator[str]:
    """What an inquire step writes, and what about."""
    exams = [exam for exam in _enabled_exams(earlier, "train") if step.input in ("", exam.id)]
    if step.about == "mistakes" and not exams:
        yield f"{step.id}: mistakes come from an exam on the train split, and no earlier step is one"
    checked = step.write.rationale or step.write.repair
    if step.about == "questions" and step.write.feedback and not checked:
        yield f'{step.id}.write.feedback: a feedback explains a mistake; set about = "mistakes"'
    if step.about == "questions" and step.write.repair:
        yield (
            f"{step.id}.write.repair: a repair corrects a mistake; "
            'set about = "mistakes" or "unsolved"'
        )
    if step.about == "unsolved" and not exams:
        yield from _without_attempts(step)
    if step.turns and not checked:
        yield (
            f"{step.id}.turns: a turn ends with right answers, and a feedback gives none; "
            "write a rationale or a repair too"
        )
    if step.nearest and step.about == "mistakes":
        yield (
            f"{step.id}.nearest: it looks at the first questions, and who is asked about mistakes "
            'may not have seen them; set about = "questions" or "unsolved"'
        )
    if not (step.write.feedback or checked):
        yield f"{step.id}.write: nothing to write; name feedback, rationale or repair"


def _without_attempts(step: r.Inquire) -> Iterator[str]:
    """What cannot be written about unsolved questions where no exam shows the student's attempts."""
    for form in ("feedback", "repair"):
        if getattr(step.write, form):
            yield (
                f"{step.id}.write.{form}: the student's attempts come from an exam on the train "
                "split, and no earlier step is one; write a rationale instead"
            )


def _own(step: r.Select, earlier: list[r.RecipeStep]) -> Iterator[str]:
    """Where the student's own answers come from."""
    exams = [exam.id for exam in _enabled_exams(earlier, "train") if exam.role == "student"]
    named = {other.id for other in earlier if other.stage == "exam"} & set(named_inputs(step))
    for name in sorted(named - set(exams)):
        yield f"{step.id}.input: {name!r} is no exam of the student on the train split"
    takes_explanations = step.per_question.feedback or step.per_question.rationale
    if takes_explanations and named and named == set(named_inputs(step)):
        yield f"{step.id}.input: it names exams alone; name the steps of the explanations too"
    if not exams:
        yield (
            f"{step.id}.per_question.own: own answers come from an exam of the student on the "
            "train split, and no earlier step is one"
        )


def _best_epoch(step: r.Train) -> Iterator[str]:
    """The epochs to choose from are trained."""
    listed = step.best_epoch.epochs if step.best_epoch else ()
    if listed and max(listed) > step.most_epochs:
        key = "until.epochs" if step.until else "epochs"
        yield (
            f"{step.id}.best_epoch.epochs: there is no epoch {max(listed)}, "
            f"{step.id}.{key} is {step.most_epochs}"
        )


def _labels(step: r.Review, earlier: list[r.RecipeStep]) -> Iterator[str]:
    """What a calibrated gate is fitted on: rationales, and verdicts that cost little."""
    inquiries = [other for other in earlier if isinstance(other, r.Inquire) and other.enabled]
    checked = [each for each in inquiries if each.write.rationale or each.write.repair]
    if inquiries and not checked:
        yield (
            f"{step.id}.accept.gate: votes are calibrated on rationales, "
            "and no earlier inquire step writes any"
        )
    if step.mode == "reasoned" and step.sampling.max_tokens > LONGEST_VERDICT:
        yield (
            f"{step.id}.accept.gate: a calibrated verdict takes one pass or at most "
            f'{LONGEST_VERDICT} tokens; set {step.id}.mode = "direct" '
            f"or {step.id}.sampling.max_tokens = {LONGEST_VERDICT}"
        )


def _loss(step: r.Train, earlier: list[r.RecipeStep]) -> Iterator[str]:
    """The problems of a loss: of each term, of all together, of the steps that they need."""
    lesson_kinds = _lesson_kinds(earlier)
    for term in step.loss:
        if not isinstance(term, r.CrossEntropy):
            continue
        if lesson_kinds and term.kind not in lesson_kinds:
            yield f"{step.id}.loss: no earlier select makes lessons of kind {term.kind!r}"
        if term.weights and not term.each_teacher:
            yield f"{step.id}.loss: weights are one per teacher, and so need each_teacher = true"
    names = [term.term for term in step.loss]
    repeated = {name for name in names if names.count(name) > 1}
    for name in sorted(repeated - {"ce"}):
        yield f"{step.id}.loss: two {name} terms; one is enough, with the sum of their weights"
    if ("lm" in names) == ("ce" in names):
        yield f"{step.id}.loss: name either ce terms or one lm term: a lesson's tokens belong to one mean"
    softened = any(other.stage == "soften" and other.enabled for other in earlier)
    if "kl" in names and not softened:
        yield f"{step.id}.loss: a kl term needs an earlier soften step"
    exams = [exam for exam in _enabled_exams(earlier, "train") if exam.role == "student"]
    if "triplet" in names and not exams:
        yield f"{step.id}.loss: a triplet term needs the student's mistakes, and no earlier step is its exam on train"


def _lesson_kinds(earlier: Iterable[r.RecipeStep]) -> set[str]:
    """The kinds of lessons that earlier select steps draw."""
    kinds: set[str] = set()
    for step in earlier:
        if isinstance(step, r.Select):
            kinds |= step.per_question.kinds
    return kinds


def _prompts(recipe: r.Recipe) -> Iterator[str]:
    wanted: set[str] = set()
    for _, _, step in recipe.sections():
        wanted |= _prompts_of(step)
    for name in sorted(wanted - set(recipe.prompts)):
        yield f"prompts/{name}.md is missing"
    for name, source in sorted(recipe.prompts.items()):
        try:
            compiles(source)
        except TemplateFault as fault:
            yield f"prompts/{name}.md: {fault.said}"
            if fault.problem == "limit":  # each of these takes seconds
                return


def _prompts_of(step: r.RecipeStep) -> set[str]:
    """The names of the templates that a step renders."""
    match step:
        case r.Exam():
            return {f"ask-{step.ask}"}
        case r.Inquire():
            names = {f"write-{form}" for form, asked in step.write if asked}
            # a rationale is asked for where there is nothing to repair
            return names | {"write-rationale"} if step.write.repair else names
        case r.Review(mode="reasoned" | "direct"):
            labels = {"review-rationale"} if step.is_calibrated else set()
            return labels | {f"review-{kind}" for kind in step.of}
        case r.Train(best_epoch=r.BestEpoch() as exam):
            return {f"ask-{exam.ask}"}
        case r.Select():
            # an own answer has the prompt of the exam that it was given in
            taken = step.per_question.model_copy(update={"own": 0})
            return {f"ask-{kind}" for kind in taken.kinds}
    return set()


def _early_stop(recipe: r.Recipe) -> Iterator[str]:
    if recipe.early_stop is None:
        return
    named = recipe.early_stop.exam
    exams = [s.id for s in recipe.round if isinstance(s, r.Exam) and s.split == "dev"]
    if named not in exams:
        yield f"early_stop.exam: {named!r} is not an exam on dev in the round"
