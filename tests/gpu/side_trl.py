"""TRL's SFTTrainer on the same base, lessons and settings as ours. Needs trl and datasets.

Writes below the folder it is given, and nothing that is kept.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from datasets.table import InMemoryTable
from peft import LoraConfig, get_peft_model
from transformers import AutoTokenizer, TrainerCallback, set_seed
from trl import SFTConfig, SFTTrainer

from localfair.models.loading import load_causal_lm
from localfair.training.qlora import TrainSettings, training_arguments
from localfair.training.trainer import Example
from tests.gpu.memory import reset_peak
from tests.gpu.qlora import measured
from tests.gpu.setting import Measures
from tests.gpu.steps import Moments, optimizers

# what ours gives the Trainer and theirs must be given too, by transformers' names
SHARED = (
    "per_device_train_batch_size",
    "gradient_accumulation_steps",
    "learning_rate",
    "lr_scheduler_type",
    "warmup_steps",
    "num_train_epochs",
    "weight_decay",
    "max_grad_norm",
    "seed",
    "data_seed",
    "optim",
    "bf16",
    "use_cpu",
    "logging_steps",
    "save_strategy",
    "report_to",
    "disable_tqdm",
    "dataloader_pin_memory",
    "gradient_checkpointing",
)


class Watch(TrainerCallback):  # type: ignore[misc]
    """The loss and the moment of each step."""

    def __init__(self) -> None:
        self.moments = Moments()
        self.losses: list[float] = []

    def on_log(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if "loss" in state.log_history[-1]:
            self.moments(state.log_history[-1])
            self.losses.append(state.log_history[-1]["loss"])


def theirs(base: Path, taught: list[Example], folder: Path, settings: TrainSettings) -> Measures:
    """Train; losses, seconds a step, peak and the optimizer that took the steps."""
    reset_peak()
    watch = Watch()
    set_seed(settings.seed)
    with tempfile.TemporaryDirectory(dir=folder) as scratch, optimizers() as stepped:
        trainer = SFTTrainer(
            model=_with_adapter(base, settings),
            args=_arguments(Path(scratch), settings),
            callbacks=[watch],
            train_dataset=_dataset(taught),
            processing_class=AutoTokenizer.from_pretrained(base, local_files_only=True),
        )
        trainer.train()
    return {**measured(watch.losses, watch.moments), "optimizer": ", ".join(stepped)}


def _with_adapter(base: Path, settings: TrainSettings) -> torch.nn.Module:
    """The base in NF4 as ours loads it, with fresh LoRA weights."""
    config = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    return get_peft_model(load_causal_lm(base, "nf4", settings.compute), config)


def _arguments(folder: Path, settings: TrainSettings) -> SFTConfig:
    """Ours, in TRL's configuration; lessons are tokens already and stay whole."""
    arguments = training_arguments(folder, settings)
    shared = {name: getattr(arguments, name) for name in SHARED}
    return SFTConfig(
        output_dir=str(folder),
        dataset_kwargs={"skip_prepare_dataset": True},
        max_length=None,
        **shared,
    )


def _dataset(taught: list[Example]) -> Dataset:
    """The lessons' tokens and labels in TRL's words."""
    columns = {
        "input_ids": [list(example.encoded.input_ids) for example in taught],
        "labels": [list(example.encoded.labels) for example in taught],
    }
    # with a fingerprint given, none is made: dill cannot hash the tables of pyarrow 26
    return Dataset(InMemoryTable.from_pydict(columns), fingerprint="lessons")
