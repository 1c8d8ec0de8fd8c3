"""A PEFT LoRA folder to the GGUF LoRA file that llama.cpp puts on a base GGUF; nothing but a change of form.

Reads `adapter_config.json` and `adapter_model.safetensors`, and the shape of the base; writes one file. Knows
nothing of the store, of runs or of engines. The keys are those of ggml's GGUF specification (adapter.*).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from localfair.errors import CorruptWeights, MissingDependency, MissingWeights, ModelError
from localfair.machine.files import whole
from localfair.models.gguf_names import gguf_package, laid_out, namer, shape_of

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
# a PEFT setting -> the only value that a GGUF LoRA can express
PLAIN = {
    "use_dora": False, "bias": "none", "fan_in_fan_out": False, "modules_to_save": None,
    "rank_pattern": {}, "alpha_pattern": {}, "lora_bias": False, "alora_invocation_tokens": None,
}  # fmt: skip
HALVES = {".lora_A.weight": "lora_a", ".lora_B.weight": "lora_b"}


def write(adapter: Path, base: Path, out: Path) -> Path:
    """The LoRA in the folder `adapter` as a GGUF LoRA at `out`, in float32; `base` is its GGUF or safetensors folder.

    The same adapter makes the same bytes. `out` appears whole or not at all. Raises MissingWeights or
    CorruptWeights for a folder that is no adapter, ModelError for one that llama.cpp cannot use, DiskFull.
    """
    gguf, shape = gguf_package(), shape_of(base)
    config = read_config(adapter)
    pairs = sorted(_pairs(adapter, shape))
    with whole(out) as part:
        writer = gguf.GGUFWriter(part, shape.architecture)
        writer.add_string(gguf.Keys.General.TYPE, gguf.GGUFType.ADAPTER)
        writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
        writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, _alpha(config))
        for name, values in pairs:
            writer.add_tensor(name, values)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
    return out


def read_config(adapter: Path) -> dict[str, Any]:
    """A plain LoRA's configuration. Raises MissingWeights, CorruptWeights, or ModelError naming what is not plain."""
    try:
        config = json.loads((adapter / CONFIG).read_text(encoding="utf-8"))
    except OSError as error:
        raise MissingWeights(
            f"{adapter} holds no {CONFIG}", "give the folder of a trained adapter"
        ) from error
    except ValueError as error:
        raise CorruptWeights(
            f"{adapter / CONFIG} is not JSON: {error}", "train the adapter again"
        ) from error
    if not isinstance(config, dict) or str(config.get("peft_type", "")).upper() != "LORA":
        raise ModelError(
            f"the adapter in {adapter} is not a LoRA", "only LoRA adapters are exported"
        )
    odd = sorted(key for key, plain in PLAIN.items() if (config.get(key) or plain) != plain)
    if odd:
        raise ModelError(
            f"the adapter in {adapter} uses {', '.join(odd)}, which a GGUF LoRA cannot hold",
            "merge it instead",
        )
    return config


def _alpha(config: dict[str, Any]) -> float:
    """llama.cpp scales by alpha / rank; rank-stabilised LoRA (arXiv 2312.03732) means alpha / sqrt(rank)."""
    alpha, rank = float(config["lora_alpha"]), int(config["r"])
    return alpha * math.sqrt(rank) if config.get("use_rslora") else alpha


def _pairs(adapter: Path, shape: Any) -> Iterator[tuple[str, Any]]:
    """llama.cpp's name and values of every A (rank, in) and B (out, rank)."""
    name_of = namer(shape)
    for key, values in _weights(adapter).items():
        half = next((suffix for suffix in HALVES if key.endswith(suffix)), None)
        if half is None:
            raise ModelError(
                f"the adapter holds {key}, which is neither A nor B of a linear layer",
                "merge it instead",
            )
        weight = key.removesuffix(half).removeprefix("base_model.model.") + ".weight"
        if half == ".lora_B.weight":
            values = laid_out(weight, values, shape)
        yield f"{name_of(weight)}.{HALVES[half]}", values.astype("float32", order="C")


def _weights(adapter: Path) -> dict[str, Any]:
    try:
        from safetensors import SafetensorError
        from safetensors.numpy import load_file
    except ImportError as error:
        raise MissingDependency(
            "reading an adapter needs the package 'safetensors'", "pip install 'localfair[train]'"
        ) from error
    path = adapter / WEIGHTS
    if not path.is_file():
        raise MissingWeights(
            f"{adapter} holds no {WEIGHTS}", "give the folder of a trained adapter"
        )
    try:
        return dict(load_file(path))
    except SafetensorError as error:
        raise CorruptWeights(
            f"{path} is cut short or damaged: {error}", "train the adapter again"
        ) from error
