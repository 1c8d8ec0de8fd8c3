"""A tiny student with a trained adapter, as folders and as GGUF: what exports are made from.

Reads nothing; writes into the folder it is given.
"""

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
    """Train an adapter of `base` into `folder`, on a few replies hard enough that it matters."""
    from localfair.record.nouns import Message
    from localfair.training.encode import encode
    from localfair.training.qlora import TrainSettings, train
    from localfair.training.trainer import Example
    from tests import tiny

    words = tiny.tokenizer()
    lessons = []
    for boxes in range(8):
        question = Message("user", f"How many pens are in {boxes} boxes?")
        encoded = encode(words, (question,), f"The answer is {12 * boxes}.", 256)
        lessons.append(Example(encoded, "ce"))
    options = {
        "rank": 4,
        "alpha": 8,
        "learning_rate": 1e-2,
        "epochs": 4,
        "quantise": "none",
        "compute": "fp32",
    }
    settings = TrainSettings(terms=(("ce", 1.0),), **options | changes)
    train(base, lessons, folder, settings)
    return folder


def build(root: Path) -> Tiny:
    """A tiny student, its GGUF and an adapter trained on it, below `root`."""
    from tests import tiny, tiny_gguf

    folder = tiny.build(root / "base")
    return Tiny(
        folder=folder,
        gguf=tiny_gguf.write(folder, root / "base.gguf"),
        adapter=trained(folder, root / "adapter"),
        ids=tiny.tokenizer()("How many pens are in 7 boxes? The answer is 84.").input_ids,
    )
