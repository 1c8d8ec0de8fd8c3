"""How llama.cpp names and lays out the weights of an architecture that transformers trains.

Reads a GGUF's header or a folder's `config.json`; writes nothing. The names are those of the `gguf`
package. Ours are which architectures were tried, and the order of the rotated heads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localfair.errors import MissingDependency, ModelError
from localfair.models.gguf_header import read_gguf_header
from localfair.models.safetensors_folder import read_sizes

if TYPE_CHECKING:
    from numpy.typing import NDArray

# architecture -> whether llama.cpp rotates neighbouring entries of queries and keys
# (transformers always rotates an entry of the first half with one of the second)
PAIRED = {"llama": True, "qwen2": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What names and order of a model's weights depend on."""

    architecture: str
    blocks: int
    heads: int
    kv_heads: int


def shape_of(base: Path) -> Shape:
    """The shape of a GGUF file or of a safetensors folder.

    Raises ModelError for an architecture that is not in PAIRED, and as `read_gguf_header`.
    """
    shape = _of_folder(base) if base.is_dir() else _of_gguf(base)
    if shape.architecture not in PAIRED:
        architecture = shape.architecture or "a nameless architecture"
        raise ModelError(
            f"GGUF export knows {' and '.join(PAIRED)}, not {architecture}",
            "use `localfair export merged` and convert that folder with llama.cpp's own scripts",
        )
    return shape


def _of_gguf(path: Path) -> Shape:
    header = read_gguf_header(path)
    return Shape(
        architecture=header.architecture,
        blocks=header.block_count,
        heads=header.heads,
        kv_heads=header.kv_heads,
    )


def _of_folder(folder: Path) -> Shape:
    sizes = read_sizes(folder)
    return Shape(
        architecture=sizes.architecture,
        blocks=sizes.layers,
        heads=sizes.heads,
        kv_heads=sizes.kv_heads,
    )


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
    """A function from transformers' name of a weight to llama.cpp's, e.g. `blk.0.attn_q.weight`.

    The function raises ModelError for a weight that llama.cpp does not have. Raises
    MissingDependency.
    """
    gguf = gguf_package()
    architectures = {name: key for key, name in gguf.MODEL_ARCH_NAMES.items()}
    names = gguf.get_tensor_name_map(architectures[shape.architecture], shape.blocks)

    def name_of(weight: str) -> str:
        name = names.get_name(weight, try_suffixes=(".weight", ".bias"))
        if name is None:
            raise ModelError(
                f"llama.cpp's {shape.architecture} has no weight like {weight}",
                "train other modules (adapter.targets)",
            )
        return str(name)

    return name_of


def laid_out(weight: str, values: NDArray[Any], shape: Shape) -> NDArray[Any]:
    """A weight (out, ...) in llama.cpp's order.

    Only queries and keys of a `PAIRED` architecture move.

    transformers rotates entry i of a head with entry i + d/2, llama.cpp entry 2i with 2i + 1: the
    rows (heads, 2, d/2) become (heads, d/2, 2). transformers' GGUF reader does the reverse. The B
    of a LoRA has the same rows.
    """
    heads = _rotated_heads(weight, shape)
    if not heads or not PAIRED[shape.architecture]:
        return values
    half = values.shape[0] // heads // 2
    halves = values.reshape(heads, 2, half, *values.shape[1:])
    return halves.swapaxes(1, 2).reshape(values.shape)


def _rotated_heads(weight: str, shape: Shape) -> int:
    """The number of heads of a query or key projection; 0 for other weights."""
    modules = weight.split(".")
    if "q_proj" in modules:
        return shape.heads
    if "k_proj" in modules:
        return shape.kv_heads
    return 0
