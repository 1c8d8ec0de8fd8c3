"""What a switched-off part of a recipe takes with it: one `--set` leaves any part out.

Reads and returns a recipe. Knows nothing of files, models or the store.
"""

from __future__ import annotations

from localfair.recipe.schema import (
    SECTIONS,
    Asked,
    CrossEntropy,
    Divergence,
    Exam,
    Inquire,
    LossTerm,
    Recipe,
    RecipeStep,
    Review,
    Select,
    Soften,
    Train,
)


def settle(recipe: Recipe) -> Recipe:
    """The recipe whose steps name only what is done.

    A step that names a review that is off reads what the review would have read. The name of an
    inquire that is off is dropped where others remain, and a review of nothing is off too. Without
    turns nobody is chosen by the questions most alike. A select step that takes no own answers
    names no exam, and one that takes these alone nothing else. A kl term goes with its soften step,
    a term of weight 0 goes where others remain; what is left keeps its weights. Names that no step
    has are kept. The exams that choose an epoch ask as the last exam does, unless they say how.
    """
    ask = _asked_last(recipe)
    earlier: list[RecipeStep] = []
    sections: dict[str, tuple[RecipeStep, ...]] = {}
    for section in SECTIONS:
        start = len(earlier)
        for step in getattr(recipe, section):
            earlier.append(_settled(_asking(step, ask), earlier))
        sections[section] = tuple(earlier[start:])
    return recipe.model_copy(update=sections)


def _asked_last(recipe: Recipe) -> Asked:
    """What the recipe's last exam asks a student for, on whatever split."""
    ask: Asked = "rationale"
    for _, _, step in recipe.sections():
        if isinstance(step, Exam) and step.role == "student":
            ask = step.ask
    return ask


def _asking(step: RecipeStep, ask: Asked) -> RecipeStep:
    """A step whose exams on dev ask for this where it does not say what; a mentor's, for rationales."""
    if not isinstance(step, Train) or step.best_epoch is None or step.best_epoch.ask:
        return step
    kind = ask if step.role == "student" else "rationale"
    return step.model_copy(update={"best_epoch": step.best_epoch.model_copy(update={"ask": kind})})


def _settled(step: RecipeStep, earlier: list[RecipeStep]) -> RecipeStep:
    """One step, given the settled steps before it."""
    named = getattr(step, "input", ())
    if isinstance(named, tuple) and named:
        step = _with_inputs(step, _all_inputs(named, earlier))
    if isinstance(step, Inquire) and not step.turns:
        step = step.model_copy(update={"nearest": 0})
    if isinstance(step, Select):
        step = _without_unread(step, earlier)
    if isinstance(step, Train):
        step = step.model_copy(update={"loss": _loss(step, earlier)})
    return step


def _with_inputs(step: RecipeStep, inputs: list[str]) -> RecipeStep:
    """A step that reads these steps; a review of none is off."""
    if inputs:
        return step.model_copy(update={"input": tuple(dict.fromkeys(inputs))})
    if isinstance(step, Review):
        return step.model_copy(update={"enabled": False})
    return step


def _without_unread(step: Select, earlier: list[RecipeStep]) -> Select:
    """A select step that names no exam where it takes no own answers, and no explanations where it
    takes none; as it was, where no name would be left.
    """
    wants_explanations = bool(step.per_question.feedback or step.per_question.rationale)
    unread: set[str] = set()
    for other in earlier:
        is_read = bool(step.per_question.own) if isinstance(other, Exam) else wants_explanations
        if isinstance(other, Exam | Inquire | Review) and not is_read:
            unread.add(other.id)
    left = tuple(name for name in step.input if name not in unread)
    return step.model_copy(update={"input": left}) if left else step


def _all_inputs(names: tuple[str, ...], earlier: list[RecipeStep]) -> list[str]:
    inputs: list[str] = []
    for name in names:
        inputs += _inputs_of(name, earlier)
    return inputs


def _inputs_of(name: str, earlier: list[RecipeStep]) -> list[str]:
    """The steps that a name stands for.

    A step that is on stands for itself, a review that is off for what it reads, an inquire that is
    off for nothing.
    """
    ids = [step.id for step in earlier]
    if name not in ids:
        return [name]
    position = ids.index(name)
    step = earlier[position]
    if step.enabled:
        return [name]
    if isinstance(step, Review):
        before = earlier[:position]
        return _all_inputs(step.input or _nearest_inquire(before), before)
    return []


def _nearest_inquire(earlier: list[RecipeStep]) -> tuple[str, ...]:
    """What a review reads that names no input: the last inquire step that is on."""
    inquires = [step.id for step in earlier if isinstance(step, Inquire) and step.enabled]
    return tuple(inquires[-1:])


def _loss(step: Train, earlier: list[RecipeStep]) -> tuple[LossTerm, ...]:
    """The loss without what is off; as it was, where nothing else would be left."""
    softens = [other.enabled for other in earlier if isinstance(other, Soften)]
    all_softens_off = bool(softens) and not any(softens)
    kept: list[LossTerm] = []
    for term in step.loss:
        is_off = isinstance(term, Divergence) and all_softens_off
        if _has_weight(term) and not is_off:
            kept.append(term)
    return tuple(kept) or step.loss


def _has_weight(term: LossTerm) -> bool:
    if isinstance(term, CrossEntropy) and term.weights:
        return any(term.weights)
    return term.weight > 0
