"""How far the forms of one trained student drift apart: mean |difference| of teacher-forced
log-probabilities.

    python -m tests.benchmarks.drift MODEL.gguf ADAPTER_FOLDER [questions]

The reference is the adapter merged into the 16-bit base. Texts are the dev questions of
arithmetic-1 with their own solutions, only the solution's tokens are compared. Reads real
weights, writes dequantised ones into the workspace.
"""

from __future__ import annotations

import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from localfair.export import gguf, merged
from localfair.machine.workspace import workspace_dir
from localfair.models import gguf_lora, resolve
from localfair.models.chat import load_tokenizer
from localfair.models.dequantise import dequantised
from localfair.models.loading import load_causal_lm
from localfair.record.nouns import Message
from localfair.tasks import get_task
from localfair.training.encode import encode
from localfair.training.losses import IGNORE
from tests.export import forced


def texts(base: Path, count: int) -> Iterator[tuple[list[int], np.ndarray]]:
    """Token ids of a question with its solution, and which of them (but the first) are the
    solution's.
    """
    task, words = get_task("arithmetic-1"), load_tokenizer(base)
    for question in [q for q in task.generate().questions if q.split == "dev"][:count]:
        ask = (Message("user", f"{task.prompt(question)}\n\n{task.answer_format()}"),)
        lesson = encode(words, ask, question.rationale, 512)
        yield list(lesson.input_ids), np.array(lesson.labels[1:]) != IGNORE


def beside(base: Path, adapter: Path, precision: Any) -> Any:
    from peft import PeftModel

    return PeftModel.from_pretrained(
        load_causal_lm(base, precision), adapter, local_files_only=True
    ).eval()


def main(path: str, adapter: Path, count: int) -> None:
    model = resolve(path, workspace_dir())
    base = dequantised(model, workspace_dir())
    asked = list(texts(base, count))
    whole = merged.merge(base, adapter, "bf16").eval()
    reference = [forced.by_transformers(whole, ids) for ids, _ in asked]

    def show(name: str, found: list[np.ndarray]) -> None:
        apart = np.concatenate(
            [abs(a - b)[k] for a, b, (_, k) in zip(reference, found, asked, strict=True)]
        )
        loss = -np.concatenate([b[k] for b, (_, k) in zip(found, asked, strict=True)]).mean()
        print(f"| {name} | {apart.mean():.4f} | {apart.max():.2f} | {loss:.4f} |", flush=True)

    print("| form | mean abs. difference | largest | mean loss |\n|---|--:|--:|--:|")
    show("merged into the 16-bit base, transformers", reference)
    dense = beside(base, adapter, "bf16")
    show("adapter beside the 16-bit base", [forced.by_transformers(dense, i) for i, _ in asked])
    four = beside(base, adapter, "nf4")
    show("adapter beside the NF4 base", [forced.by_transformers(four, i) for i, _ in asked])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that merging rounds is what is shown here
        lost = four.merge_and_unload()
    show("merged into NF4 (refused by export)", [forced.by_transformers(lost, i) for i, _ in asked])
    bare = load_causal_lm(base, "bf16").eval()
    show("the base without the adapter", [forced.by_transformers(bare, i) for i, _ in asked])
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        for kind in gguf.FORMATS:
            file = gguf.write(whole, model, base, kind, "drift", Path(folder) / f"{kind}.gguf")
            show(
                f"merged, GGUF {kind}, llama.cpp", [forced.by_llama_cpp(file, i) for i, _ in asked]
            )
        lora = gguf_lora.write(adapter, model.path, Path(folder) / "lora.gguf")
        show(
            "GGUF LoRA on the base's own GGUF, llama.cpp",
            [forced.by_llama_cpp(model.path, i, lora) for i, _ in asked],
        )


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]) if sys.argv[3:] else 16)
