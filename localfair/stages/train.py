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
from typing import TYPE_CHECKING, Any

from localfair.machine.files import sha256_file
from localfair.recipe.rounds import Standing, best
from localfair.recipe.schema import Divergence, LanguageModel, Train, Triplet
from localfair.record.adapters import folder_of, relative_folder
from localfair.record.connection import now
from localfair.record.nouns import Message
from localfair.record.store import Row
from localfair.stages.epochs import keep_best
from localfair.stages.step import Work
from localfair.stages.train_plan import Plan, method_of, plan, settings_of, term, term_of

if TYPE_CHECKING:
    from localfair.training.encode import Dropped
    from localfair.training.qlora import TrainResult
    from localfair.training.trainer import Example


def train(work: Work, step: Train) -> dict[str, Any]:
    """Train, or find that the very same adapter was trained before; without lessons there is nothing to learn."""
    planned = plan(work, step)
    if not planned.lessons:
        return {"lessons": 0, "trained": 0}
    adapter = planned.id
    row = trained_before(work, adapter) or _train(work, planned)
    work.made("adapter", [adapter])
    work.made("lesson", [lesson["id"] for lesson in planned.lessons])
    work.seat_adapter(step.role, adapter, folder_of(work.store, adapter))
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
    from localfair.training.encode import preview as shown
    from localfair.training.trainer import Example

    planned, found = plan(work, step), dict[str, str]()
    tokenizer = work.tokenizer(step.role)
    for lesson in planned.lessons:
        if lesson["kind"] not in found:
            example = _example(planned, tokenizer, lesson)
            text = (
                shown(tokenizer, example.encoded)
                if isinstance(example, Example)
                else f"dropped: {example.reason}"
            )
            found[lesson["kind"]] = f"--- {lesson['kind']} ({lesson['id']})\n{text}"
    return [found[kind] for kind in sorted(found)] or ["no lessons"]


def trained_before(work: Work, adapter: str) -> Row | None:
    """The adapter's row, when its weights are still what was trained."""
    row = work.store.adapter(adapter)
    weights = folder_of(work.store, adapter) / "adapter_model.safetensors"
    if row is None or not weights.is_file() or sha256_file(weights) != row["sha256"]:
        return None
    return row | _summary(work, adapter)


def _summary(work: Work, adapter: str) -> Row:
    losses = [
        r["loss"]
        for r in work.store.rows("SELECT loss FROM curve WHERE adapter = ? ORDER BY step", adapter)
    ]
    learned = work.store.one(
        "SELECT COUNT(*) AS n FROM adapter_lessons WHERE adapter = ? AND dropped IS NULL", adapter
    )
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
    folder = folder_of(work.store, adapter)
    if work.store.adapter(adapter):  # its weights were lost or changed: train anew
        shutil.rmtree(folder, ignore_errors=True)

    def report(at: dict[str, Any]) -> None:
        work.committee.progress(at["step"], at["steps"], f"{step.id}: loss {at['loss']:.3f}")

    settings = TrainSettings(
        **settings_of(planned),
        checkpoint_every=step.checkpoint_every,
        keep_epochs=step.best_epoch is not None,
    )
    start = folder_of(work.store, planned.parent) if planned.parent else None
    result = fit(base, examples, folder, settings, report, start)
    standings = keep_best(work, step, step.best_epoch, adapter, folder) if step.best_epoch else []
    row = _record(work, planned, result, dropped, standings)
    shutil.rmtree(folder / "epochs", ignore_errors=True)
    return row


def _examples(planned: Plan, tokenizer: Any) -> tuple[list[Example], dict[str, str]]:
    """Encoded lessons with their term, and why each of the others was dropped."""
    from localfair.training.trainer import Example

    made = {lesson["id"]: _example(planned, tokenizer, lesson) for lesson in planned.lessons}
    examples = [one for one in made.values() if isinstance(one, Example)]
    return examples, {i: one.reason for i, one in made.items() if not isinstance(one, Example)}


def _example(planned: Plan, tokenizer: Any, lesson: Row) -> Example | Dropped:
    """One lesson as the engine takes it, with its soft labels and its contrast."""
    from localfair.training.encode import Contrast, Dropped, contrast, encode
    from localfair.training.soft_labels import Soft, tokens_id
    from localfair.training.trainer import Example

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


def _record(
    work: Work,
    planned: Plan,
    result: TrainResult,
    dropped: dict[str, str],
    standings: list[Standing],
) -> Row:
    """The adapter's row, its lessons and its curve."""
    store, adapter = work.store, planned.id
    row = {
        "id": adapter, "role": planned.step.role, "base": planned.member.seat.fingerprint, "parent": planned.parent,
        "settings": json.dumps(settings_of(planned) | method_of(planned.step), sort_keys=True),
        "path": os.fspath(relative_folder(work.store, adapter)),
        "sha256": sha256_file(folder_of(work.store, adapter) / "adapter_model.safetensors"), "steps": result.steps,
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
            [
                {"adapter": adapter, "step": s, "loss": loss, "learning_rate": rate}
                for s, loss, rate in result.curve
            ],
        )
    return row | _summary(work, adapter)


def _taught(adapter: str, lessons: list[Row], dropped: dict[str, str]) -> Iterator[Row]:
    for position, lesson in enumerate(lessons):
        yield {
            "adapter": adapter, "position": position, "lesson": lesson["id"], "dropped": dropped.get(lesson["id"])
        }  # fmt: skip
