"""train: lessons become an adapter, and the role sits with it from then on.

Reads lessons, what the loss wants beside them (soft labels, contrasts) and a base model's
safetensors; writes the adapter's folder beside the database, its row, its curve and which lessons
it learned. The training itself is `localfair.training.qlora`, on this machine or on workers of a
cluster; torch loads only when it is needed.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from localfair.committee.residents import Training
from localfair.machine.files import sha256_file
from localfair.recipe.rounds import Standing, best
from localfair.recipe.schema import Divergence, LanguageModel, Train, Triplet
from localfair.record.adapters import (
    Learned,
    folder_of,
    keep_adapter,
    loss_summary,
    relative_folder,
)
from localfair.record.connection import now
from localfair.record.made import Adapter, Lesson
from localfair.record.tables import ADAPTERS, LESSONS
from localfair.stages.epochs import WEIGHTS, keep_best
from localfair.stages.step import Work
from localfair.stages.train_plan import Plan, loss_settings, mean_of, plan, settings_of, term
from localfair.training.checkpoints import predicted_after_epochs

if TYPE_CHECKING:
    from localfair.training.encode import Contrast, Dropped, Encoded
    from localfair.training.qlora import StepDone, TrainResult
    from localfair.training.soft_labels import Soft
    from localfair.training.trainer import Example


def train(work: Work, step: Train) -> dict[str, Any]:
    """Train, or find that the very same adapter was trained before.

    Without lessons there is nothing to learn.
    """
    planned = plan(work, step)
    if not planned.lessons:
        return {"lessons": 0, "trained": 0}
    adapter = trained_before(work, planned.id)
    if adapter is None:
        adapter = _train(work, planned)
    work.rows.made(ADAPTERS, [adapter.id])
    work.rows.made(LESSONS, [lesson.id for lesson in planned.lessons])
    work.committee.seat_adapter(step.role, adapter.id, folder_of(work.store, adapter.id))
    return _outcome(work, planned, adapter)


def seat_again(work: Work, step: Train, run: str, position: int) -> bool:
    """Seat the role with what a step like this one trained; False when its weights are lost."""
    trained = work.store.linked(run, [position], "adapter")
    if not trained:
        return True  # there was nothing to learn
    [adapter] = trained
    if trained_before(work, adapter) is None:
        return False
    work.committee.seat_adapter(step.role, adapter, folder_of(work.store, adapter))
    return True


def _outcome(work: Work, planned: Plan, adapter: Adapter) -> dict[str, Any]:
    summary = loss_summary(work.store, adapter.id)
    outcome: dict[str, Any] = {"lessons": len(planned.lessons), "trained": summary.lessons}
    if term(planned.step, Triplet):
        outcome["triplets"] = len(planned.pairs)
    outcome |= {
        "steps": adapter.steps,
        "first_loss": summary.first_loss,
        "last_loss": summary.last_loss,
    }
    if planned.step.until:
        predicted = predicted_after_epochs(folder_of(work.store, adapter.id))
        if predicted:  # its file may be lost, the weights are what is looked at
            outcome["epochs"] = len(predicted)
            outcome["predicted"] = round(predicted[-1], 4)
    standings = [Standing(epoch, right, total, "") for epoch, right, total in adapter.epochs]
    if standings:
        kept = best(standings)
        outcome |= {"epoch_kept": kept.round, "dev": f"{kept.right}/{kept.answers}"}
    return outcome


def preview(work: Work, step: Train) -> list[str]:
    """One lesson of each kind as the base reads it, what is supervised between ⟦ and ⟧.

    Nothing is trained.
    """
    from localfair.training.encode import Dropped
    from localfair.training.encode import preview as marked

    planned = plan(work, step)
    lessons = Lessons(planned)
    shown: dict[str, str] = {}
    for lesson in planned.lessons:
        kind = lesson.kind
        if kind in shown:
            continue
        example = lessons.example(lesson)
        if isinstance(example, Dropped):
            text = f"dropped: {example.reason}"
        else:
            text = marked(lessons.tokenizer, example.encoded)
        shown[kind] = f"--- {kind} ({lesson.id})\n{text}"
    return [shown[kind] for kind in sorted(shown)] or ["no lessons"]


def trained_before(work: Work, adapter_id: str) -> Adapter | None:
    """The adapter, when its weights are still what was trained."""
    adapter = work.store.adapter(adapter_id)
    weights = folder_of(work.store, adapter_id) / WEIGHTS
    if adapter is None or not weights.is_file() or sha256_file(weights) != adapter.sha256:
        return None
    return adapter


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training made, before it is a row: its figures, each dropped lesson's reason, each
    epoch's exam.
    """

    figures: TrainResult
    dropped: dict[str, str]
    standings: list[Standing]


def _train(work: Work, planned: Plan) -> Adapter:
    """Train in a folder of its own; the adapter's row is written when the weights are whole."""
    from localfair.training.qlora import TrainSettings

    step = planned.step
    work.committee.close()  # the teachers' memory is the student's now
    examples, dropped = Lessons(planned).examples()
    folder = folder_of(work.store, planned.id)
    if work.store.adapter(planned.id):  # its weights were lost or changed: train anew
        shutil.rmtree(folder, ignore_errors=True)

    def progress(done: StepDone) -> None:
        work.committee.progress(done.step, done.steps, f"{step.id}: loss {done.loss:.3f}")
        work.committee.loss(done.step, done.steps, done.loss)

    settings = TrainSettings(
        **settings_of(planned),
        checkpoint_every=step.checkpoint_every,
        keep_epochs=step.best_epoch is not None,
    )
    start = folder_of(work.store, planned.parent) if planned.parent else None
    training = Training(lessons=examples, settings=settings, folder=folder, start=start)
    figures = work.committee.train(planned.member, training, progress)
    standings: list[Standing] = []
    if step.best_epoch:
        trained = len(figures.predicted) if step.until else step.epochs
        standings = keep_best(work, step, planned.id, folder, trained)
    adapter = _record(work, planned, Trained(figures, dropped, standings))
    # only now: killed before, the epochs' exams go on from here
    shutil.rmtree(folder / "epochs", ignore_errors=True)
    return adapter


class Lessons:
    """A plan's lessons as the trainer takes them: in the base's tokens."""

    def __init__(self, planned: Plan) -> None:
        self._planned = planned
        self.tokenizer = planned.member.tokenizer(planned.enable_thinking)

    def examples(self) -> tuple[list[Example], dict[str, str]]:
        """The lessons that can be learned, and why each of the others is dropped, by its id."""
        from localfair.training.encode import Dropped

        examples: list[Example] = []
        dropped: dict[str, str] = {}
        for lesson in self._planned.lessons:
            example = self.example(lesson)
            if isinstance(example, Dropped):
                dropped[lesson.id] = example.reason
            else:
                examples.append(example)
        return examples, dropped

    def example(self, lesson: Lesson) -> Example | Dropped:
        """One lesson with its soft labels and its contrast, or why it is dropped."""
        from localfair.training.encode import Dropped, encode
        from localfair.training.trainer import Example

        step = self._planned.step
        encoded = encode(self.tokenizer, lesson.prompt, lesson.completion, step.max_length)
        if isinstance(encoded, Dropped):
            return encoded
        soft = self._soft(encoded)
        if soft is None and term(step, Divergence):
            return Dropped("the mentor gave no soft labels for it")
        mean = mean_of(step, lesson)
        assert mean is not None, "a plan holds lessons of the loss's means alone"
        language_model = term(step, LanguageModel)
        return Example(
            encoded,
            mean[0],
            lesson.weight,
            language_model.prompt_weight if language_model else None,
            lesson.question,
            soft,
            self._contrast(lesson),
        )

    def _soft(self, encoded: Encoded) -> Soft | None:
        """The mentor's soft labels of a lesson, where the loss wants them and the record has
        them.
        """
        from localfair.training.soft_labels import Soft, tokens_id

        if not self._planned.soft:
            return None
        label = self._planned.soft.get(tokens_id(encoded))
        return Soft(label.key.top_k, label.indices, label.logprobs) if label else None

    def _contrast(self, lesson: Lesson) -> Contrast | None:
        """What stands beside a lesson in a triplet.

        None when it has no pair or is too long for one.
        """
        from localfair.training.encode import Contrast, contrast

        pair = self._planned.pairs.get(lesson.id)
        triplet = term(self._planned.step, Triplet)
        if pair is None or triplet is None:
            return None
        texts = (lesson.completion, pair.positive, pair.negative)
        beside = contrast(self.tokenizer, lesson.prompt, texts, triplet.max_tokens)
        return beside if isinstance(beside, Contrast) else None


def _record(work: Work, planned: Plan, trained: Trained) -> Adapter:
    """Write the adapter, its lessons and its curve."""
    store = work.store
    figures = trained.figures
    settings = settings_of(planned) | loss_settings(planned.step)
    adapter = Adapter(
        id=planned.id,
        role=planned.step.role,
        base=planned.member.seat.fingerprint,
        parent=planned.parent,
        settings=json.dumps(settings, sort_keys=True),
        path=os.fspath(relative_folder(store, planned.id)),
        sha256=sha256_file(folder_of(store, planned.id) / WEIGHTS),
        steps=figures.steps,
        seconds=figures.seconds,
        tokens=figures.supervised_tokens,
        peak_memory=figures.peak_bytes,
        tokens_per_second=figures.tokens_per_second,
        epochs=tuple((each.round, each.right, each.answers) for each in trained.standings),
        created=now(),
    )
    learned = []
    for lesson in planned.lessons:
        learned.append(Learned(lesson.id, trained.dropped.get(lesson.id)))
    keep_adapter(store, adapter, learned, figures.curve)
    return adapter
