"""soften: a mentor is teacher-forced on the student's lessons, and what it says of each label token is kept.

Reads lessons and the mentor's weights with its adapter; writes soft labels. What the record holds for the same
tokens and the same mentor is not computed again; torch loads only when something is missing.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localfair.committee.seating import Member
from localfair.engines import training_engine
from localfair.errors import UsageError
from localfair.machine.hardware import usual_precision
from localfair.recipe.schema import Soften
from localfair.record.connection import now
from localfair.record.nouns import Message, soft_label_id
from localfair.record.store import Row
from localfair.stages.step import Work

if TYPE_CHECKING:
    from localfair.models.loading import Precision
    from localfair.training.encode import Encoded


def soften(work: Work, step: Soften) -> dict[str, Any]:
    """A soft label for every lesson the mentor can read; the outcome counts lessons and label tokens."""
    lessons = [
        r
        for r in work.rows("lessons", "lesson", work.earlier(step, ("select",)))
        if not r["dropped"]
    ]
    if not lessons:
        return {"lessons": 0, "softened": 0}
    member = work.committee.of(step.role)[0]
    shared = shared_ids(work.base_folder("student"), work.base_folder(step.role))
    wanted = {
        soft_label_id(key): (key, encoded)
        for key, encoded in _wanted(work, step, member, lessons, shared)
    }
    recorded = work.store.by_ids("soft_labels", wanted)
    work.committee.tally.reused += len(recorded)
    missing = {i: found for i, found in wanted.items() if i not in recorded}
    if missing:
        _ask(work, step, member, missing)
    work.made("soft_label", wanted)
    work.made("lesson", [lesson["id"] for lesson in lessons])
    labels = sum(encoded.supervised for _, encoded in wanted.values())
    return {"lessons": len(lessons), "softened": len(wanted), "labels": labels}


def shared_ids(student: Path, mentor: Path) -> int:
    """How many token ids the two models share. Raises UsageError when an id is not the same token in both."""
    from localfair.models.chat import load_tokenizer
    from localfair.training.soft_labels import shared_vocabulary

    (one, count), (other, _) = (
        shared_vocabulary(load_tokenizer(folder)) for folder in (student, mentor)
    )
    if one != other:
        raise UsageError(
            "the mentor does not share the student's tokenizer: its soft labels would speak of other tokens",
            "name a --mentor of the student's own family, or leave the kl term and the soften step out",
        )
    return count


def _wanted(
    work: Work, step: Soften, member: Member, lessons: list[Row], shared: int
) -> list[tuple[Row, Encoded]]:
    """What is to be known: each lesson as the student will learn it, unless it is longer than the mentor reads."""
    from localfair.training.encode import Dropped, encode
    from localfair.training.soft_labels import tokens_id

    tokenizer = work.tokenizer("student")
    config = json.loads((work.base_folder(step.role) / "config.json").read_text(encoding="utf-8"))
    found: list[tuple[Row, Encoded]] = []
    for lesson in lessons:
        messages = tuple(Message(*turn) for turn in json.loads(lesson["prompt"]))
        encoded = encode(
            tokenizer, messages, lesson["completion"], config["max_position_embeddings"]
        )
        if not isinstance(encoded, Dropped):
            key = {
                "mentor": member.seat.fingerprint, "adapter": member.seat.adapter,
                "engine": training_engine().variant(member.model, _precision(member)), "tokens": tokens_id(encoded),
                "top_k": min(step.top_k, shared), "vocabulary": shared, "tau": step.tau,
            }  # fmt: skip
            found.append((key, encoded))
    return found


def _ask(work: Work, step: Soften, member: Member, missing: dict[str, tuple[Row, Encoded]]) -> None:
    """Load the mentor and write each soft label as soon as it is known."""
    from localfair.training import soft_labels

    work.committee.close()  # one model at a time
    mentor = _loaded(work, step, member)
    work.committee.tally.loads += 1
    keys = [key for key, _ in missing.values()]
    told = soft_labels.soften(
        mentor, [encoded for _, encoded in missing.values()],
        k=keys[0]["top_k"], vocabulary=keys[0]["vocabulary"], tau=step.tau,
    )  # fmt: skip
    for done, (label, key, soft) in enumerate(zip(missing, keys, told, strict=True), 1):
        blobs = {"indices": soft.indices, "logprobs": soft.logprobs}
        labels = missing[label][1].supervised
        work.store.ensure(
            "soft_labels", [{"id": label, **key, "labels": labels, **blobs, "created": now()}]
        )
        work.committee.tally.calls += 1
        work.committee.progress(done, len(missing), f"{step.id}: {member.seat.model}")


def _precision(member: Member) -> Precision:
    """The precision of the mentor's base: that of its exams in training's own engine, else the usual one."""
    precision = member.identity.engine.partition("/")[2]
    known: dict[str, Precision] = {"bf16": "bf16", "fp32": "fp32", "nf4": "nf4"}
    return known.get(precision, usual_precision()) if member.engine.trains else usual_precision()


def _loaded(work: Work, step: Soften, member: Member) -> Any:
    """The mentor's base with its seat's adapter."""
    from localfair.models.loading import load_causal_lm, with_adapter

    row = work.store.adapter(member.seat.adapter) if member.seat.adapter else None
    folder = work.store.path.parent / row["path"] if row else None
    precision = _precision(member)
    return with_adapter(
        load_causal_lm(work.base_folder(step.role), precision), folder, precision
    ).eval()
