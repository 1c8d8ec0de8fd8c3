"""A PEFT LoRA folder as the GGUF LoRA file that llama.cpp puts on a base GGUF.

Reads `adapter_config.json`, `adapter_model.safetensors` and the shape of the base; writes one file.
Knows nothing of the record, of runs or of engines. The keys are those of ggml's GGUF specification
(adapter.*).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localfair.errors import CorruptWeights, MissingDependency, MissingWeights, ModelError
from localfair.machine.files import whole
from localfair.models.gguf_names import Shape, gguf_package, laid_out, namer, shape_of
from localfair.models.parsing import Malformed, quoted, read_json, reading, whole_number

if TYPE_CHECKING:
    from gguf import GGUFWriter
    from numpy.typing import NDArray

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
MOST_RANK = 2**16  # no layer of today is as wide
# a PEFT setting -> the only value that a GGUF LoRA can express
PLAIN = {
    "use_dora": False,
    "bias": "none",
    "fan_in_fan_out": False,
    "modules_to_save": None,
    "rank_pattern": {},
    "alpha_pattern": {},
    "lora_bias": False,
    "alora_invocation_tokens": None,
}
# PEFT's ending of a name -> llama.cpp's
HALVES = {".lora_A.weight": "lora_a", ".lora_B.weight": "lora_b"}


def write(
    adapter: Path, base: Path, out: Path, about: Mapping[str, str | int] | None = None
) -> Path:
    """Write the LoRA in the folder `adapter` as a GGUF LoRA in float32 to `out`.

    base: the model it was trained on, a GGUF or a safetensors folder. about: more keys of the file.
    The same adapter makes the same bytes. `out` appears whole or not at all. Raises MissingWeights
    or CorruptWeights when the folder holds no adapter, ModelError when llama.cpp cannot use it,
    DiskFull, MissingDependency.
    """
    gguf = gguf_package()
    shape = shape_of(base)
    config = read_config(adapter)
    tensors = sorted(_tensors(adapter, shape))
    with whole(out) as unfinished:
        writer = gguf.GGUFWriter(unfinished, shape.architecture)
        writer.add_string(gguf.Keys.General.TYPE, gguf.GGUFType.ADAPTER)
        writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
        writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, _alpha(config))
        add_keys(writer, about or {})
        for name, values in tensors:
            writer.add_tensor(name, values)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
    return out


def add_keys(writer: GGUFWriter, about: Mapping[str, str | int]) -> None:
    """Add what a file says of itself: texts, and counts."""
    for key, value in about.items():
        if isinstance(value, int):
            writer.add_uint32(key, value)
        else:
            writer.add_string(key, value)


def read_config(adapter: Path) -> dict[str, Any]:
    """The configuration of a LoRA that a GGUF LoRA can express.

    Raises MissingWeights, CorruptWeights, or ModelError naming the settings that it cannot.
    """
    if not (adapter / CONFIG).exists():
        raise MissingWeights(f"{adapter} holds no {CONFIG}", "give the folder of a trained adapter")
    config = read_json(adapter / CONFIG)
    with reading(adapter / CONFIG, "the configuration of an adapter", "train the adapter again"):
        _check_scale(config)
    if str(config.get("peft_type", "")).upper() != "LORA":
        raise ModelError(
            f"the adapter in {adapter} is not a LoRA", "only LoRA adapters are exported"
        )
    unusable = sorted(key for key in PLAIN if not _is_plain(config, key))
    if unusable:
        raise ModelError(
            f"the adapter in {adapter} uses {', '.join(unusable)}, which a GGUF LoRA cannot hold",
            "merge it instead",
        )
    return config


def _is_plain(config: dict[str, object], key: str) -> bool:
    """Whether a setting is absent, empty, or the only value that a GGUF LoRA can express."""
    setting = config.get(key)
    return not setting or setting == PLAIN[key]


def _check_scale(config: dict[str, object]) -> None:
    """Raises Malformed for a rank or an alpha that no LoRA has."""
    whole_number(config.get("r", 1), "r", MOST_RANK, 1)
    alpha = config.get("lora_alpha", 1)
    if isinstance(alpha, bool) or not isinstance(alpha, int | float) or not 0 < alpha < MOST_RANK:
        raise Malformed(f"lora_alpha is {quoted(alpha)}")


def _alpha(config: dict[str, Any]) -> float:
    """The alpha that llama.cpp, which scales by alpha / rank, must be given.

    Rank-stabilised LoRA (arXiv 2312.03732) scales by alpha / sqrt(rank).
    """
    alpha = float(config["lora_alpha"])
    if config.get("use_rslora"):
        return alpha * math.sqrt(int(config["r"]))
    return alpha


def _tensors(adapter: Path, shape: Shape) -> Iterator[tuple[str, NDArray[Any]]]:
    """llama.cpp's name and values of every A (rank, in) and B (out, rank)."""
    name_of = namer(shape)
    for key, values in _weights(adapter).items():
        half = _half(key)
        weight = key.removesuffix(half).removeprefix("base_model.model.") + ".weight"
        if half == ".lora_B.weight":
            values = laid_out(weight, values, shape)
        yield f"{name_of(weight)}.{HALVES[half]}", values.astype("float32", order="C")


def _half(key: str) -> str:
    """The ending of a weight's name that says whether it is an A or a B. Raises ModelError."""
    for ending in HALVES:
        if key.endswith(ending):
            return ending
    raise ModelError(
        f"the adapter holds {key}, which is neither A nor B of a linear layer", "merge it instead"
    )


def _weights(adapter: Path) -> dict[str, NDArray[Any]]:
    """The adapter's weights by PEFT's names."""
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
