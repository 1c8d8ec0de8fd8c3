"""TRL's side of the training benchmark, in a process of its own: SFTTrainer on the given tokens
and labels.

Arguments: base folder, lessons file, working folder. Prints one JSON line. Needs trl and
datasets.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback, set_seed
from trl import SFTConfig, SFTTrainer

from tests.benchmarks.sft import BATCH, adapter_mark, pace, peak_mib

# the same arguments that localfair.training.qlora gives the Trainer
ARGUMENTS: dict[str, Any] = {
    "per_device_train_batch_size": BATCH,
    "learning_rate": 1e-4,
    "lr_scheduler_type": "constant_with_warmup",
    "num_train_epochs": 1,
    "weight_decay": 0.0,
    "max_grad_norm": 1.0,
    "seed": 0,
    "data_seed": 0,
    "optim": "adamw_torch_fused",
    "bf16": False,
    "use_cpu": True,
    "gradient_checkpointing": False,
    "logging_steps": 1,
    "save_strategy": "no",
    "report_to": "none",
    "disable_tqdm": True,
    "dataloader_pin_memory": False,
    "dataset_kwargs": {"skip_prepare_dataset": True},
    "max_length": None,
}


class Watch(TrainerCallback):  # type: ignore[misc]
    """When each step was logged, and its loss."""

    def __init__(self) -> None:
        self.moments: list[float] = []
        self.losses: list[float] = []

    def on_log(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if "loss" in state.log_history[-1]:
            self.moments.append(time.perf_counter())
            self.losses.append(state.log_history[-1]["loss"])


def with_adapter(base: Path) -> Any:
    """The base in float32 with fresh LoRA weights, seeded as ours are."""
    set_seed(0)
    model = AutoModelForCausalLM.from_pretrained(
        base, local_files_only=True, attn_implementation="sdpa", dtype=torch.float32
    )
    return get_peft_model(
        model, LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    )


def measured(trainer: Any, watch: Watch, imported: float, start: str) -> dict[str, Any]:
    """Train; losses, pace and memory."""
    trainer.train()
    return {
        "losses": watch.losses,
        "step_seconds": pace(watch.moments),
        "peak_mib": peak_mib(),
        "imported_mib": imported,
        "start": start,
    }


def main(base: Path, lessons: Path, work: Path) -> None:
    imported, watch = peak_mib(), Watch()
    model = with_adapter(base)
    start = adapter_mark(model.named_parameters())
    with tempfile.TemporaryDirectory(dir=work) as folder:
        trainer = SFTTrainer(
            model=model,
            args=SFTConfig(output_dir=folder, **ARGUMENTS),
            callbacks=[watch],
            train_dataset=Dataset.from_list(json.loads(lessons.read_text())),
            processing_class=AutoTokenizer.from_pretrained(base, local_files_only=True),
        )
        print(json.dumps(measured(trainer, watch, imported, start)))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
