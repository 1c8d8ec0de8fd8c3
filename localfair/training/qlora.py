"""Trains a LoRA adapter on encoded lessons, over a frozen base in NF4 or dense.

Reads a folder of safetensors and lessons already made into tokens; writes the adapter
(safetensors), its checkpoints and its record in one folder. Knows nothing of the store, of recipes
or of tokenizers. transformers' Trainer does the loop; ours is the loss and what is counted. QLoRA
is arXiv 2305.14314.
"""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from localfair.errors import TrainingError
from localfair.machine.files import sha256_file
from localfair.models.loading import ADAPTER_FILE
from localfair.record.nouns import content_id
from localfair.training import checkpoints
from localfair.training.checkpoints import CHECKPOINTS
from localfair.training.lora import lora_model
from localfair.training.settings import TrainSettings
from localfair.training.trainer import (
    Example,
    TermTrainer,
    TrainerCallback,
    TrainingArguments,
    set_seed,
    share_predicted,
)

if TYPE_CHECKING:
    from transformers import TrainerControl, TrainerState

PREDICTED = "predicted"  # what the log calls the share of tokens after an epoch
__all__ = ["StepDone", "TrainResult", "TrainSettings", "train"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDone:
    """A step that is done, of how many, with its loss and the learning rate that it used."""

    step: int
    steps: int
    loss: float
    learning_rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainResult:
    """What training did. `curve`: (step, loss of its window, learning rate it used), from step 1.

    `supervised_tokens` are those of one epoch; `seconds` and `peak_bytes` (of the process, or of
    the GPU) are of all calls together, those that were interrupted too. `tokens_per_second`: prompt
    and reply, padding left out. `predicted`: the share of the lessons' reply tokens that were
    predicted right after each epoch; empty where training does not end by it.
    """

    steps: int
    curve: tuple[tuple[int, float, float], ...]
    seconds: float
    supervised_tokens: int
    tokens_per_second: float
    peak_bytes: int
    predicted: tuple[float, ...] = ()


def train(
    base_dir: Path,
    lessons: Sequence[Example],
    out_dir: Path,
    settings: TrainSettings,
    on_step: Callable[[StepDone], None] = lambda step: None,
    start: Path | None = None,
) -> TrainResult:
    """Train an adapter of `base_dir` into `out_dir`; with `start`, on from the adapter in it.

    The same call again goes on from the last good checkpoint; a finished one is returned as it
    stands. `on_step` is given each step. Under torch's launcher the
    processes share each step; an epoch's last step, where it is incomplete, is then filled up with
    lessons from its beginning (accelerate's way). Raises TrainingError for lessons that cannot be
    trained on, a loss that is no number (the last checkpoint stays), or an `out_dir` that holds
    another training; DiskFull.
    """
    _check(lessons, settings)
    record = checkpoints.begin(out_dir, _identity(base_dir, lessons, settings, start))
    if record.result is not None:
        return _finished(record.result)
    clock = checkpoints.Clock(out_dir, record)
    with warnings.catch_warnings(), checkpoints.saving():
        warnings.simplefilter("ignore", FutureWarning)  # names that change in a later transformers
        clock.note()
        arguments = training_arguments(out_dir / CHECKPOINTS, settings)
        set_seed(settings.seed)
        model = lora_model(base_dir, settings, start)
        trainer = TermTrainer(model, arguments, lessons, settings)
        trainer.add_callback(_Report(on_step, clock))
        if settings.keep_epochs:
            trainer.add_callback(_Epochs(trainer, out_dir / "epochs"))
        if settings.until is not None:
            trainer.add_callback(_Until(trainer, lessons, settings.until))
        with suppress(_Known):
            trainer.train(resume_from_checkpoint=checkpoints.last_checkpoint(out_dir / CHECKPOINTS))
        trainer.save_model(str(out_dir))
        clock.note()
        result = _result(trainer, lessons, settings, clock.record)
        if trainer.args.should_save:
            checkpoints.write(out_dir, replace(clock.record, result=asdict(result)))
            shutil.rmtree(out_dir / CHECKPOINTS, ignore_errors=True)
    trainer.accelerator.wait_for_everyone()
    return result


def _check(lessons: Sequence[Example], settings: TrainSettings) -> None:
    """Refuse what no training can use."""
    if not lessons:
        raise TrainingError(
            "there are no lessons to train on", "accept more explanations, or fewer rules"
        )
    terms = dict(settings.terms)
    unknown = {lesson.term for lesson in lessons} - terms.keys()
    if unknown:
        raise TrainingError(
            f"no weight for the terms {sorted(unknown)}", f"the loss has the terms {sorted(terms)}"
        )
    longest = max(lesson.encoded.length for lesson in lessons)
    if longest > settings.max_length:
        raise TrainingError(
            f"a lesson has {longest} tokens, more than {settings.max_length}", "drop it"
        )
    if any(lesson.encoded.supervised == 0 for lesson in lessons):
        raise TrainingError("a lesson has no supervised token", "drop it")


def _identity(
    base_dir: Path, lessons: Sequence[Example], settings: TrainSettings, start: Path | None
) -> str:
    """What makes two calls the same training; a base is known by its configuration and sizes."""
    files = sorted((path.name, path.stat().st_size) for path in base_dir.glob("*.safetensors"))
    if not files:
        raise TrainingError(f"no safetensors in {base_dir}", "dequantise the model first")
    return content_id(
        "training",
        base=[(base_dir / "config.json").read_text(), files],
        lessons=[lesson.id for lesson in lessons],
        settings=settings.id,
        start=sha256_file(start / ADAPTER_FILE) if start else None,
    )


def _finished(recorded: dict[str, Any]) -> TrainResult:
    """A result as it was before it became JSON, which knows no tuples."""
    result = TrainResult(**recorded)
    curve = tuple((step, loss, rate) for step, loss, rate in result.curve)
    return replace(result, curve=curve, predicted=tuple(result.predicted))


def _result(
    trainer: TermTrainer,
    lessons: Sequence[Example],
    settings: TrainSettings,
    record: checkpoints.Record,
) -> TrainResult:
    curve = []
    for entry in trainer.state.log_history:
        if "loss" in entry:  # the last one sums the training up
            curve.append((int(entry["step"]), entry["loss"], entry["learning_rate"]))
    predicted = tuple(entry[PREDICTED] for entry in trainer.state.log_history if PREDICTED in entry)
    epochs = settings.epochs if settings.until is None else len(predicted)
    tokens = epochs * sum(lesson.encoded.length for lesson in lessons)
    return TrainResult(
        steps=trainer.state.global_step,
        curve=tuple(curve),
        seconds=record.seconds,
        supervised_tokens=sum(lesson.encoded.supervised for lesson in lessons),
        tokens_per_second=tokens / record.seconds,
        peak_bytes=record.peak_bytes,
        predicted=predicted,
    )


class _Report(TrainerCallback):  # type: ignore[misc]
    """Hands each step to the clock and the caller; nothing is printed."""

    def __init__(self, on_step: Callable[[StepDone], None], clock: checkpoints.Clock) -> None:
        self.on_step = on_step
        self.clock = clock

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: object,
    ) -> None:
        entry = state.log_history[-1]
        if "loss" not in entry:
            return  # the summary at the end of a training
        self.clock.note()
        step = StepDone(
            step=entry["step"],
            steps=state.max_steps,
            loss=entry["loss"],
            learning_rate=entry["learning_rate"],
        )
        self.on_step(step)


class _AfterEpochs(TrainerCallback):  # type: ignore[misc]
    """Does something when an epoch has ended.

    An epoch's last checkpoint is older than its end: a training that goes on from there does it
    before its first step.
    """

    def after(self, epoch: int, state: TrainerState) -> bool:
        """What is to be done after an epoch, counted from 1; whether training ends with it."""
        raise NotImplementedError

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: object,
    ) -> None:
        epoch, begun = divmod(state.global_step, state.max_steps // round(args.num_train_epochs))
        goes_on_from_end = epoch > 0 and begun == 0
        if goes_on_from_end and self.after(epoch, state):
            raise _Known

    def on_epoch_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: object,
    ) -> None:
        if self.after(round(state.epoch), state):
            control.should_training_stop = True


class _Epochs(_AfterEpochs):
    """Leaves each epoch's adapter in a folder of its number."""

    def __init__(self, trainer: TermTrainer, folder: Path) -> None:
        self.trainer = trainer
        self.folder = folder

    def after(self, epoch: int, state: TrainerState) -> bool:
        self.trainer.save_model(str(self.folder / str(epoch)))
        return False


class _Known(Exception):
    """What was learned before a training was interrupted is enough: no step is left to do."""


class _Until(_AfterEpochs):
    """Ends a training with the epoch after which enough of the lessons is predicted right.

    The shares stand in the trainer's log, which its checkpoints keep.
    """

    def __init__(self, trainer: TermTrainer, lessons: Sequence[Example], accuracy: float) -> None:
        self.trainer = trainer
        self.lessons = lessons
        self.accuracy = accuracy

    def after(self, epoch: int, state: TrainerState) -> bool:
        share = share_predicted(self.trainer, self.lessons)
        state.log_history.append({PREDICTED: share, "step": state.global_step})
        return share >= self.accuracy


def training_arguments(folder: Path, settings: TrainSettings) -> TrainingArguments:
    """The settings in transformers' words; checkpoints go to `folder`.

    Raises TrainingError when the processes of torch's launcher cannot share a batch.
    """
    gpu = torch.cuda.is_available()
    processes = int(os.environ.get("WORLD_SIZE", 1))
    if settings.batch_size % processes or (settings.one_question_a_batch and processes > 1):
        raise TrainingError(
            f"a batch of {settings.batch_size} cannot be shared by {processes} processes",
            "choose a multiple of them, and leave one_question_a_batch out",
        )
    schedule = settings.schedule
    arguments = TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=settings.batch_size // processes,
        gradient_accumulation_steps=settings.accumulation,
        learning_rate=settings.learning_rate,
        lr_scheduler_type="constant_with_warmup" if schedule == "constant" else schedule,
        warmup_steps=settings.warmup,
        num_train_epochs=settings.epochs,
        weight_decay=settings.weight_decay,
        max_grad_norm=settings.clip,
        seed=settings.seed,
        data_seed=settings.seed,
        optim="paged_adamw_8bit" if gpu else "adamw_torch_fused",
        bf16=settings.compute == "bf16",
        use_cpu=not gpu,
        logging_steps=1,
        logging_nan_inf_filter=False,
        save_strategy="steps" if settings.checkpoint_every else "no",
        save_steps=settings.checkpoint_every or 1,
        save_total_limit=2,
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=gpu,
        ddp_backend="gloo" if processes > 1 and not gpu else None,
        ddp_find_unused_parameters=False,
        **_checkpointing(settings),
    )
    arguments._n_gpu = min(arguments.n_gpu, 1)  # one GPU: never DataParallel
    return arguments


def _checkpointing(settings: TrainSettings) -> dict[str, Any]:
    """The old name of these two arguments is the one that every supported transformers knows."""
    if not settings.gradient_checkpointing:
        return {}
    return {
        "gradient_checkpointing": True,
        "gradient_checkpointing_kwargs": {"use_reentrant": False},
    }
