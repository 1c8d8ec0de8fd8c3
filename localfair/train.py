"""train: lessons become an adapter, and the role sits with it from then on.

Reads lessons and a base model's safetensors; writes the adapter's folder beside the database, its row,
its curve and which lessons it learned. The training itself is `qlora`; torch loads only when it is needed.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localfair.committee import Place
from localfair.records import Message, content_id
from localfair.store import Row, file_sha256, now
from localfair.vocabulary import CrossEntropy, Train
from localfair.work import Work

if TYPE_CHECKING:
    from localfair.qlora import TrainResult


def unbuilt_terms(step: Train) -> list[str]:
    """What the vocabulary can say and this version cannot do yet, one line each."""
    found = [f"{step.id}.loss: the term {t.term!r} is not built yet" for t in step.loss if t.term != "ce"]
    return found + ([f'{step.id}.from: "last" is not built yet'] if step.start == "last" else [])


def train(work: Work, step: Train) -> dict[str, Any]:
    """Train, or find that the very same adapter was trained before; without lessons there is nothing to learn."""
    lessons = [
        row for row in work.rows("lessons", "lesson", work.earlier(step, ("select",)))
        if not row["dropped"] and term_of(step, row)
    ]  # fmt: skip
    if not lessons:
        return {"lessons": 0, "trained": 0}
    place = work.committee.of(step.role)[0]
    adapter = adapter_id(work, step, place, lessons)
    row = _trained_before(work, adapter) or _train(work, step, place, lessons, adapter)
    work.made("adapter", [adapter])
    work.made("lesson", [lesson["id"] for lesson in lessons])
    work.seat_adapter(step.role, adapter, folder_of(work, adapter))
    return {
        "lessons": len(lessons), "trained": row["lessons"], "steps": row["steps"],
        "first_loss": row["first_loss"], "last_loss": row["last_loss"],
    }  # fmt: skip


def term_of(step: Train, lesson: Row) -> tuple[str, float] | None:
    """(term name, weight) that a lesson belongs to: one cross-entropy per kind, or per kind and teacher."""
    for term in step.loss:
        if isinstance(term, CrossEntropy) and term.kind == lesson["kind"]:
            return f"{term.kind}:{lesson['teacher']}" if term.each_teacher else term.kind, term.weight
    return None


def settings_of(step: Train, lessons: list[Row], seed: int) -> dict[str, Any]:
    """The engine's settings, from the recipe's words."""
    terms = sorted({term for lesson in lessons if (term := term_of(step, lesson))})
    return {
        "terms": terms, "rank": step.adapter.rank, "alpha": step.adapter.alpha, "dropout": step.adapter.dropout,
        "targets": step.adapter.targets, "learning_rate": step.learning_rate, "schedule": step.schedule,
        "warmup": step.warmup, "epochs": step.epochs, "batch_size": step.batch, "accumulation": step.accumulation,
        "max_length": step.max_length, "weight_decay": step.weight_decay, "clip": step.clip, "seed": seed,
        "quantise": "nf4" if step.adapter.kind == "qlora" else "none",
        "gradient_checkpointing": step.gradient_checkpointing,
    }  # fmt: skip


def adapter_id(work: Work, step: Train, place: Place, lessons: list[Row]) -> str:
    """The hash of what makes an adapter what it is: base, lessons in order, settings."""
    return content_id(
        "adapter", role=step.role, base=place.seat.fingerprint,
        lessons=[lesson["id"] for lesson in lessons],
        settings=json.loads(json.dumps(settings_of(step, lessons, work.seed))),
    )  # fmt: skip


def relative_folder(work: Work, adapter: str) -> Path:
    """`<database>-adapters/<id>`, relative to the database, so that both can be moved together."""
    return Path(f"{work.store.path.stem}-adapters") / adapter.removeprefix("b2:")


def folder_of(work: Work, adapter: str) -> Path:
    """Where an adapter's files are."""
    return work.store.path.parent / relative_folder(work, adapter)


def _trained_before(work: Work, adapter: str) -> Row | None:
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


def _train(work: Work, step: Train, place: Place, lessons: list[Row], adapter: str) -> Row:
    """Train in a folder of its own; the row is written when the weights are whole."""
    from localfair.qlora import TrainSettings
    from localfair.qlora import train as fit

    base = work.base_folder(step.role)
    work.committee.close()  # the teachers' memory is the student's now
    examples, dropped = _examples(step, base, lessons)
    settings = settings_of(step, lessons, work.seed)
    folder = folder_of(work, adapter)
    if work.store.adapter(adapter):  # its weights were lost or changed: train anew
        shutil.rmtree(folder, ignore_errors=True)

    def report(at: dict[str, Any]) -> None:
        work.committee.report(at["step"], at["steps"], f"{step.id}: loss {at['loss']:.3f}")

    result = fit(base, examples, folder, TrainSettings(**settings, checkpoint_every=step.checkpoint_every), report)
    return _record(work, step, place, adapter, settings, result, lessons, dropped)


def _examples(step: Train, base: Path, lessons: list[Row]) -> tuple[list[Any], dict[str, str]]:
    """Encoded lessons with their term, and why each of the others was dropped."""
    from localfair.lessons import Dropped, encode, load_tokenizer
    from localfair.term_trainer import Example

    tokenizer = load_tokenizer(base)
    examples: list[Any] = []
    dropped: dict[str, str] = {}
    for lesson in lessons:
        messages = tuple(Message(*turn) for turn in json.loads(lesson["prompt"]))
        encoded = encode(tokenizer, messages, lesson["completion"], step.max_length)
        if isinstance(encoded, Dropped):
            dropped[lesson["id"]] = encoded.reason
            continue
        term = term_of(step, lesson)
        assert term is not None
        examples.append(Example(encoded, term[0], lesson["weight"]))
    return examples, dropped


def _record(
    work: Work, step: Train, place: Place, adapter: str, settings: dict[str, Any],
    result: TrainResult, lessons: list[Row], dropped: dict[str, str],
) -> Row:  # fmt: skip
    """The adapter's row, its lessons and its curve."""
    store, folder = work.store, folder_of(work, adapter)
    row = {
        "id": adapter, "role": step.role, "base": place.seat.fingerprint, "parent": None,
        "settings": json.dumps(settings, sort_keys=True), "path": os.fspath(relative_folder(work, adapter)),
        "sha256": file_sha256(folder / "adapter_model.safetensors"), "steps": result.steps,
        "seconds": result.seconds, "tokens": result.supervised_tokens, "peak_memory": result.peak_bytes,
        "created": now(),
    }  # fmt: skip
    with store.db.atomic():
        store.forget_adapter(adapter)
        store.ensure("adapters", [row])
        store.ensure("adapter_lessons", list(_taught(adapter, lessons, dropped)))
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
