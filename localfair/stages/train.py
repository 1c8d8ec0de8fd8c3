"""train: lessons become an adapter, and the role sits with it from then on.

Reads lessons, what the loss wants beside them (soft labels, contrasts) and a base model's
safetensors; writes the adapter's folder beside the database, its row, its curve and which lessons
it learned. The training itself is `localfair.training.qlora`; torch loads only when it is needed.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from localfair.machine.files import sha256_file
from localfair.recipe.rounds import Standing, best
from localfair.recipe.schema import Divergence, LanguageModel, Train, Triplet
from localfair.record.adapters import folder_of, loss_summary, relative_folder
from localfair.record.connection import now
from localfair.record.nouns import Message
from localfair.record.store import Row, column
from localfair.stages.epochs import WEIGHTS, keep_best
from localfair.stages.step import Work
from localfair.stages.train_plan import Plan, loss_settings, mean_of, plan, settings_of, term

if TYPE_CHECKING:
    from localfair.training.encode import Contrast, Dropped, Encoded
    from localfair.training.qlora import TrainResult
    from localfair.training.soft_labels import Soft
    from localfair.training.trainer import Example


def train(work: Work, step: Train) -> dict[str, Any]:
    """Train, or find that the very same adapter was trained before.

    Without lessons there is nothing to learn.
    """
    planned = plan(work, step)
    if not planned.lessons:
        return {"lessons": 0, "trained": 0}
    adapter = planned.id
    row = trained_before(work, adapter)
    if row is None:
        row = _train(work, planned)
    work.rows.made("adapter", [adapter])
    work.rows.made("lesson", column(planned.lessons, "id"))
    work.committee.seat_adapter(step.role, adapter, folder_of(work.store, adapter))
    return _outcome(planned, row)


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


def _outcome(planned: Plan, row: Row) -> dict[str, Any]:
    outcome: dict[str, Any] = {"lessons": len(planned.lessons), "trained": row["lessons"]}
    if term(planned.step, Triplet):
        outcome["triplets"] = len(planned.pairs)
    for name in ("steps", "first_loss", "last_loss"):
        outcome[name] = row[name]
    standings = [Standing(n, right, total, "") for n, right, total in json.loads(row["epochs"])]
    if standings:
        kept = best(standings)
        outcome["epoch_kept"] = kept.round
        outcome["dev"] = f"{kept.right}/{kept.answers}"
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
        kind = lesson["kind"]
        if kind in shown:
            continue
        example = lessons.example(lesson)
        if isinstance(example, Dropped):
            text = f"dropped: {example.reason}"
        else:
            text = marked(lessons.tokenizer, example.encoded)
        shown[kind] = f"--- {kind} ({lesson['id']})\n{text}"
    return [shown[kind] for kind in sorted(shown)] or ["no lessons"]


def trained_before(work: Work, adapter: str) -> Row | None:
    """The adapter's row, when its weights are still what was trained."""
    row = work.store.adapter(adapter)
    weights = folder_of(work.store, adapter) / WEIGHTS
    if row is None or not weights.is_file() or sha256_file(weights) != row["sha256"]:
        return None
    return row | loss_summary(work.store, adapter)


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training made, before it is a row: its figures, each dropped lesson's reason, each
    epoch's exam.
    """

    figures: TrainResult
    dropped: dict[str, str]
    standings: list[Standing]


def _train(work: Work, planned: Plan) -> Row:
    """Train in a folder of its own; the row is written when the weights are whole."""
    from localfair.training.qlora import TrainSettings
    from localfair.training.qlora import train as fit

    step = planned.step
    adapter = planned.id
    base = planned.member.folder()
    work.committee.close()  # the teachers' memory is the student's now
    examples, dropped = Lessons(planned).examples()
    folder = folder_of(work.store, adapter)
    if work.store.adapter(adapter):  # its weights were lost or changed: train anew
        shutil.rmtree(folder, ignore_errors=True)

    def progress(at: dict[str, Any]) -> None:
        work.committee.progress(at["step"], at["steps"], f"{step.id}: loss {at['loss']:.3f}")

    settings = TrainSettings(
        **settings_of(planned),
        checkpoint_every=step.checkpoint_every,
        keep_epochs=step.best_epoch is not None,
    )
    start = folder_of(work.store, planned.parent) if planned.parent else None
    figures = fit(base, examples, folder, settings, progress, start)
    standings = keep_best(work, step, adapter, folder) if step.best_epoch else []
    row = _record(work, planned, Trained(figures, dropped, standings))
    # only now: killed before, the epochs' exams go on from here
    shutil.rmtree(folder / "epochs", ignore_errors=True)
    return row


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
                dropped[lesson["id"]] = example.reason
            else:
                examples.append(example)
        return examples, dropped

    def example(self, lesson: Row) -> Example | Dropped:
        """One lesson with its soft labels and its contrast, or why it is dropped."""
        from localfair.training.encode import Dropped, encode
        from localfair.training.trainer import Example

        step = self._planned.step
        messages = tuple(Message(*turn) for turn in json.loads(lesson["prompt"]))
        encoded = encode(self.tokenizer, messages, lesson["completion"], step.max_length)
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
            lesson["weight"],
            language_model.prompt_weight if language_model else None,
            lesson["question"],
            soft,
            self._contrast(lesson, messages),
        )

    def _soft(self, encoded: Encoded) -> Soft | None:
        """The mentor's soft labels of a lesson, where the loss wants them and the record has
        them.
        """
        from localfair.training.soft_labels import Soft, tokens_id

        if not self._planned.soft:
            return None
        row = self._planned.soft.get(tokens_id(encoded))
        return Soft(row["top_k"], row["indices"], row["logprobs"]) if row else None

    def _contrast(self, lesson: Row, messages: tuple[Message, ...]) -> Contrast | None:
        """What stands beside a lesson in a triplet.

        None when it has no pair or is too long for one.
        """
        from localfair.training.encode import Contrast, contrast

        pair = self._planned.pairs.get(lesson["id"])
        triplet = term(self._planned.step, Triplet)
        if pair is None or triplet is None:
            return None
        texts = (lesson["completion"], pair.positive, pair.negative)
        beside = contrast(self.tokenizer, messages, texts, triplet.max_tokens)
        return beside if isinstance(beside, Contrast) else None


def _record(work: Work, planned: Plan, trained: Trained) -> Row:
    """The adapter's row, its lessons and its curve, in one transaction."""
    store = work.store
    adapter = planned.id
    figures = trained.figures
    settings = settings_of(planned) | loss_settings(planned.step)
    standings = [[each.round, each.right, each.answers] for each in trained.standings]
    row = {
        "id": adapter,
        "role": planned.step.role,
        "base": planned.member.seat.fingerprint,
        "parent": planned.parent,
        "settings": json.dumps(settings, sort_keys=True),
        "path": os.fspath(relative_folder(store, adapter)),
        "sha256": sha256_file(folder_of(store, adapter) / WEIGHTS),
        "steps": figures.steps,
        "seconds": figures.seconds,
        "tokens": figures.supervised_tokens,
        "peak_memory": figures.peak_bytes,
        "tokens_per_second": figures.tokens_per_second,
        "created": now(),
        "epochs": json.dumps(standings),
    }
    learned = []
    for position, lesson in enumerate(planned.lessons):
        reason = trained.dropped.get(lesson["id"])
        learned.append(
            {"adapter": adapter, "position": position, "lesson": lesson["id"], "dropped": reason}
        )
    curve = []
    for step, loss, rate in figures.curve:
        curve.append({"adapter": adapter, "step": step, "loss": loss, "learning_rate": rate})
    with store.transaction():
        store.forget_adapter(adapter)
        store.ensure("adapters", [row])
        store.ensure("adapter_lessons", learned)
        store.ensure("curve", curve)
        store.sealing.seal_again("adapters", {"id": adapter})
    return row | loss_summary(store, adapter)
