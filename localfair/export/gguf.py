"""Merged weights to a GGUF file that llama.cpp serves.

Reads a model in memory and the metadata of its base; writes one file, a tensor at a time. Where the base came
from a GGUF its metadata are copied: hyperparameters, tokenizer and chat template stay what they were. Knows
nothing of the store or of adapters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from localfair.errors import ModelError
from localfair.export.gguf_tokenizer import write_from_folder
from localfair.machine.files import whole
from localfair.models import Model
from localfair.models.gguf_names import Shape, gguf_package, laid_out, namer, shape_of

# what a user may ask for -> ggml's type of the matrices, and its file type
TYPES = {
    "f16": ("F16", "MOSTLY_F16"),
    "bf16": ("BF16", "MOSTLY_BF16"),
    "q8_0": ("Q8_0", "MOSTLY_Q8_0"),
}
# of the base's own file, not of what the merged weights become
LEFT = (
    "GGUF.",
    "general.file_type",
    "general.quantization_version",
    "general.name",
    "quantize.",
    "split.",
)

F16_MOST = 65504.0


@dataclass(frozen=True, slots=True)
class _Piece:
    """One tensor: its name and (rows, columns) in the file, its ggml type, and its numbers when they are asked for."""

    name: str
    shape: tuple[int, ...]
    stored: Any
    numbers: Callable[[], Any]


def write(merged: Any, model: Model, base: Path, kind: str, name: str, out: Path) -> Path:
    """The merged model as a GGUF of `kind` (a key of TYPES) at `out`; `base` is its safetensors folder.

    The same weights make the same bytes. Raises ModelError for an architecture or tokenizer that is not known
    here, DiskFull.
    """
    gguf, shape = gguf_package(), shape_of(base)
    source = gguf.GGUFReader(model.path) if model.path.is_file() else None
    pieces = list(_pieces(merged, shape, kind))
    pieces += _extra(source, {piece.name for piece in pieces})
    with whole(out) as part:
        writer = gguf.GGUFWriter(part, shape.architecture)
        writer.add_name(name)
        _write_metadata(writer, source, model, base, merged.config)
        writer.add_file_type(gguf.LlamaFileType[TYPES[kind][1]])
        writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
        _write_pieces(writer, pieces)
    return out


def _write_metadata(writer: Any, source: Any, model: Model, base: Path, config: Any) -> None:
    if source is None:
        write_from_folder(writer, base, config, model.chat_template)
        return
    for key, field in source.fields.items():
        if key != "general.architecture" and not key.startswith(LEFT):
            inner = field.types[-1] if len(field.types) > 1 else None
            writer.add_key_value(key, field.contents(), field.types[0], sub_type=inner)


def _pieces(merged: Any, shape: Shape, kind: str) -> Iterator[_Piece]:
    """Everything in the model, the tied head left out; vectors stay float32."""
    gguf, name_of = gguf_package(), namer(shape)
    tied = bool(merged.config.tie_word_embeddings)
    for weight, values in merged.state_dict().items():
        if not (tied and weight == "lm_head.weight"):
            stored = _stored(values, gguf.GGMLQuantizationType[TYPES[kind][0]])
            yield _Piece(
                name_of(weight),
                tuple(values.shape),
                stored,
                partial(_numbers, weight, values, stored, shape),
            )


def _stored(values: Any, wanted: Any) -> Any:
    """The type a weight is kept in: a row that is no whole number of blocks is kept in F16, as llama.cpp does."""
    gguf = gguf_package()
    types = gguf.GGMLQuantizationType
    if len(values.shape) == 1:
        return types.F32
    return types.F16 if values.shape[-1] % gguf.GGML_QUANT_SIZES[wanted][0] else wanted


def _numbers(weight: str, values: Any, stored: Any, shape: Shape) -> Any:
    """The weight's numbers in llama.cpp's order and type."""
    numbers = laid_out(weight, values.detach().float().cpu().numpy(), shape)
    if stored.name == "F16" and abs(numbers).max() > F16_MOST:
        raise ModelError(f"{weight} holds numbers that f16 cannot", "export it with --type bf16")
    return gguf_package().quants.quantize(numbers, stored)


def _extra(source: Any, names: set[str]) -> Iterator[_Piece]:
    """Tensors of the base's GGUF that no weight of transformers stands for (factors of a scaled rotation)."""
    for tensor in source.tensors if source else ():
        if tensor.name not in names and tensor.name != "output.weight":
            sizes = tuple(int(n) for n in reversed(tensor.shape))
            yield _Piece(tensor.name, sizes, tensor.tensor_type, partial(_same, tensor.data))


def _same(data: Any) -> Any:
    return data


def _write_pieces(writer: Any, pieces: list[_Piece]) -> None:
    """Every tensor's name and size first, then its numbers, so that one at a time is in memory."""
    import numpy as np

    gguf = gguf_package()
    for piece in pieces:
        values, size = gguf.GGML_QUANT_SIZES[piece.stored]
        writer.add_tensor_info(
            piece.name,
            piece.shape,
            np.float32,
            math.prod(piece.shape) // values * size,
            piece.stored,
        )
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for piece in pieces:
        writer.write_tensor_data(piece.numbers())
    writer.close()
