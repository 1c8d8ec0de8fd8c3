"""What a switched-off part of a recipe takes with it, so that one `--set` is enough to leave any part out.

Reads and returns a recipe. Knows nothing of files, models or the store.
"""

from __future__ import annotations

from localfair.recipe.schema import (
    SECTIONS,
    AnyStep,
    CrossEntropy,
    Divergence,
    Inquire,
    LossTerm,
    Recipe,
    Review,
    Soften,
    Train,
)


def settle(recipe: Recipe) -> Recipe:
    """The recipe whose steps name only what is done.

    A step that names a review that is off reads what the review would have read; a name of an inquire that is
    off is dropped where others remain, and a review of nothing is off too. A kl term goes with its soften step,
    a term of weight 0 goes where others remain; what is left keeps its weights. Names nobody has are kept.
    """
    settled: list[AnyStep] = []
    sections = {
        section: [_settled(step, settled) for step in getattr(recipe, section)]
        for section in SECTIONS
    }
    return recipe.model_copy(update={name: tuple(steps) for name, steps in sections.items()})


def _settled(step: AnyStep, earlier: list[AnyStep]) -> AnyStep:
    """One step, added to those before it."""
    named = getattr(step, "input", ())
    if isinstance(named, tuple) and named:
        step = _rewired(step, [target for name in named for target in _targets(name, earlier)])
    if isinstance(step, Train):
        step = step.model_copy(update={"loss": _terms(step, earlier)})
    earlier.append(step)
    return step


def _rewired(step: AnyStep, targets: list[str]) -> AnyStep:
    if targets:
        return step.model_copy(update={"input": tuple(dict.fromkeys(targets))})
    return step.model_copy(update={"enabled": False}) if isinstance(step, Review) else step


def _targets(name: str, earlier: list[AnyStep]) -> list[str]:
    """The steps a name stands for: itself; what a review that is off reads; none of an inquire that is off."""
    at = next((i for i, step in enumerate(earlier) if step.id == name), None)
    if at is None or earlier[at].enabled:
        return [name]
    found = earlier[at]
    if isinstance(found, Review):
        inquired = [step.id for step in earlier[:at] if isinstance(step, Inquire) and step.enabled]
        inputs = found.input or tuple(inquired[-1:])
        return [target for i in inputs for target in _targets(i, earlier[:at])]
    return []


def _terms(step: Train, earlier: list[AnyStep]) -> tuple[LossTerm, ...]:
    """The loss without what is off; as it was, where nothing else would be left."""
    softens = [s for s in earlier if isinstance(s, Soften)]
    off = bool(softens) and not any(s.enabled for s in softens)
    kept = tuple(t for t in step.loss if _weighs(t) and not (off and isinstance(t, Divergence)))
    return kept or step.loss


def _weighs(term: LossTerm) -> bool:
    weights = (term.weights or (term.weight,)) if isinstance(term, CrossEntropy) else (term.weight,)
    return any(weights)
