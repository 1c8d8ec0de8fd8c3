"""TRL's side of the distillation benchmark, in a process of its own: GKDTrainer on given tokens,
teacher resident.

Arguments: base folder (teacher and student), lessons file, working folder. Prints one JSON
line. Needs trl, datasets.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl.experimental.gkd import GKDConfig, GKDTrainer
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

from tests.benchmarks.sft import adapter_mark, peak_mib
from tests.benchmarks.side_trl import ARGUMENTS, Watch, measured, with_adapter


def main(base: Path, lessons: Path, work: Path) -> None:
    imported, watch = peak_mib(), Watch()
    model = with_adapter(base)
    start = adapter_mark(model.named_parameters())
    teacher = AutoModelForCausalLM.from_pretrained(
        base, local_files_only=True, attn_implementation="sdpa", dtype=torch.float32
    )
    tokenizer = AutoTokenizer.from_pretrained(base, local_files_only=True)
    with tempfile.TemporaryDirectory(dir=work) as folder:
        trainer = GKDTrainer(
            model=model,
            teacher_model=teacher,
            callbacks=[watch],
            processing_class=tokenizer,
            # nothing sampled from the student, forward KL, temperature 1
            args=GKDConfig(output_dir=folder, lmbda=0.0, beta=0.0, temperature=1.0, **ARGUMENTS),
            train_dataset=Dataset.from_list(json.loads(lessons.read_text())),
            data_collator=DataCollatorForLanguageModeling(pad_token_id=tokenizer.pad_token_id or 0),
        )
        print(json.dumps(measured(trainer, watch, imported, start)))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
