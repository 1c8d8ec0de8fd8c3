"""`models requantise`: the same GGUF weights as another type, made once by llama.cpp's own quantiser.

Reads one verified model; writes a file and a card into the workspace. A type that the processor multiplies well serves
a committee faster than the smallest file does; nothing that an earlier quantisation lost comes back.
"""

from __future__ import annotations

import ctypes
from pathlib import Path

from localfair.errors import MissingDependency, ModelError, UsageError, nearest
from localfair.machine.files import replacing, sha256_file
from localfair.models.card import Card, save_card
from localfair.models.registry import all_cards, resolve, weights_dir

# our name -> llama.cpp's
TYPES = {
    "bf16": "LLAMA_FTYPE_MOSTLY_BF16",
    "q8_0": "LLAMA_FTYPE_MOSTLY_Q8_0",
    "q4_0": "LLAMA_FTYPE_MOSTLY_Q4_0",
}


def requantise(name: str, kind: str, workspace: Path) -> Card:
    """The card of `name`'s weights as type `kind`, called `NAME-KIND`; made again only when its file is gone.

    Raises UsageError for a type that is not in TYPES or weights that are no GGUF, MissingDependency without
    llama-cpp-python, ModelError when llama.cpp cannot write it.
    """
    if kind not in TYPES:
        raise UsageError(f"there is no type {kind!r}", nearest(kind, TYPES))
    model = resolve(name, workspace)
    if model.card.format != "gguf":
        raise UsageError(f"{name} is no GGUF file", "only GGUF weights can be requantised")
    made = f"{model.name}-{kind}"
    path = weights_dir(workspace) / f"{made}.gguf"
    note = f"The weights of {model.name} (sha256 {model.sha256}) as {kind}."
    known = all_cards(workspace).get(made)
    if known and known.note == note and path.exists():
        return known
    _quantise(model.path, path, kind)
    changes = {
        "name": made, "file": path.name, "path": "", "sources": (), "note": note,
        "size": path.stat().st_size, "sha256": sha256_file(path),
    }  # fmt: skip
    card = Card.model_validate({**model.card.model_dump(), **changes})
    save_card(card, workspace / "models" / f"{made}.toml")
    return card


def _quantise(source: Path, target: Path, kind: str) -> None:
    """Written whole or not at all."""
    try:
        import llama_cpp
    except ImportError as error:
        raise MissingDependency(
            "requantising needs llama-cpp-python", "pip install 'localfair[llama]'"
        ) from error
    from localfair.models.llama_log import complaint, silence

    silence()
    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype = getattr(llama_cpp, TYPES[kind])
    params.allow_requantize = True
    with replacing(target) as part:
        failed = llama_cpp.llama_model_quantize(
            str(source).encode(), str(part).encode(), ctypes.byref(params)
        )
        if failed:
            raise ModelError(
                f"llama.cpp could not write {source.name} as {kind}{complaint()}",
                "is there space left?",
            )
