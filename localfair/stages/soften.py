"""soften: a mentor is teacher-forced on the student's lessons, and what it says of each label token
is kept.

Reads lessons and the mentor's weights with its adapter; writes soft labels. What the record holds
for the same tokens and the same mentor is not computed again; torch loads only when something is
missing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localfair.committee.seating import Member
from localfair.committee.softening import SoftRequest, precision_of
from localfair.engines import training_engine
from localfair.errors import UsageError
from localfair.recipe.schema import Soften
from localfair.record.adapters import recorded_folder
from localfair.record.connection import now
from localfair.record.made import Lesson, SoftKey, SoftLabel
from localfair.record.tables import LESSONS, SOFT_LABELS
from localfair.stages.step import Work

if TYPE_CHECKING:
    from localfair.training.encode import Encoded


@dataclass(frozen=True, slots=True)
class Wanted:
    """A soft label that the student will want: what decides it, and the lesson's tokens."""

    key: SoftKey
    encoded: Encoded


def soften(work: Work, step: Soften) -> dict[str, Any]:
    """A soft label for every lesson the mentor can read.

    The outcome counts lessons and label tokens.
    """
    lessons = work.rows.lessons(step)
    if not lessons:
        return {"lessons": 0, "softened": 0}
    mentor = work.committee.of(step.role)[0]
    wanted = {each.key.id: each for each in _wanted(work, step, mentor, lessons)}
    recorded = work.store.get(SOFT_LABELS, wanted)
    work.committee.tally.reused += len(recorded)
    missing = [each for label, each in wanted.items() if label not in recorded]
    if missing:
        _ask(work, step, mentor, missing)
    work.rows.made(SOFT_LABELS, wanted)
    work.rows.made(LESSONS, [lesson.id for lesson in lessons])
    labels = sum(each.encoded.supervised for each in wanted.values())
    return {"lessons": len(lessons), "softened": len(wanted), "labels": labels}


def shared_ids(student: Path, mentor: Path) -> int:
    """How many token ids two models share.

    Raises UsageError when an id is not the same token in both.
    """
    from localfair.models.chat import load_tokenizer
    from localfair.training.soft_labels import shared_vocabulary

    students, count = shared_vocabulary(load_tokenizer(student))
    mentors, _ = shared_vocabulary(load_tokenizer(mentor))
    if students != mentors:
        raise UsageError(
            "the mentor does not share the student's tokenizer: "
            "its soft labels would speak of other tokens",
            "name a --mentor of the student's own family, "
            "or leave the kl term and the soften step out",
        )
    return count


def _wanted(work: Work, step: Soften, mentor: Member, lessons: list[Lesson]) -> list[Wanted]:
    """One label for each lesson as the student will learn it, unless it is longer than the
    mentor reads.
    """
    from localfair.training.encode import Dropped, encode
    from localfair.training.soft_labels import tokens_id

    student = work.committee.of("student")[0]
    shared = shared_ids(student.folder(), mentor.folder())
    tokenizer = student.tokenizer(work.enable_thinking("student"))
    config = json.loads((mentor.folder() / "config.json").read_text(encoding="utf-8"))
    longest = config["max_position_embeddings"]
    wanted: list[Wanted] = []
    for lesson in lessons:
        encoded = encode(tokenizer, lesson.prompt, lesson.completion, longest)
        if isinstance(encoded, Dropped):
            continue
        key = SoftKey(
            mentor=mentor.seat.fingerprint,
            adapter=mentor.seat.adapter,
            engine=training_engine().variant(mentor.model, precision_of(mentor)),
            tokens=tokens_id(encoded),
            top_k=min(step.top_k, shared),
            vocabulary=shared,
            tau=step.tau,
        )
        wanted.append(Wanted(key, encoded))
    return wanted


def _ask(work: Work, step: Soften, mentor: Member, missing: list[Wanted]) -> None:
    """Have the mentor read the lessons and write each soft label as soon as it is known."""
    committee = work.committee
    adapter = work.store.adapter(mentor.seat.adapter) if mentor.seat.adapter else None
    folder = recorded_folder(work.store, adapter.path) if adapter else None
    keys = {}
    requests = []
    for wanted in missing:
        key = wanted.key
        request = SoftRequest(
            encoded=wanted.encoded, k=key.top_k, vocabulary=key.vocabulary, tau=step.tau
        )
        keys[wanted.encoded.id] = key
        requests.append(request)
    replies = committee.soften(replace(mentor, adapter=folder), requests)
    for count, reply in enumerate(replies, 1):
        encoded = reply.request.encoded
        label = SoftLabel(
            key=keys[encoded.id],
            labels=encoded.supervised,
            indices=reply.soft.indices,
            logprobs=reply.soft.logprobs,
            created=now(),
        )
        work.store.add(SOFT_LABELS, [label])
        committee.tally.calls += 1
        committee.progress(count, len(missing), f"{step.id}: {mentor.seat.model}")
