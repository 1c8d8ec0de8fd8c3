"""Trains a LoRA adapter on encoded lessons, over a frozen base in NF4 or dense.

Reads a folder of safetensors and lessons already made into tokens; writes the adapter (safetensors), its
checkpoints and its record in one folder. Knows nothing of the store, of recipes or of tokenizers.
transformers' Trainer does the loop; ours is the loss and what is counted. QLoRA is arXiv 2305.14314.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch

from localfair.errors import TrainingError
from localfair.machine.hardware import usual_precision
from localfair.models.loading import ADAPTER_FILE, load_causal_lm
from localfair.record.nouns import content_id
from localfair.training import checkpoints
from localfair.training.batches import Batches, by_length, one_a_question
from localfair.training.trainer import (
    Example,
    PrinterCallback,
    TermTrainer,
    TrainerCallback,
    TrainingArguments,
    collate,
    set_seed,
)

# the old name of these two arguments is the one that every supported transformers knows
_CHECKPOINTING: dict[str, Any] = {
    "gradient_checkpointing": True,
    "gradient_checkpointing_kwargs": {"use_reentrant": False},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSettings:
    """Everything, besides base and lessons, that decides an adapter. `terms`: (term, weight in the loss).

    `warmup` counts steps; `clip` 0 clips nothing; `checkpoint_every` counts steps, 0 makes no checkpoint;
    `batch_size` x `accumulation` lessons make one step, shared among the processes. `max_length` is a bound on
    lessons, never a cut. `tau` and `vocabulary` (shared ids) are those of the lessons' soft labels.
    `one_question_a_batch` goes before `group_by_length`. `keep_epochs` leaves each epoch's adapter in `epochs/N`.
    """

    terms: tuple[tuple[str, float], ...]
    rank: int = 16
    alpha: int = 32
    dropout: float = 0.0
    targets: str | tuple[str, ...] = "all-linear"
    learning_rate: float = 1e-4
    schedule: Literal["constant", "cosine", "linear"] = "constant"
    warmup: int = 0
    epochs: int = 1
    batch_size: int = 8
    accumulation: int = 1
    max_length: int = 1024
    weight_decay: float = 0.0
    clip: float = 1.0
    seed: int = 0
    quantise: Literal["nf4", "none"] = "nf4"
    compute: Literal["bf16", "fp32"] = field(default_factory=usual_precision)
    gradient_checkpointing: bool = False
    checkpoint_every: int = 0
    tau: float = 1.0
    vocabulary: int | None = None
    group_by_length: bool = False
    one_question_a_batch: bool = False
    keep_epochs: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainResult:
    """What training did. `curve` holds (step, loss of its window, learning rate it used), from step 1.

    `supervised_tokens` are those of one epoch; `seconds` and `peak_bytes` (of the process, or of the GPU) are of
    all calls together, those that were interrupted too. `tokens_per_second`: prompt and reply, padding left out.
    """

    steps: int
    curve: tuple[tuple[int, float, float], ...]
    seconds: float
    supervised_tokens: int
    tokens_per_second: float
    peak_bytes: int


def train(
    base_dir: Path,
    lessons: Sequence[Example],
    out_dir: Path,
    settings: TrainSettings,
    on_step: Callable[[dict[str, Any]], None] = lambda step: None,
    start: Path | None = None,
) -> TrainResult:
    """Train an adapter of `base_dir` into `out_dir`; from the adapter in the folder `start` on, if one is given.

    The same call again goes on from the last good checkpoint; a finished one is returned as it stands.
    `on_step` is given {step, steps, loss, learning_rate}. Under torch's launcher the processes share each step; an
    epoch's last step, where it is incomplete, is then filled up with lessons from its beginning (accelerate's way).
    Raises TrainingError for lessons that cannot be trained on, a loss that is no number (the last
    checkpoint stays), or an `out_dir` that holds another training; DiskFull.
    """
    _check(lessons, settings)
    record = checkpoints.begin(out_dir, _identity(base_dir, lessons, settings, start))
    if "result" in record:
        curve = tuple((step, loss, rate) for step, loss, rate in record["result"]["curve"])
        return TrainResult(**record["result"] | {"curve": curve})
    clock = checkpoints.Clock(out_dir, record)
    with warnings.catch_warnings(), checkpoints.saving():
        warnings.simplefilter("ignore", FutureWarning)  # names that change in a later transformers
        clock.note()
        trainer = _trainer(base_dir, lessons, out_dir / "checkpoints", settings, start)
        trainer.add_callback(_Report(on_step, clock))
        if settings.keep_epochs:
            trainer.add_callback(_Epochs(trainer, out_dir / "epochs"))
        trainer.train(resume_from_checkpoint=checkpoints.last_checkpoint(out_dir / "checkpoints"))
        trainer.save_model(str(out_dir))
        clock.note()
        result = _result(trainer, lessons, settings, clock.record)
        if trainer.args.should_save:
            checkpoints.write(out_dir, clock.record | {"result": asdict(result)})
            shutil.rmtree(out_dir / "checkpoints", ignore_errors=True)
    trainer.accelerator.wait_for_everyone()
    return result


def _result(
    trainer: TermTrainer,
    lessons: Sequence[Example],
    settings: TrainSettings,
    record: dict[str, Any],
) -> TrainResult:
    tokens = sum(len(lesson.encoded.input_ids) for lesson in lessons) * settings.epochs
    return TrainResult(
        steps=trainer.state.global_step,
        curve=_curve(trainer),
        seconds=record["seconds"],
        supervised_tokens=sum(lesson.encoded.supervised for lesson in lessons),
        tokens_per_second=tokens / record["seconds"],
        peak_bytes=record["peak_bytes"],
    )


class _Report(TrainerCallback):  # type: ignore[misc]
    """Hands each step to the clock and the caller; nothing is printed."""

    def __init__(self, on_step: Callable[[dict[str, Any]], None], clock: checkpoints.Clock) -> None:
        self.on_step, self.clock = on_step, clock

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        entry = state.log_history[-1]
        if "loss" in entry:
            self.clock.note()
            shown = {key: entry[key] for key in ("step", "loss", "learning_rate")}
            self.on_step(shown | {"steps": state.max_steps})


class _Epochs(TrainerCallback):  # type: ignore[misc]
    """Leaves each epoch's adapter in a folder of its number."""

    def __init__(self, trainer: TermTrainer, folder: Path) -> None:
        self.trainer, self.folder = trainer, folder

    def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.trainer.save_model(str(self.folder / str(round(state.epoch))))


def _trainer(
    base_dir: Path,
    lessons: Sequence[Example],
    folder: Path,
    settings: TrainSettings,
    start: Path | None,
) -> TermTrainer:
    arguments = _arguments(folder, settings)
    set_seed(settings.seed)
    names = tuple(term for term, _ in settings.terms)
    trainer = TermTrainer(
        model=_with_adapter(base_dir, settings, start),
        args=arguments,
        train_dataset=list(lessons),
        data_collator=lambda examples: collate(examples, names),
    )
    trainer.terms = dict(settings.terms)
    trainer.tau, trainer.vocabulary = settings.tau, settings.vocabulary
    trainer.batches = _batches(lessons, settings, arguments.per_device_train_batch_size)
    trainer.remove_callback(PrinterCallback)
    return trainer


def _batches(lessons: Sequence[Example], settings: TrainSettings, size: int) -> Batches | None:
    """The order that the settings ask for; None is a plain shuffle."""
    if settings.one_question_a_batch:
        return Batches(
            partial(one_a_question, [e.question for e in lessons], size), size, settings.seed
        )
    if settings.group_by_length:
        return Batches(
            partial(by_length, [len(e.encoded.input_ids) for e in lessons], size),
            size,
            settings.seed,
        )
    return None


def _with_adapter(base_dir: Path, settings: TrainSettings, start: Path | None) -> Any:
    """The frozen base with LoRA weights, these in float32: fresh ones, or those of an earlier adapter."""
    from peft import LoraConfig, PeftModel, get_peft_model

    base = load_causal_lm(
        base_dir, "nf4" if settings.quantise == "nf4" else settings.compute, settings.compute
    )
    if start is not None:
        earlier = PeftModel.from_pretrained(base, start, is_trainable=True, local_files_only=True)
        config = earlier.peft_config["default"]
        if (config.r, config.lora_alpha) != (settings.rank, settings.alpha):
            raise TrainingError(
                f"the adapter to go on from has rank {config.r} and alpha {config.lora_alpha}, "
                f"not {settings.rank} and {settings.alpha}",
                'give both train steps the same adapter, or set from = "base"',
            )
        return earlier
    targets = settings.targets if isinstance(settings.targets, str) else list(settings.targets)
    config = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=targets,
        task_type="CAUSAL_LM",
    )
    model = get_peft_model(base, config)
    config.base_model_name_or_path = base_dir.name  # a name for people: no path of this machine
    return model


def _arguments(folder: Path, settings: TrainSettings) -> TrainingArguments:
    gpu, processes = torch.cuda.is_available(), int(os.environ.get("WORLD_SIZE", 1))
    if settings.batch_size % processes or (settings.one_question_a_batch and processes > 1):
        raise TrainingError(
            f"a batch of {settings.batch_size} cannot be shared by {processes} processes",
            "choose a multiple of them, and leave one_question_a_batch out",
        )
    arguments = TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=settings.batch_size // processes,
        gradient_accumulation_steps=settings.accumulation,
        learning_rate=settings.learning_rate,
        lr_scheduler_type="constant_with_warmup"
        if settings.schedule == "constant"
        else settings.schedule,
        warmup_steps=settings.warmup,
        num_train_epochs=settings.epochs,
        weight_decay=settings.weight_decay,
        max_grad_norm=settings.clip,
        seed=settings.seed,
        data_seed=settings.seed,
        optim="paged_adamw_8bit" if gpu else "adamw_torch_fused",
        bf16=settings.compute == "bf16",
        use_cpu=not gpu,
        **_CHECKPOINTING if settings.gradient_checkpointing else {},
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
    )
    arguments._n_gpu = min(arguments.n_gpu, 1)  # one GPU: never DataParallel
    return arguments


def _check(lessons: Sequence[Example], settings: TrainSettings) -> None:
    """Refuse what no training can use."""
    if not lessons:
        raise TrainingError(
            "there are no lessons to train on", "accept more explanations, or fewer rules"
        )
    known = dict(settings.terms)
    if unknown := sorted({lesson.term for lesson in lessons} - known.keys()):
        raise TrainingError(
            f"no weight for the terms {unknown}", f"the loss has the terms {sorted(known)}"
        )
    longest = max(len(lesson.encoded.input_ids) for lesson in lessons)
    if longest > settings.max_length:
        raise TrainingError(
            f"a lesson has {longest} tokens, more than {settings.max_length}", "drop it"
        )
    if any(not lesson.encoded.supervised for lesson in lessons):
        raise TrainingError("a lesson has no supervised token", "drop it")


def _identity(
    base_dir: Path, lessons: Sequence[Example], settings: TrainSettings, start: Path | None
) -> str:
    """What makes two calls the same training; the base by its configuration and its files' sizes."""
    files = sorted((p.name, p.stat().st_size) for p in base_dir.glob("*.safetensors"))
    if not files:
        raise TrainingError(f"no safetensors in {base_dir}", "dequantise the model first")
    return content_id(
        "training",
        base=[(base_dir / "config.json").read_text(), files],
        lessons=hashlib.sha256(repr(list(lessons)).encode()).hexdigest(),
        settings=asdict(settings)
        | {"checkpoint_every": 0, "keep_epochs": False},  # what is saved decides nothing
        start=hashlib.sha256((start / ADAPTER_FILE).read_bytes()).hexdigest() if start else None,
    )


def _curve(trainer: TermTrainer) -> tuple[tuple[int, float, float], ...]:
    history = [entry for entry in trainer.state.log_history if "loss" in entry]
    return tuple((int(entry["step"]), entry["loss"], entry["learning_rate"]) for entry in history)
