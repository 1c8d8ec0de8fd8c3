"""What decides an adapter, from the record alone: lessons, settings, soft labels, contrasts.

Reads a run's rows; writes nothing. No model is loaded to know it, so that a trained adapter is
found again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from localfair.committee.seating import Member
from localfair.machine.hardware import usual_precision
from localfair.recipe.schema import CrossEntropy, Divergence, LanguageModel, Train, Triplet
from localfair.record.made import Lesson, SoftLabel
from localfair.record.nouns import content_id
from localfair.record.tables import SOFT_LABELS
from localfair.stages.contrasts import Pair, pairs
from localfair.stages.step import Work, of_stage

Term = TypeVar("Term", CrossEntropy, Divergence, LanguageModel, Triplet)


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that decides an adapter.

    soft: the mentor's labels by a lesson's tokens, where the loss has a kl term. pairs: by lesson,
    where it has a triplet term. parent: the adapter it goes on from. template: the chat template
    that the base's card puts in front of the weights' own. enable_thinking: what the recipe says of
    thinking in the exams that lessons are like. compute: the precision that this machine
    multiplies in.
    """

    step: Train
    member: Member
    seed: int
    lessons: list[Lesson]
    soft: dict[str, SoftLabel]
    pairs: dict[str, Pair]
    parent: str | None
    template: str | None
    enable_thinking: bool | None
    compute: Literal["bf16", "fp32"] = field(default_factory=usual_precision)

    @property
    def id(self) -> str:
        """The hash of the base, the lessons in order and the settings."""
        # through JSON, so that tuples and lists of the same values have one hash
        settings = json.loads(json.dumps(settings_of(self)))
        return content_id(
            "adapter",
            role=self.step.role,
            base=self.member.seat.fingerprint,
            lessons=[lesson.id for lesson in self.lessons],
            settings=settings,
            **self._later(),
        )

    def _later(self) -> dict[str, Any]:
        """What came to recipes after the first release: it enters only where it is used.

        So adapters of older records keep their ids.
        """
        parts: dict[str, Any] = {}
        if self.parent:
            parts["parent"] = self.parent
        if self.template:
            parts["template"] = self.template
        model = self.member.model
        if model.template_id != model.chat_template_hash:
            parts["told"] = model.template_id
        if self.enable_thinking is not None:
            parts["enable_thinking"] = self.enable_thinking
        if self.soft:
            parts["soft"] = sorted(label.id for label in self.soft.values())
        if self.pairs:
            pairs_in_order = sorted(self.pairs.items())
            parts["pairs"] = [[lesson, p.explanation, p.answer] for lesson, p in pairs_in_order]
        loss = loss_settings(self.step)
        if loss:
            parts["loss"] = loss
        if self.step.best_epoch:
            best_epoch = self.step.best_epoch.model_dump(mode="json")
            if not best_epoch["epochs"]:  # it came later: all of them
                del best_epoch["epochs"]
            parts["best_epoch"] = best_epoch
        return parts


def plan(work: Work, step: Train) -> Plan:
    """What this step trains."""
    lessons = [lesson for lesson in work.rows.lessons(step) if mean_of(step, lesson)]
    member = work.committee.of(step.role)[0]
    goes_on = step.start == "last" and member.seat.adapter
    return Plan(
        step=step,
        member=member,
        seed=work.seed,
        lessons=lessons,
        soft=_soft_labels(work) if term(step, Divergence) else {},
        pairs=pairs(work, lessons) if term(step, Triplet) else {},
        parent=member.seat.adapter if goes_on else None,
        template=member.chat_template,
        enable_thinking=work.enable_thinking(step.role),
    )


def _soft_labels(work: Work) -> dict[str, SoftLabel]:
    """The soft labels of the latest soften step, by the tokens of the lesson they are of."""
    softened = of_stage(work.rows.done, "soften")
    labels = work.rows.of(SOFT_LABELS, softened[-1:])
    return {label.key.tokens: label for label in labels}


def term(step: Train, kind: type[Term]) -> Term | None:
    """The first term of a kind in the step's loss."""
    for candidate in step.loss:
        if isinstance(candidate, kind):
            return candidate
    return None


def mean_of(step: Train, lesson: Lesson) -> tuple[str, float] | None:
    """(name, weight) of the mean that a lesson's tokens belong to, or None when the loss has none
    for it.

    There is one mean for all lessons, one per kind, or one per kind and teacher, with one more for
    the student's own.
    """
    for candidate in step.loss:
        if isinstance(candidate, LanguageModel):
            return candidate.term, candidate.weight
        if isinstance(candidate, CrossEntropy) and candidate.kind == lesson.kind:
            name: str = candidate.kind
            if candidate.each_teacher:
                author = "own" if lesson.own else lesson.teacher
                name = f"{candidate.kind}:{author}"
            return name, candidate.weight_of(lesson.teacher)
    return None


def settings_of(plan: Plan) -> dict[str, Any]:
    """The trainer's settings, from the recipe's words.

    They are hashed into the adapter's id. A setting that came after the first release is left out
    where it has its default, so that older adapters keep their ids.
    """
    step = plan.step
    settings = {
        "terms": _terms(plan),
        "rank": step.adapter.rank,
        "alpha": step.adapter.alpha,
        "dropout": step.adapter.dropout,
        "targets": step.adapter.targets,
        "learning_rate": step.learning_rate,
        "schedule": step.schedule,
        "warmup": step.warmup,
        "epochs": step.most_epochs,
        "batch_size": step.batch,
        "accumulation": step.accumulation,
        "max_length": step.max_length,
        "weight_decay": step.weight_decay,
        "clip": step.clip,
        "seed": plan.seed,
        "quantise": "nf4" if step.adapter.method == "qlora" else "none",
        "gradient_checkpointing": step.gradient_checkpointing,
    }
    if step.group_by_length:
        settings["group_by_length"] = True
    if step.one_question_a_batch:
        settings["one_question_a_batch"] = True
    if step.until:
        settings["until"] = step.until.accuracy
    if plan.compute != "bf16":
        settings["compute"] = plan.compute
    if plan.soft:
        # all soft labels of a run were made at one temperature, over one vocabulary
        label = next(iter(plan.soft.values()))
        settings["tau"] = label.key.tau
        settings["vocabulary"] = label.key.vocabulary
    return settings


def _terms(plan: Plan) -> list[tuple[str, float]]:
    """(name, weight) of every mean and every term that the loss is the sum of."""
    means = {mean_of(plan.step, lesson) for lesson in plan.lessons}
    terms = sorted(mean for mean in means if mean is not None)
    for candidate in plan.step.loss:
        if isinstance(candidate, Divergence | Triplet):
            terms.append((candidate.term, candidate.weight))
    return terms


def loss_settings(step: Train) -> dict[str, Any]:
    """What the loss says of lessons rather than of the trainer."""
    settings: dict[str, Any] = {}
    language_model = term(step, LanguageModel)
    if language_model:
        settings["prompt_weight"] = language_model.prompt_weight
    triplet = term(step, Triplet)
    if triplet:
        settings["max_tokens"] = triplet.max_tokens
    return settings
