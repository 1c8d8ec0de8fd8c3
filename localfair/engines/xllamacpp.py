"""The xllamacpp engine: llama.cpp's C++ server out of a wheel that needs no compiler, as a child
process.

Declares the engine; `xllamacpp_engine` is it. Reads nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from localfair.engines.base import Engine, EngineSpec, Opening

if TYPE_CHECKING:
    from localfair.models import Model


def _open(model: Model, opening: Opening) -> Engine:
    from localfair.engines.xllamacpp_engine import XllamacppEngine

    return XllamacppEngine(model, opening)


SPEC = EngineSpec(
    name="xllamacpp",
    reads=("gguf",),
    opens=_open,
    variant=lambda model, precision: "xllamacpp/gguf",
    package="xllamacpp",
    extra="xllamacpp",
    scores=True,
    scores_texts=True,
    binds=True,
    adapts=True,
)
