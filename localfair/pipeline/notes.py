"""What is said when a run begins, of its models and what they are told.

Reads an order and its members; writes nothing. Knows nothing of how a step is done.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from localfair.committee.seating import Member
from localfair.models import Model
from localfair.pipeline.checks import forbidding
from localfair.pipeline.orders import Order, steps_until
from localfair.recipe.schema import Exam, Inquire, RecipeStep, Review, Train
from localfair.record.licences import ModelTerms
from localfair.record.nouns import Sampling

ENOUGH_TO_THINK = 2048  # tokens of a reply; Qwen3 and SmolLM3 often need more on a hard one (ours)


@dataclass(frozen=True, slots=True)
class Asked:
    """Who replies in a step, and within which limits."""

    member: Member
    step: str  # as `--set` names it
    sampling: Sampling


def notes(order: Order, members: list[Member], until: str | None) -> list[str]:
    """A line for the date, where a chat template writes it, one for each teacher whose terms forbid
    what is done, and one for each model whose thinking will probably be cut.
    """
    lines = []
    dated = dated_models(members)
    if dated:
        lines.append(
            f"the chat template of {' and '.join(dated)} writes the date: "
            f"{order.date.isoformat()} in this record (--date sets another)"
        )
    for name, terms in forbidding(members, steps_until(order.recipe, until)):
        lines.append(f"warning: the terms of {name} forbid to train others on its replies: {terms}")
    asked: list[Asked] = []
    for step in steps_until(order.recipe, until):
        asked += asked_in(step, members)
    return lines + cut_thinking(asked)


def dated_models(members: Iterable[Member]) -> list[str]:
    """The names of the models whose chat templates write the date."""
    return sorted({member.model.name for member in members if member.model.is_dated})


def terms_of(members: Iterable[Member]) -> list[ModelTerms]:
    """What the members' cards say of their terms, once for each role of a model."""
    terms = {}
    for member in members:
        model = member.model
        card = model.card if isinstance(model, Model) else None
        terms[(member.seat.role, model.name)] = ModelTerms(
            role=member.seat.role,
            model=model.name,
            licence=card.licence if card else "none: a script",
            outputs=card.output_terms if card else "none: a script",
            may_train=card.may_train if card else True,
        )
    return list(terms.values())


def cut_thinking(asked: Iterable[Asked]) -> list[str]:
    """A line for each model that thinks and is asked with too few tokens to end it."""
    lines: dict[str, str] = {}
    for each in asked:
        model = each.member.model
        if not isinstance(model, Model) or not thinks(model, each.sampling):
            continue
        limit = each.sampling.max_tokens
        if limit >= ENOUGH_TO_THINK or model.name in lines:
            continue
        lines[model.name] = (
            f"warning: {model.name} thinks before it answers, and the {limit} tokens of "
            f"{each.step} will probably cut that: --set {each.step}.sampling.max_tokens="
            f"{ENOUGH_TO_THINK} or more, or --set {each.step}.sampling.enable_thinking=false"
        )
    return list(lines.values())


def thinks(model: Model, sampling: Sampling) -> bool:
    """Whether a model thinks before a reply that is drawn so."""
    if sampling.enable_thinking is not None:
        return model.card.thinks and sampling.enable_thinking
    return model.card.thinks and model.settings.enable_thinking is not False


def asked_in(step: RecipeStep, members: list[Member]) -> Iterator[Asked]:
    """Who of the members replies in a step."""
    match step:
        case Exam() | Inquire():
            role: str = step.role
            sampling = step.sampling
            name = step.id
        case Review(mode="reasoned"):
            roles = {member.seat.role for member in members}
            role = "reviewer" if "reviewer" in roles else "teacher"
            sampling = step.sampling
            name = step.id
        case Train() if step.best_epoch is not None:
            role = step.role
            sampling = step.best_epoch.sampling
            name = f"{step.id}.best_epoch"
        case _:
            return
    for member in members:
        if member.seat.role == role:
            yield Asked(member, name, sampling)
