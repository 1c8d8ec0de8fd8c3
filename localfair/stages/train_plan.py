"""What decides an adapter, from the record alone: lessons, settings, soft labels, contrasts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from localfair.committee.seating import Member
from localfair.machine.hardware import usual_precision
from localfair.recipe.schema import CrossEntropy, Divergence, LanguageModel, Train, Triplet
from localfair.record.nouns import content_id
from localfair.record.store import Row
from localfair.stages.contrasts import Pair, pairs
from localfair.stages.step import Work

if TYPE_CHECKING:
    pass


Term = TypeVar("Term", CrossEntropy, Divergence, LanguageModel, Triplet)


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that decides an adapter: known without loading a model."""

    step: Train
    member: Member
    seed: int
    lessons: list[Row]
    soft: dict[str, Row]  # the mentor's labels by the lesson's tokens, where the loss has a kl term
    pairs: dict[str, Pair]  # by lesson, where it has a triplet term
    parent: str | None  # the adapter it goes on from
    template: str | None  # the chat template that the base's card puts in the member of its own

    @property
    def id(self) -> str:
        """The hash of base, lessons in order, settings; what came to recipes later enters only where it is used."""
        return content_id(
            "adapter", role=self.step.role, base=self.member.seat.fingerprint,
            lessons=[lesson["id"] for lesson in self.lessons],
            settings=json.loads(json.dumps(settings_of(self))), **self._later(),
        )  # fmt: skip

    def _later(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "parent": self.parent, "template": self.template, "soft": sorted(row["id"] for row in self.soft.values()),
            "pairs": [[lesson, pair.explanation, pair.answer] for lesson, pair in sorted(self.pairs.items())],
            "loss": method_of(self.step),
            "best_epoch": self.step.best_epoch.model_dump(mode="json") if self.step.best_epoch else None,
        }  # fmt: skip
        return {name: value for name, value in found.items() if value}


def plan(work: Work, step: Train) -> Plan:
    """What this step trains, from the record alone."""
    rows = work.rows("lessons", "lesson", work.earlier(step, ("select",)))
    lessons = [row for row in rows if not row["dropped"] and term_of(step, row)]
    member = work.committee.of(step.role)[0]
    softened = (
        [d for d in work.done if d.step.stage == "soften"][-1:] if term(step, Divergence) else []
    )
    return Plan(
        step=step, member=member, seed=work.seed, lessons=lessons,
        soft={row["tokens"]: row for row in work.rows("soft_labels", "soft_label", softened)},
        pairs=pairs(work, lessons) if term(step, Triplet) else {},
        parent=(member.seat.adapter or None) if step.start == "last" else None,
        template=work.chat_template(step.role),
    )  # fmt: skip


def term(step: Train, kind: type[Term]) -> Term | None:
    """The first term of a kind in the step's loss."""
    return next((t for t in step.loss if isinstance(t, kind)), None)


def term_of(step: Train, lesson: Row) -> tuple[str, float] | None:
    """(name, weight) of the mean that a lesson's tokens belong to: one for all, per kind, or per kind and teacher."""
    for t in step.loss:
        if isinstance(t, LanguageModel):
            return t.term, t.weight
        if isinstance(t, CrossEntropy) and t.kind == lesson["kind"]:
            name = f"{t.kind}:{lesson['teacher']}" if t.each_teacher else t.kind
            return name, t.weight_of(lesson["teacher"])
    return None


def settings_of(planned: Plan) -> dict[str, Any]:
    """The engine's settings, from the recipe's words; those with a default that was not changed are left out."""
    step = planned.step
    terms = sorted({named for lesson in planned.lessons if (named := term_of(step, lesson))})
    terms += [(t.term, t.weight) for t in step.loss if isinstance(t, Divergence | Triplet)]
    later: dict[str, Any] = {
        name: True for name in ("group_by_length", "one_question_a_batch") if getattr(step, name)
    }
    if (compute := usual_precision()) != "bf16":
        later["compute"] = compute
    if planned.soft:
        (row, *_) = planned.soft.values()
        later |= {name: row[name] for name in ("tau", "vocabulary")}
    return {
        "terms": terms, "rank": step.adapter.rank, "alpha": step.adapter.alpha, "dropout": step.adapter.dropout,
        "targets": step.adapter.targets, "learning_rate": step.learning_rate, "schedule": step.schedule,
        "warmup": step.warmup, "epochs": step.epochs, "batch_size": step.batch, "accumulation": step.accumulation,
        "max_length": step.max_length, "weight_decay": step.weight_decay, "clip": step.clip, "seed": planned.seed,
        "quantise": "nf4" if step.adapter.method == "qlora" else "none",
        "gradient_checkpointing": step.gradient_checkpointing, **later,
    }  # fmt: skip


def method_of(step: Train) -> dict[str, Any]:
    """What the loss says of lessons rather than of the engine."""
    lm, triplet = term(step, LanguageModel), term(step, Triplet)
    return ({"prompt_weight": lm.prompt_weight} if lm else {}) | (
        {"max_tokens": triplet.max_tokens} if triplet else {}
    )
