"""`models requantise`: the same GGUF weights as another type, written once by llama.cpp's
quantiser.

Reads one verified model; writes a file and a card into the workspace. A type that the processor
multiplies well serves a committee faster than the smallest file does; nothing that an earlier
quantisation lost comes back.
"""

from __future__ import annotations

import ctypes
from pathlib import Path

from localfair.errors import MissingDependency, ModelError, UsageError, nearest
from localfair.machine.files import replacing, sha256_file
from localfair.models.card import Card, card_path, save_card
from localfair.models.registry import all_cards, resolve, weights_dir

# our name -> llama.cpp's
TYPES = {
    "bf16": "LLAMA_FTYPE_MOSTLY_BF16",
    "q8_0": "LLAMA_FTYPE_MOSTLY_Q8_0",
    "q4_0": "LLAMA_FTYPE_MOSTLY_Q4_0",
}


def requantise(name: str, file_type: str, workspace: Path) -> Card:
    """Write the weights of the model `name` as another type; the card of them, called `NAME-TYPE`.

    They are written again only when their file is gone or was made from other weights. Raises
    UsageError for a type that is not in TYPES or weights that are no GGUF, MissingDependency
    without llama-cpp-python, ModelError when llama.cpp cannot write them.
    """
    if file_type not in TYPES:
        raise UsageError(f"there is no type {file_type!r}", nearest(file_type, TYPES))
    model = resolve(name, workspace)
    if model.card.format != "gguf":
        raise UsageError(f"{name} is no GGUF file", "only GGUF weights can be requantised")
    new_name = f"{model.name}-{file_type}"
    path = weights_dir(workspace) / f"{new_name}.gguf"
    note = f"The weights of {model.name} (sha256 {model.sha256}) as {file_type}."
    written_before = all_cards(workspace).get(new_name)
    if written_before and written_before.note == note and path.exists():
        return written_before
    _quantise(model.path, path, file_type)
    changes = {
        "name": new_name,
        "file": path.name,
        "path": "",
        "sources": (),
        "note": note,
        "size": path.stat().st_size,
        "sha256": sha256_file(path),
    }
    card = Card.model_validate({**model.card.model_dump(), **changes})
    save_card(card, card_path(new_name, workspace))
    return card


def _quantise(source: Path, target: Path, file_type: str) -> None:
    """Write `source` as another type, whole or not at all. Raises MissingDependency, ModelError."""
    try:
        import llama_cpp
    except ImportError as error:
        raise MissingDependency(
            "requantising needs llama-cpp-python", "pip install 'localfair[llama]'"
        ) from error
    from localfair.models.llama_log import complaint, silence

    silence()
    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype = getattr(llama_cpp, TYPES[file_type])
    params.allow_requantize = True
    with replacing(target) as unfinished:
        failed = llama_cpp.llama_model_quantize(
            str(source).encode(), str(unfinished).encode(), ctypes.byref(params)
        )
        if failed:
            raise ModelError(
                f"llama.cpp could not write {source.name} as {file_type}{complaint()}",
                "is there space left?",
            )
