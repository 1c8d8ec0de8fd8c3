"""The llama_cpp engine: llama.cpp in this process, through llama-cpp-python.

The usual one for a GGUF. Declares the engine; `llama_cpp_engine` is it. Reads nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from localfair.engines.base import Engine, EngineSpec, Opening

if TYPE_CHECKING:
    from localfair.models import Model


def _open(model: Model, opening: Opening) -> Engine:
    from localfair.engines.llama_cpp_engine import LlamaCppEngine

    return LlamaCppEngine(model, opening)


SPEC = EngineSpec(
    name="llama_cpp",
    reads=("gguf",),
    opens=_open,
    variant=lambda model, precision: "llama_cpp/gguf",
    package="llama_cpp",
    extra="llama",
    scores=True,
    scores_texts=True,
    binds=True,
    adapts=True,
)
