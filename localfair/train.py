"""train: lessons become an adapter, and the role sits with it from then on.

Reads lessons, what the loss wants beside them (soft labels, contrasts) and a base model's safetensors; writes the
adapter's folder beside the database, its row, its curve and which lessons it learned. The training itself is
`qlora`; torch loads only when it is needed.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from localfair.committee import Place
from localfair.contrasts import Pair, pairs
from localfair.epochs import keep_best
from localfair.processor import usual_precision
from localfair.records import Message, content_id
from localfair.rounds import Standing, best
from localfair.store import Row, file_sha256, now
from localfair.vocabulary import CrossEntropy, Divergence, LanguageModel, Train, Triplet
from localfair.work import Work

if TYPE_CHECKING:
    from localfair.lessons import Dropped
    from localfair.training.qlora import TrainResult
    from localfair.training.term_trainer import Example

Term = TypeVar("Term", CrossEntropy, Divergence, LanguageModel, Triplet)


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that decides an adapter: known without loading a model."""

    step: Train
    place: Place
    seed: int
    lessons: list[Row]
    soft: dict[str, Row]  # the mentor's labels by the lesson's tokens, where the loss has a kl term
    pairs: dict[str, Pair]  # by lesson, where it has a triplet term
    parent: str | None  # the adapter it goes on from
    template: str | None  # the chat template that the base's card puts in the place of its own

    @property
    def id(self) -> str:
        """The hash of base, lessons in order, settings; what came to recipes later enters only where it is used."""
        return content_id(
            "adapter", role=self.step.role, base=self.place.seat.fingerprint,
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
    place = work.committee.of(step.role)[0]
    softened = [d for d in work.done if d.step.stage == "soften"][-1:] if term(step, Divergence) else []
    return Plan(
        step=step, place=place, seed=work.seed, lessons=lessons,
        soft={row["tokens"]: row for row in work.rows("soft_labels", "soft_label", softened)},
        pairs=pairs(work, lessons) if term(step, Triplet) else {},
        parent=(place.seat.adapter or None) if step.start == "last" else None,
        template=work.chat_template(step.role),
    )  # fmt: skip


def train(work: Work, step: Train) -> dict[str, Any]:
    """Train, or find that the very same adapter was trained before; without lessons there is nothing to learn."""
    planned = plan(work, step)
    if not planned.lessons:
        return {"lessons": 0, "trained": 0}
    adapter = planned.id
    row = trained_before(work, adapter) or _train(work, planned)
    work.made("adapter", [adapter])
    work.made("lesson", [lesson["id"] for lesson in planned.lessons])
    work.seat_adapter(step.role, adapter, folder_of(work, adapter))
    triplets = {"triplets": len(planned.pairs)} if term(step, Triplet) else {}
    return {
        "lessons": len(planned.lessons), "trained": row["lessons"], **triplets, "steps": row["steps"],
        "first_loss": row["first_loss"], "last_loss": row["last_loss"], **_kept(row),
    }  # fmt: skip


def _kept(row: Row) -> dict[str, Any]:
    """Which epoch was kept and how it did on dev, where dev chose one."""
    standings = [Standing(n, right, answers, "") for n, right, answers in json.loads(row["epochs"])]
    if not standings:
        return {}
    kept = best(standings)
    return {"epoch_kept": kept.round, "dev": f"{kept.right}/{kept.answers}"}


def preview(work: Work, step: Train) -> list[str]:
    """One lesson of each kind as the base reads it, what is supervised between ⟦ and ⟧; nothing is trained."""
    from localfair.lessons import preview as shown
    from localfair.training.term_trainer import Example

    planned, found = plan(work, step), dict[str, str]()
    tokenizer = work.tokenizer(step.role)
    for lesson in planned.lessons:
        if lesson["kind"] not in found:
            example = _example(planned, tokenizer, lesson)
            text = shown(tokenizer, example.encoded) if isinstance(example, Example) else f"dropped: {example.reason}"
            found[lesson["kind"]] = f"--- {lesson['kind']} ({lesson['id']})\n{text}"
    return [found[kind] for kind in sorted(found)] or ["no lessons"]


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
    later: dict[str, Any] = {name: True for name in ("group_by_length", "one_question_a_batch") if getattr(step, name)}
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
        "quantise": "nf4" if step.adapter.kind == "qlora" else "none",
        "gradient_checkpointing": step.gradient_checkpointing, **later,
    }  # fmt: skip


def method_of(step: Train) -> dict[str, Any]:
    """What the loss says of lessons rather than of the engine."""
    lm, triplet = term(step, LanguageModel), term(step, Triplet)
    return ({"prompt_weight": lm.prompt_weight} if lm else {}) | ({"max_tokens": triplet.max_tokens} if triplet else {})


def relative_folder(work: Work, adapter: str) -> Path:
    """`<database>-adapters/<id>`, relative to the database, so that both can be moved together."""
    return Path(f"{work.store.path.stem}-adapters") / adapter.removeprefix("b2:")


def folder_of(work: Work, adapter: str) -> Path:
    """Where an adapter's files are."""
    return work.store.path.parent / relative_folder(work, adapter)


def trained_before(work: Work, adapter: str) -> Row | None:
    """The adapter's row, when its weights are still what was trained."""
    row = work.store.adapter(adapter)
    weights = folder_of(work, adapter) / "adapter_model.safetensors"
    if row is None or not weights.is_file() or file_sha256(weights) != row["sha256"]:
        return None
    return row | _summary(work, adapter)


def _summary(work: Work, adapter: str) -> Row:
    losses = [r["loss"] for r in work.store.rows("SELECT loss FROM curve WHERE adapter = ? ORDER BY step", adapter)]
    learned = work.store.one("SELECT COUNT(*) AS n FROM adapter_lessons WHERE adapter = ? AND dropped IS NULL", adapter)
    assert learned is not None
    tail = losses[-max(1, len(losses) // 10) :]
    return {
        "lessons": learned["n"],
        "first_loss": round(losses[0], 3),
        "last_loss": round(sum(tail) / len(tail), 3),
    }


def _train(work: Work, planned: Plan) -> Row:
    """Train in a folder of its own; the row is written when the weights are whole."""
    from localfair.training.qlora import TrainSettings
    from localfair.training.qlora import train as fit

    step, adapter = planned.step, planned.id
    base = work.base_folder(step.role)
    work.committee.close()  # the teachers' memory is the student's now
    examples, dropped = _examples(planned, work.tokenizer(step.role))
    folder = folder_of(work, adapter)
    if work.store.adapter(adapter):  # its weights were lost or changed: train anew
        shutil.rmtree(folder, ignore_errors=True)

    def report(at: dict[str, Any]) -> None:
        work.committee.report(at["step"], at["steps"], f"{step.id}: loss {at['loss']:.3f}")

    settings = TrainSettings(
        **settings_of(planned), checkpoint_every=step.checkpoint_every, keep_epochs=step.best_epoch is not None
    )
    start = folder_of(work, planned.parent) if planned.parent else None
    result = fit(base, examples, folder, settings, report, start)
    standings = keep_best(work, step, step.best_epoch, adapter, folder) if step.best_epoch else []
    row = _record(work, planned, result, dropped, standings)
    shutil.rmtree(folder / "epochs", ignore_errors=True)
    return row


def _examples(planned: Plan, tokenizer: Any) -> tuple[list[Example], dict[str, str]]:
    """Encoded lessons with their term, and why each of the others was dropped."""
    from localfair.training.term_trainer import Example

    made = {lesson["id"]: _example(planned, tokenizer, lesson) for lesson in planned.lessons}
    examples = [one for one in made.values() if isinstance(one, Example)]
    return examples, {i: one.reason for i, one in made.items() if not isinstance(one, Example)}


def _example(planned: Plan, tokenizer: Any, lesson: Row) -> Example | Dropped:
    """One lesson as the engine takes it, with its soft labels and its contrast."""
    from localfair.lessons import Contrast, Dropped, contrast, encode
    from localfair.training.soft_labels import Soft, tokens_id
    from localfair.training.term_trainer import Example

    step = planned.step
    messages = tuple(Message(*turn) for turn in json.loads(lesson["prompt"]))
    encoded = encode(tokenizer, messages, lesson["completion"], step.max_length)
    if isinstance(encoded, Dropped):
        return encoded
    soft, beside = None, None
    if term(step, Divergence):
        if (row := planned.soft.get(tokens_id(encoded))) is None:
            return Dropped("the mentor gave no soft labels for it")
        soft = Soft(row["top_k"], row["indices"], row["logprobs"])
    if (pair := planned.pairs.get(lesson["id"])) and (triplet := term(step, Triplet)):
        texts = (lesson["completion"], pair.positive, pair.negative)
        made = contrast(tokenizer, messages, texts, triplet.max_tokens)
        beside = made if isinstance(made, Contrast) else None
    named, lm = term_of(step, lesson), term(step, LanguageModel)
    assert named is not None
    return Example(
        encoded, named[0], lesson["weight"], lm.prompt_weight if lm else None, lesson["question"], soft, beside
    )  # fmt: skip


def _record(work: Work, planned: Plan, result: TrainResult, dropped: dict[str, str], standings: list[Standing]) -> Row:
    """The adapter's row, its lessons and its curve."""
    store, adapter = work.store, planned.id
    row = {
        "id": adapter, "role": planned.step.role, "base": planned.place.seat.fingerprint, "parent": planned.parent,
        "settings": json.dumps(settings_of(planned) | method_of(planned.step), sort_keys=True),
        "path": os.fspath(relative_folder(work, adapter)),
        "sha256": file_sha256(folder_of(work, adapter) / "adapter_model.safetensors"), "steps": result.steps,
        "seconds": result.seconds, "tokens": result.supervised_tokens, "peak_memory": result.peak_bytes,
        "tokens_per_second": result.tokens_per_second, "created": now(),
        "epochs": json.dumps([[s.round, s.right, s.answers] for s in standings]),
    }  # fmt: skip
    with store.db.atomic():
        store.forget_adapter(adapter)
        store.ensure("adapters", [row])
        store.ensure("adapter_lessons", list(_taught(adapter, planned.lessons, dropped)))
        store.ensure(
            "curve",
            [{"adapter": adapter, "step": s, "loss": loss, "learning_rate": rate} for s, loss, rate in result.curve],
        )
    return row | _summary(work, adapter)


def _taught(adapter: str, lessons: list[Row], dropped: dict[str, str]) -> Iterator[Row]:
    for position, lesson in enumerate(lessons):
        yield {
            "adapter": adapter, "position": position, "lesson": lesson["id"], "dropped": dropped.get(lesson["id"])
        }  # fmt: skip
