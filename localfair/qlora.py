"""Trains a LoRA adapter on encoded lessons, over a frozen base in NF4 or dense.

Reads a folder of safetensors and lessons already made into tokens; writes the adapter (safetensors), its
checkpoints and a `training.json` in one folder. Knows nothing of the store, of recipes or of tokenizers.
transformers' Trainer does the loop; ours is the loss and what is counted. QLoRA is arXiv 2305.14314.
"""

from __future__ import annotations

import json
import resource
import shutil
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from localfair.errors import TrainingError
from localfair.records import content_id
from localfair.term_trainer import (
    Example,
    PrinterCallback,
    TermTrainer,
    TrainerCallback,
    TrainingArguments,
    collate,
    set_seed,
)
from localfair.weights import load_causal_lm, save_adapter

# the old name of these two arguments is the one that every supported transformers knows
_CHECKPOINTING: dict[str, Any] = {
    "gradient_checkpointing": True,
    "gradient_checkpointing_kwargs": {"use_reentrant": False},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSettings:
    """Everything, besides base and lessons, that decides an adapter. `terms`: (term, weight in the loss).

    `warmup` counts steps; `clip` 0 clips nothing; `checkpoint_every` counts steps, 0 makes no checkpoint;
    `batch_size` x `accumulation` lessons make one step. `max_length` is a bound on lessons, never a cut.
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
    compute: Literal["bf16", "fp32"] = "bf16"
    gradient_checkpointing: bool = False
    checkpoint_every: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainResult:
    """What training did. `curve` holds (step, loss of its window, learning rate it used), from step 1.

    `supervised_tokens` are those of one epoch; `seconds` and `peak_bytes` (of the process, or of the GPU)
    are of the call that finished it.
    """

    steps: int
    curve: tuple[tuple[int, float, float], ...]
    seconds: float
    supervised_tokens: int
    peak_bytes: int


def train(
    base_dir: Path,
    lessons: Sequence[Example],
    out_dir: Path,
    settings: TrainSettings,
    on_step: Callable[[dict[str, Any]], None] = lambda step: None,
) -> TrainResult:
    """Train an adapter of `base_dir` into `out_dir`.

    The same call again goes on from the last good checkpoint; a finished one is returned as it stands.
    `on_step` is given {step, steps, loss, learning_rate}.
    Raises TrainingError for lessons that cannot be trained on, a loss that is no number (the last
    checkpoint stays), or an `out_dir` that holds another training.
    """
    _check(lessons, settings)
    record = out_dir / "training.json"
    begun = {"id": _identity(base_dir, lessons, settings)}
    if done := _earlier(record, begun["id"]):
        return done
    _write(record, begun)
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # names that change in a later transformers
        trainer = _trainer(base_dir, lessons, out_dir / "checkpoints", settings, on_step)
        trainer.train(resume_from_checkpoint=last_checkpoint(out_dir / "checkpoints"))
    save_adapter(trainer.model, out_dir)
    result = TrainResult(
        steps=trainer.state.global_step,
        curve=_curve(trainer),
        seconds=time.perf_counter() - start,
        supervised_tokens=sum(lesson.encoded.supervised for lesson in lessons),
        peak_bytes=_peak_bytes(),
    )
    _write(record, begun | {"result": asdict(result)})
    shutil.rmtree(out_dir / "checkpoints", ignore_errors=True)
    return result


def last_checkpoint(folder: Path) -> str | None:
    """The newest checkpoint that was written to its end: `trainer_state.json` is a checkpoint's last file."""
    whole = [p.parent for p in folder.glob("checkpoint-*/trainer_state.json") if _is_json(p)]
    newest = max(whole, key=lambda p: int(p.name.rpartition("-")[2]), default=None)
    return str(newest) if newest else None


class _Report(TrainerCallback):  # type: ignore[misc]
    """Hands each step to the caller; nothing is printed."""

    def __init__(self, on_step: Callable[[dict[str, Any]], None]) -> None:
        self.on_step = on_step

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        entry = state.log_history[-1]
        if "loss" in entry:
            shown = {key: entry[key] for key in ("step", "loss", "learning_rate")}
            self.on_step(shown | {"steps": state.max_steps})


def _trainer(
    base_dir: Path,
    lessons: Sequence[Example],
    folder: Path,
    settings: TrainSettings,
    on_step: Callable[[dict[str, Any]], None],
) -> TermTrainer:
    arguments = _arguments(folder, settings)
    set_seed(settings.seed)
    names = tuple(term for term, _ in settings.terms)
    trainer = TermTrainer(
        model=_with_adapter(base_dir, settings),
        args=arguments,
        train_dataset=list(lessons),
        data_collator=lambda examples: collate(examples, names),
        callbacks=[_Report(on_step)],
    )
    trainer.terms = dict(settings.terms)
    trainer.remove_callback(PrinterCallback)
    return trainer


def _with_adapter(base_dir: Path, settings: TrainSettings) -> Any:
    """The frozen base with fresh LoRA weights, these in float32."""
    from peft import LoraConfig, get_peft_model

    base = load_causal_lm(base_dir, "nf4" if settings.quantise == "nf4" else settings.compute)
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
    gpu = torch.cuda.is_available()
    arguments = TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=settings.batch_size,
        gradient_accumulation_steps=settings.accumulation,
        learning_rate=settings.learning_rate,
        lr_scheduler_type="constant_with_warmup" if settings.schedule == "constant" else settings.schedule,
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
    )
    arguments._n_gpu = min(arguments.n_gpu, 1)  # one GPU: never DataParallel
    return arguments


def _check(lessons: Sequence[Example], settings: TrainSettings) -> None:
    """Refuse what no training can use."""
    if not lessons:
        raise TrainingError("there are no lessons to train on", "accept more explanations, or fewer rules")
    known = dict(settings.terms)
    if unknown := sorted({lesson.term for lesson in lessons} - known.keys()):
        raise TrainingError(f"no weight for the terms {unknown}", f"the loss has the terms {sorted(known)}")
    longest = max(len(lesson.encoded.input_ids) for lesson in lessons)
    if longest > settings.max_length:
        raise TrainingError(f"a lesson has {longest} tokens, more than {settings.max_length}", "drop it")
    if any(not lesson.encoded.supervised for lesson in lessons):
        raise TrainingError("a lesson has no supervised token", "drop it")


def _identity(base_dir: Path, lessons: Sequence[Example], settings: TrainSettings) -> str:
    """What makes two calls the same training; the base by its configuration and its files' sizes."""
    files = sorted((p.name, p.stat().st_size) for p in base_dir.glob("*.safetensors"))
    if not files:
        raise TrainingError(f"no safetensors in {base_dir}", "dequantise the model first")
    return content_id(
        "training",
        base=[(base_dir / "config.json").read_text(), files],
        lessons=[asdict(lesson) for lesson in lessons],
        settings=asdict(settings),
    )


def _earlier(record: Path, identity: str) -> TrainResult | None:
    """The result of the same training if it is finished; None if it is to be begun or gone on with."""
    if not record.exists():
        return None
    earlier = json.loads(record.read_text())
    if earlier["id"] != identity:
        raise TrainingError(f"{record.parent} holds another training", "choose an empty folder")
    if "result" not in earlier:
        return None
    curve = tuple((step, loss, rate) for step, loss, rate in earlier["result"]["curve"])
    return TrainResult(**earlier["result"] | {"curve": curve})


def _curve(trainer: TermTrainer) -> tuple[tuple[int, float, float], ...]:
    history = [entry for entry in trainer.state.log_history if "loss" in entry]
    return tuple((int(entry["step"]), entry["loss"], entry["learning_rate"]) for entry in history)


def _peak_bytes() -> int:
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _is_json(path: Path) -> bool:
    try:
        return isinstance(json.loads(path.read_text()), dict)
    except ValueError:
        return False


def _write(path: Path, value: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(value))
    part.replace(path)
