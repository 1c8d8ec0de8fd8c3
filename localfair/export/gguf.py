"""Merged weights to a GGUF file that llama.cpp serves.

Reads a model in memory and the metadata of its base; writes one file, a tensor at a time. Where
the base came from a GGUF its metadata are copied: hyperparameters, tokenizer and chat template
stay what they were. Knows nothing of the store or of adapters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localfair.errors import ModelError
from localfair.export.gguf_tokenizer import write_from_folder
from localfair.machine.files import whole
from localfair.models import Model
from localfair.models.gguf_lora import add_keys
from localfair.models.gguf_names import Shape, gguf_package, laid_out, namer, shape_of

if TYPE_CHECKING:
    from gguf import GGMLQuantizationType, GGUFReader, GGUFWriter
    from numpy.typing import NDArray
    from torch import Tensor
    from transformers import PreTrainedModel

# what a user may ask for -> ggml's type of the matrices, and the file type that llama.cpp calls it
FORMATS = {
    "f16": ("F16", "MOSTLY_F16"),
    "bf16": ("BF16", "MOSTLY_BF16"),
    "q8_0": ("Q8_0", "MOSTLY_Q8_0"),
}
# Metadata that describe the base's own file. They are not copied: the merged file has its own.
NOT_COPIED = (
    "GGUF.",
    "general.base_model.",
    "general.description",
    "general.doi",
    "general.file_type",
    "general.finetune",
    "general.name",
    "general.quantization_version",
    "general.quantized_by",
    "general.repo_url",
    "general.source.",
    "general.url",
    "general.uuid",
    "localfair.",
    "quantize.",
    "split.",
)

LARGEST_F16 = 65504.0


@dataclass(frozen=True, slots=True)
class _Tensor:
    """One tensor of the file; `shape` is (rows, columns), `type` one of ggml's.

    `read` gives the values in that type; they are in memory only while the tensor is written.
    """

    name: str
    shape: tuple[int, ...]
    type: GGMLQuantizationType
    read: Callable[[], NDArray[Any]]


def write(
    merged: PreTrainedModel,
    model: Model,
    base: Path,
    format: str,
    about: Mapping[str, str | int],
    out: Path,
) -> Path:
    """Write the merged model to `out`, a GGUF of `format` (a key of FORMATS); return `out`.

    `model` is the base as its card names it, `base` its safetensors folder, `about` the keys that
    say what the file is, general.name among them. The same weights make the same bytes. Raises
    ModelError when the architecture or the tokenizer is not known here, DiskFull.
    """
    gguf = gguf_package()
    shape = shape_of(base)
    matrix_type, file_type = FORMATS[format]
    source = gguf.GGUFReader(model.path) if model.path.is_file() else None
    tensors = list(_tensors(merged, shape, gguf.GGMLQuantizationType[matrix_type]))
    if source is not None:
        tensors += _tensors_of_base_alone(source, {tensor.name for tensor in tensors})
    with whole(out) as unfinished:
        writer = gguf.GGUFWriter(unfinished, shape.architecture)
        add_keys(writer, about)
        if source is None:
            write_from_folder(writer, base, merged.config, model.chat_template)
        else:
            _copy_metadata(writer, source)
        writer.add_file_type(gguf.LlamaFileType[file_type])
        writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
        _write_tensors(writer, tensors)
    return out


def _copy_metadata(writer: GGUFWriter, source: GGUFReader) -> None:
    """Copy the base's metadata, but for what describes its own file."""
    for key, field in source.fields.items():
        # the writer has set the architecture itself
        if key == "general.architecture" or key.startswith(NOT_COPIED):
            continue
        is_array = len(field.types) > 1
        item_type = field.types[-1] if is_array else None
        writer.add_key_value(key, field.contents(), field.types[0], sub_type=item_type)


def _tensors(
    merged: PreTrainedModel, shape: Shape, matrix_type: GGMLQuantizationType
) -> Iterator[_Tensor]:
    """Every weight of the model, the head left out where it is tied to the embedding."""
    name_of = namer(shape)
    head_is_tied = bool(merged.config.tie_word_embeddings)
    for weight, values in merged.state_dict().items():
        if head_is_tied and weight == "lm_head.weight":
            continue
        stored = _type_of(values, matrix_type)
        read = partial(_read, weight, values, stored, shape)
        yield _Tensor(name_of(weight), tuple(values.shape), stored, read)


def _type_of(values: Tensor, matrix_type: GGMLQuantizationType) -> GGMLQuantizationType:
    """The ggml type that a weight is kept in.

    Vectors stay float32. A matrix whose rows are no whole number of blocks is kept in F16, as
    llama.cpp does.
    """
    gguf = gguf_package()
    types = gguf.GGMLQuantizationType
    if len(values.shape) == 1:
        return types.F32
    block, _ = gguf.GGML_QUANT_SIZES[matrix_type]
    if values.shape[-1] % block:
        return types.F16
    return matrix_type


def _read(weight: str, values: Tensor, stored: GGMLQuantizationType, shape: Shape) -> NDArray[Any]:
    """A weight's values in llama.cpp's order and in the type `stored`.

    Raises ModelError where f16 cannot hold them.
    """
    array = laid_out(weight, values.detach().float().cpu().numpy(), shape)
    if stored.name == "F16" and abs(array).max() > LARGEST_F16:
        raise ModelError(f"{weight} holds numbers that f16 cannot", "export it with --type bf16")
    quantised: NDArray[Any] = gguf_package().quants.quantize(array, stored)
    return quantised


def _tensors_of_base_alone(source: GGUFReader, written: set[str]) -> Iterator[_Tensor]:
    """Tensors that only the base's GGUF has, such as the factors of a scaled rotation."""
    import numpy as np

    for tensor in source.tensors:
        # a base may hold its tied head as a tensor of its own; the merged file never does
        if tensor.name in written or tensor.name == "output.weight":
            continue
        shape = tuple(int(size) for size in reversed(tensor.shape))
        yield _Tensor(tensor.name, shape, tensor.tensor_type, partial(np.asarray, tensor.data))


def _write_tensors(writer: GGUFWriter, tensors: list[_Tensor]) -> None:
    """Write every tensor's name and size, then their values.

    Only one tensor's values are in memory at a time.
    """
    import numpy as np

    gguf = gguf_package()
    for tensor in tensors:
        block, block_bytes = gguf.GGML_QUANT_SIZES[tensor.type]
        size = math.prod(tensor.shape) // block * block_bytes
        writer.add_tensor_info(tensor.name, tensor.shape, np.float32, size, tensor.type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for tensor in tensors:
        writer.write_tensor_data(tensor.read())
    writer.close()
