"""Cards of 8 to 24 GB, imitated by a cap on torch's allocator: NF4 QLoRA of one shape.

Reads a shape; writes a journal below the working folder, so that a part that was killed goes on.
Weights are random, steps are real. First the peaks of doubling batches on the whole card, then each
cap is tried near the batch at which those peaks would reach it. Several shapes may share the card:
`cards` tells no time; `pace` does, alone on it. Loading a checkpoint, which holds a 16-bit file
beside the model, is not measured here.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import product
from pathlib import Path
from typing import Any

from localfair.models.fit import CARD
from localfair.training.lora import fresh_lora
from localfair.training.qlora import TrainSettings, training_arguments
from localfair.training.trainer import TermTrainer, TrainerCallback
from tests.benchmarks.pairs import Journal
from tests.gpu.fit import predicted
from tests.gpu.lessons import TERM, of_length
from tests.gpu.memory import GIB, MIB, NOT_CAPPED, Memory, memory, release, tried
from tests.gpu.nf4 import random_nf4
from tests.gpu.parts import SHAPES, TOY_SHAPES
from tests.gpu.search import expected_largest, largest
from tests.gpu.setting import Measures, Row, Setting
from tests.gpu.shapes import Shape, shapes
from tests.gpu.steps import Moments, described

CARDS = tuple(size * GIB for size in (8, 12, 16, 24))
LENGTHS = (512, 1024)
MOST = 64  # lessons of a batch: larger ones are not looked for
STEPS = 2  # of a batch: Adam's moments are there from the second on
PACED = 5  # of a batch whose pace is taken
RANK = 16

# at toy size peaks are the formula's, of a model of less than a megabyte beside the libraries
TOY_CARDS = (int(CARD.libraries) + 3 * MIB // 2,)
TOY_LENGTHS = (16,)
TOY_MOST = 4


@dataclass(frozen=True, slots=True)
class Load:
    """What a batch is made of: tokens of a lesson, and whether activations are computed again."""

    length: int
    checkpointing: bool

    @property
    def words(self) -> str:
        return f"{self.length} tokens{', checkpointing' if self.checkpointing else ''}"


def cards(setting: Setting, shape: str) -> Iterator[Row]:
    """Every batch's peak on the whole card, then what each card holds of each load."""
    sizes = TOY_CARDS if setting.toy else CARDS
    most = TOY_MOST if setting.toy else MOST
    bench = Bench(shapes()[shape], memory(), setting.folder("cards"))
    journal = Journal(setting.folder("cards"), f"cards-{shape}", sizes=sizes, most=most)
    measured: dict[Load, list[Measures]] = {}
    for load in _loads(setting):
        measured[load] = []
        for point in whole_card(bench, journal, load, max(sizes), most):
            measured[load].append(point)
            yield Row(f"{load.words}, batch {point['batch']}, whole card", point)
    for card in sizes:
        for load, points in measured.items():
            holds = partial(on_card, bench, load, card, points, most)
            held = journal.once(f"{load.words}, a card of {card}", holds)
            yield Row(f"{load.words}, a card of {card / GIB:.3g} GiB", held, NOT_CAPPED)


def pace(setting: Setting) -> Iterator[Row]:
    """Tokens a second of each shape and load, alone on the whole card.

    The batch is the largest that the largest card held; `cards` is done first where it was not.
    """
    largest_card = max(TOY_CARDS if setting.toy else CARDS)
    for name in TOY_SHAPES if setting.toy else SHAPES:
        rows = [row.measures for row in cards(setting, name)]
        held = [row for row in rows if row.get("card_bytes") == largest_card]
        bench = Bench(shapes()[name], memory(), setting.folder("cards"))
        for load, row in zip(_loads(setting), held, strict=True):
            batch = row["largest_batch"]
            measures = bench.pace(load, batch, PACED) if batch else None
            if measures is not None:
                yield Row(f"{name}, {load.words}, batch {batch}", measures)


def _loads(setting: Setting) -> list[Load]:
    """Every length, without and with checkpointing."""
    lengths = TOY_LENGTHS if setting.toy else LENGTHS
    return [Load(*each) for each in product(lengths, (False, True))]


def whole_card(
    bench: Bench, journal: Journal, load: Load, enough: int, most: int
) -> Iterator[Measures]:
    """The peaks of batches 1, 2, 4, ... until one does not fit, or is more than `enough` bytes."""
    batch = 1
    while batch <= most:
        measure = partial(bench.measured, load, batch, STEPS)
        point = journal.once(f"{load.words}, batch {batch}", measure)
        if point is None:
            return
        yield point
        if point["reserved_bytes"] + point["beyond_bytes"] > enough:
            return
        batch *= 2


def on_card(bench: Bench, load: Load, card: int, points: list[Measures], most: int) -> Measures:
    """The largest batch on a card, and its peak."""
    beyond = max((point["beyond_bytes"] for point in points), default=0)
    limit = card - beyond
    peaks = {point["batch"]: point["peak_bytes"] for point in points}
    # near a cap the allocator holds less beside what it gave out than it does on a whole card
    likely = {
        point["batch"]: (point["peak_bytes"] + point["reserved_bytes"]) // 2 for point in points
    }
    held: dict[int, Measures] = {}

    def fits(batch: int) -> bool:
        # more than the whole card gave out at its peak is more than the cap allows
        if peaks.get(batch, 0) > limit:
            return False
        point = bench.measured(load, batch, STEPS)
        if point is not None:
            held[batch] = point
        return point is not None

    bench.memory.cap(limit)
    try:
        batch = largest(fits, expected_largest(likely, limit), most)
    finally:
        bench.memory.cap(None)
    measures = held.get(batch, {"shape": bench.shape.name, "length": load.length})
    measures |= {"checkpointing": load.checkpointing, "rank": RANK}
    return measures | {
        "card_bytes": card,
        "cap_bytes": limit,
        "beyond_bytes": beyond,
        "largest_batch": batch,
        "at_most_looked_for": most,
    }


class Bench:
    """One shape on a card: built once, a few steps of any load and batch."""

    def __init__(self, shape: Shape, memory: Memory, folder: Path) -> None:
        self.shape = shape
        self.memory = memory
        self._folder = folder / f"steps-{shape.name}"
        self._sizes = shape.sizes()

    @cached_property
    def _model(self) -> Any:
        """The model in NF4 with LoRA weights, built when the first batch is measured."""
        base = random_nf4(self.shape, self.memory.device)
        return fresh_lora(base, self._settings(Load(0, False), 1), self.shape.name)

    def measured(self, load: Load, batch: int, steps: int) -> Measures | None:
        """The peak of so many steps, or None when they do not fit."""
        return tried(lambda: self._steps(load, batch, steps))

    def pace(self, load: Load, batch: int, steps: int) -> Measures | None:
        """The median step and its tokens a second, or None when they do not fit."""
        return tried(lambda: self._pace(load, batch, steps))

    def _steps(self, load: Load, batch: int, steps: int) -> Measures:
        trainer = self._trainer(load, batch, steps)
        trainer.train()
        peak = self.memory.peak()
        optimizer = described(trainer.optimizer.optimizer)
        del trainer
        self._clear()
        return self._row(load, batch) | {
            "peak_bytes": peak.allocated,
            "reserved_bytes": peak.reserved,
            "beyond_bytes": peak.beyond,
            "optimizer": optimizer,
        }

    def _pace(self, load: Load, batch: int, steps: int) -> Measures:
        watch = _Watch()
        trainer = self._trainer(load, batch, steps)
        trainer.add_callback(watch)
        trainer.train()
        del trainer
        self._clear()
        seconds = watch.moments.median(warm=1)
        return {
            "shape": self.shape.name,
            "batch": batch,
            "step_seconds": seconds,
            "tokens_per_second": load.length * batch / seconds,
        }

    def _trainer(self, load: Load, batch: int, steps: int) -> TermTrainer:
        """A trainer of so many steps on the model as it was built; peaks count from here."""
        model = self._model
        _as_new(model)
        self.memory.begin(predicted(self._row(load, batch), CARD))
        settings = self._settings(load, batch)
        lessons = of_length(load.length, batch * steps, self._sizes.vocabulary)
        arguments = training_arguments(self._folder, settings)
        return TermTrainer(model, arguments, lessons, settings)

    def _row(self, load: Load, batch: int) -> Measures:
        """What a step's memory depends on."""
        return {
            "shape": self.shape.name,
            "length": load.length,
            "checkpointing": load.checkpointing,
            "batch": batch,
            "rank": RANK,
        }

    def _clear(self) -> None:
        release()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _settings(self, load: Load, batch: int) -> TrainSettings:
        return TrainSettings(
            terms=((TERM, 1.0),),
            rank=RANK,
            batch_size=batch,
            max_length=load.length,
            gradient_checkpointing=load.checkpointing,
        )


def _as_new(model: Any) -> None:
    """Undo what an earlier Trainer left on the model: gradients and checkpointing.

    Its autocast stays: accelerate wraps the forward of a model once, whatever prepares it again.
    """
    model.zero_grad(set_to_none=True)
    base = model.get_base_model()
    base.gradient_checkpointing_disable()
    if hasattr(base, "_require_grads_hook") or hasattr(base, "_require_grads_hooks"):
        base.disable_input_require_grads()


class _Watch(TrainerCallback):  # type: ignore[misc]
    """The moment of each step."""

    def __init__(self) -> None:
        self.moments = Moments()

    def on_log(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if "loss" in state.log_history[-1]:
            self.moments(state.log_history[-1])
