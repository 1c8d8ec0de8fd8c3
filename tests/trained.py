"""A tiny student with a trained adapter, as folders and as GGUF: what exports and LoRA files are made from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Tiny:
    """A tiny base (folder, GGUF), an adapter trained on it, and token ids to compare on."""

    folder: Path
    gguf: Path
    adapter: Path
    ids: list[int]

    def adapted(self) -> Any:
        """The base with its adapter beside it, in float32."""
        from peft import PeftModel
        from transformers import AutoModelForCausalLM

        base = AutoModelForCausalLM.from_pretrained(self.folder, local_files_only=True)
        return PeftModel.from_pretrained(base, self.adapter, local_files_only=True).eval()


def trained(base: Path, folder: Path, **changes: Any) -> Path:
    """An adapter of `base`, taught a few replies hard enough that it matters."""
    from localfair.record.nouns import Message
    from localfair.training.encode import encode
    from localfair.training.qlora import TrainSettings, train
    from localfair.training.trainer import Example
    from tests import tiny

    words = tiny.tokenizer()
    lessons = [
        Example(
            encode(
                words,
                (Message("user", f"How many pens are in {i} boxes?"),),
                f"The answer is {12 * i}.",
                256,
            ),
            "ce",
        )
        for i in range(8)
    ]
    options = {
        "rank": 4,
        "alpha": 8,
        "learning_rate": 1e-2,
        "epochs": 4,
        "quantise": "none",
        "compute": "fp32",
    }
    train(base, lessons, folder, TrainSettings(terms=(("ce", 1.0),), **options | changes))
    return folder


def build(root: Path) -> Tiny:
    """A tiny student, its GGUF and an adapter taught to it, below `root`."""
    from tests import tiny, tiny_gguf

    folder = tiny.build(root / "base")
    ids = tiny.tokenizer()("How many pens are in 7 boxes? The answer is 84.").input_ids
    return Tiny(
        folder, tiny_gguf.write(folder, root / "base.gguf"), trained(folder, root / "adapter"), ids
    )
