"""Which epoch of a training is kept: each one's adapter sits an exam on dev, the best goes on.

Reads dev questions and the adapters that a training left, one an epoch; writes generations, and the
chosen adapter's weights over the last one's. The test split is never read here. Knows nothing of
lessons or losses.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from localfair.committee.ask import Call
from localfair.machine.files import replacing
from localfair.recipe.rounds import Standing, best
from localfair.recipe.schema import BestEpoch, Train
from localfair.record.nouns import Grade
from localfair.record.tables import REPLIES
from localfair.stages.step import Work

WEIGHTS = "adapter_model.safetensors"


def keep_best(
    work: Work, step: Train, adapter: str, folder: Path, trained: int | None = None
) -> list[Standing]:
    """Examine epochs in `folder`/epochs and put the best one's weights in `folder`.

    Those that the recipe lists, else all of them, in order. `trained`: how many there are, where
    training ended before the recipe's last.

    What the record holds is not asked again; killed in between, the same call goes on.
    """
    exam = step.best_epoch
    assert exam is not None, "the recipe chooses no epoch"
    standings: list[Standing] = []
    for epoch in _examined(exam, trained or step.epochs):
        # an epoch is an adapter of its own, so that its replies are nobody else's
        identity = f"{adapter}@{epoch}"
        work.committee.seat_adapter(step.role, identity, epoch_folder(folder, epoch))
        right, answers = _sit(work, step, exam, epoch)
        standings.append(Standing(epoch, right, answers, identity))
    keep_epoch(folder, best(standings).round)
    work.committee.close()
    return standings


def _examined(exam: BestEpoch, trained: int) -> list[int]:
    """The epochs that sit the exam: of those listed the ones that were trained, else the last."""
    if not exam.epochs:
        return list(range(1, trained + 1))
    listed = [epoch for epoch in sorted(set(exam.epochs)) if epoch <= trained]
    return listed or [trained]


def epoch_folder(folder: Path, epoch: int) -> Path:
    """Where a training leaves the adapter of an epoch, counted from 1."""
    return folder / "epochs" / str(epoch)


def keep_epoch(folder: Path, epoch: int) -> None:
    """Put an epoch's weights in the place of the last one's, in one step."""
    with replacing(folder / WEIGHTS) as copy:
        shutil.copyfile(epoch_folder(folder, epoch) / WEIGHTS, copy)


def _sit(work: Work, step: Train, exam: BestEpoch, epoch: int) -> tuple[int, int]:
    """The exam on dev: how many answers are right, and of how many."""
    member = work.committee.of(step.role)[0]
    assert exam.ask is not None, "a settled recipe says it"
    questions = work.questions("dev")
    calls = []
    for question in questions:
        request = work.wording.exam_request(member, question, exam.ask, exam.sampling)
        calls.append(Call(member, request, question))
    right = 0
    for call, reply in work.committee.ask(calls, f"{step.id}, epoch {epoch}:"):
        work.rows.made(REPLIES, [reply.id])
        right += work.task.grade(call.tag, reply.text).grade == Grade.RIGHT
    return right, len(questions)
