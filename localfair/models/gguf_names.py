"""How llama.cpp names and lays out the weights of an architecture that transformers trains.

Reads a GGUF's header or a folder's `config.json`. Names are those of the `gguf` package's own maps; what is
ours is which architectures were tried, and the order of the rotated heads. Knows nothing of files to be written.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localfair.errors import MissingDependency, ModelError
from localfair.models.gguf_header import read_gguf_header

# architecture -> whether queries and keys turn by neighbouring pairs in llama.cpp, by halves in transformers
PAIRED = {"llama": True, "qwen2": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What naming and laying out needs of a model: its architecture, blocks and attention heads."""

    architecture: str
    blocks: int
    heads: int
    kv_heads: int


def shape_of(base: Path) -> Shape:
    """The shape of a GGUF file or of a safetensors folder.

    Raises ModelError for an architecture whose layout is not known here.
    """
    if base.is_dir():
        shape = _of_config(json.loads((base / "config.json").read_text(encoding="utf-8")))
    else:
        header = read_gguf_header(base)
        shape = Shape(
            architecture=header.architecture,
            blocks=header.block_count,
            heads=header.heads,
            kv_heads=header.kv_heads,
        )
    if shape.architecture not in PAIRED:
        raise ModelError(
            f"GGUF export knows {' and '.join(PAIRED)}, not {shape.architecture or 'a nameless architecture'}",
            "use `localfair export merged` and convert that folder with llama.cpp's own scripts",
        )
    return shape


def _of_config(config: dict[str, Any]) -> Shape:
    heads = int(config.get("num_attention_heads") or 0)
    return Shape(
        architecture=str(config.get("model_type", "")), blocks=int(config.get("num_hidden_layers") or 0), heads=heads,
        kv_heads=int(config.get("num_key_value_heads") or heads),
    )  # fmt: skip


def gguf_package() -> Any:
    """The `gguf` package. Raises MissingDependency."""
    try:
        import gguf
    except ImportError as error:
        raise MissingDependency(
            "writing GGUF needs the package 'gguf'", "pip install 'localfair[train]'"
        ) from error
    return gguf


def namer(shape: Shape) -> Callable[[str], str]:
    """transformers' name of a weight -> llama.cpp's, e.g. `blk.0.attn_q.weight`. Raises ModelError when it has none."""
    gguf = gguf_package()
    architectures = {name: key for key, name in gguf.MODEL_ARCH_NAMES.items()}
    names = gguf.get_tensor_name_map(architectures[shape.architecture], shape.blocks)

    def name_of(weight: str) -> str:
        found = names.get_name(weight, try_suffixes=(".weight", ".bias"))
        if found is None:
            raise ModelError(
                f"llama.cpp's {shape.architecture} has no weight like {weight}",
                "train other modules (adapter.targets)",
            )
        return str(found)

    return name_of


def laid_out(weight: str, values: Any, shape: Shape) -> Any:
    """A weight (out, ...) in llama.cpp's order; only queries and keys of a `PAIRED` architecture differ.

    transformers turns entry i of a head with entry i + d/2, llama.cpp its neighbours 2i and 2i + 1: rows (heads,
    2, d/2) become (heads, d/2, 2). transformers' GGUF reader does the reverse. A LoRA's B has the same rows.
    """
    heads = {"q_proj": shape.heads, "k_proj": shape.kv_heads}
    count = next((heads[part] for part in weight.split(".") if part in heads), 0)
    if not count or not PAIRED[shape.architecture]:
        return values
    split = values.reshape(count, 2, values.shape[0] // count // 2, *values.shape[1:])
    return split.swapaxes(1, 2).reshape(values.shape)
