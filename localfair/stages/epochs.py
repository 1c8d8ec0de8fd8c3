"""Which epoch of a training is kept: each one's adapter sits an exam on dev, the best goes on.

Reads dev questions and the adapters that a training left, one an epoch; writes generations, and the chosen adapter's
weights over the last one's. The test split is never read here. Knows nothing of lessons or losses.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from localfair.committee.ask import Call
from localfair.machine.files import replacing
from localfair.recipe.rounds import Standing, best
from localfair.recipe.schema import BestEpoch, Train
from localfair.record.nouns import Grade
from localfair.stages.step import Work, exam_request

WEIGHTS = "adapter_model.safetensors"


def keep_best(
    work: Work, step: Train, exam: BestEpoch, adapter: str, folder: Path
) -> list[Standing]:
    """Examine every epoch in `folder`/epochs and put the best one's weights in `folder`; all of them, in order.

    What the record holds is not asked again; killed in between, the same call goes on.
    """
    standings = [
        _standing(work, step, exam, f"{adapter}@{n}", n, folder) for n in range(1, step.epochs + 1)
    ]
    kept = folder / "epochs" / str(best(standings).round) / WEIGHTS
    with replacing(folder / WEIGHTS) as part:
        shutil.copyfile(kept, part)
    work.committee.close()
    return standings


def _standing(
    work: Work, step: Train, exam: BestEpoch, adapter: str, epoch: int, folder: Path
) -> Standing:
    work.seat_adapter(step.role, adapter, folder / "epochs" / str(epoch))
    member = work.committee.of(step.role)[0]
    questions = work.questions("dev")
    calls = (
        Call(member, exam_request(work, exam.ask, exam.sampling, member, q), q) for q in questions
    )
    right = 0
    for call, row in work.committee.ask(calls, f"{step.id}, epoch {epoch}:"):
        work.made("generation", [row["id"]])
        right += work.task.grade(call.tag, row["text"]).grade == Grade.RIGHT
    return Standing(epoch, right, len(questions), adapter)
