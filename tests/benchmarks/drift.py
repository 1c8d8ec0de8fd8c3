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
from localfair.models.loading import Precision, load_causal_lm
from localfair.record.nouns import Message
from localfair.tasks import get_task
from localfair.training.encode import encode
from localfair.training.losses import IGNORE
from tests.export import forced

Text = tuple[list[int], np.ndarray]  # token ids, and which but the first are the solution's


def texts(base: Path, count: int) -> Iterator[Text]:
    """The first dev questions, each with its solution."""
    task = get_task("arithmetic-1")
    tokenizer = load_tokenizer(base)
    dev = [question for question in task.generate().questions if question.split == "dev"]
    for question in dev[:count]:
        prompt = f"{task.prompt(question)}\n\n{task.answer_format()}"
        lesson = encode(tokenizer, (Message("user", prompt),), question.rationale, 512)
        yield list(lesson.input_ids), np.array(lesson.labels[1:]) != IGNORE


def beside(base: Path, adapter: Path, precision: Precision) -> Any:
    """The base in a precision with its adapter beside it."""
    from peft import PeftModel

    model = load_causal_lm(base, precision)
    return PeftModel.from_pretrained(model, adapter, local_files_only=True).eval()


class Drift:
    """The log-probabilities of one form of the student, and how far others are from them."""

    def __init__(self, model: Any, asked: list[Text]) -> None:
        self.asked = asked
        self.reference = [forced.by_transformers(model, ids) for ids, _ in asked]

    def show_transformers(self, name: str, model: Any) -> None:
        """Print the row of a model in transformers."""
        self._show(name, [forced.by_transformers(model, ids) for ids, _ in self.asked])

    def show_llama_cpp(self, name: str, path: Path, lora: Path | None = None) -> None:
        """Print the row of a GGUF in llama.cpp, with a LoRA or without."""
        self._show(name, [forced.by_llama_cpp(path, ids, lora) for ids, _ in self.asked])

    def _show(self, name: str, values: list[np.ndarray]) -> None:
        apart = []
        losses = []
        for reference, other, (_, solution) in zip(self.reference, values, self.asked, strict=True):
            apart.append(abs(reference - other)[solution])
            losses.append(-other[solution])
        differences = np.concatenate(apart)
        loss = np.concatenate(losses).mean()
        print(
            f"| {name} | {differences.mean():.4f} | {differences.max():.2f} | {loss:.4f} |",
            flush=True,
        )


def main(path: str, adapter: Path, count: int) -> None:
    """Print the table of one student."""
    model = resolve(path, workspace_dir())
    base = dequantised(model, workspace_dir())
    whole = merged.merge(base, adapter, "bf16").eval()
    drift = Drift(whole, list(texts(base, count)))

    print("| form | mean abs. difference | largest | mean loss |\n|---|--:|--:|--:|")
    drift.show_transformers("merged into the 16-bit base, transformers", whole)
    drift.show_transformers("adapter beside the 16-bit base", beside(base, adapter, "bf16"))
    four_bits = beside(base, adapter, "nf4")
    drift.show_transformers("adapter beside the NF4 base", four_bits)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that merging rounds is what is shown here
        lost = four_bits.merge_and_unload()
    drift.show_transformers("merged into NF4 (refused by export)", lost)
    bare = load_causal_lm(base, "bf16").eval()
    drift.show_transformers("the base without the adapter", bare)
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        for format in gguf.FORMATS:
            out = Path(folder) / f"{format}.gguf"
            gguf.write(whole, model, base, format, {"general.name": "drift"}, out)
            drift.show_llama_cpp(f"merged, GGUF {format}, llama.cpp", out)
        lora = gguf_lora.write(adapter, model.path, Path(folder) / "lora.gguf")
        name = "GGUF LoRA on the base's own GGUF, llama.cpp"
        drift.show_llama_cpp(name, model.path, lora)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]) if sys.argv[3:] else 16)
