"""The transformers engine: torch on the CPU or one GPU, with the very weights that training loads.

Declares the engine; `transformers_engine` is it. Reads nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from localfair.engines.base import Engine, EngineSpec, Opening

if TYPE_CHECKING:
    from localfair.models import Model


def _open(model: Model, opening: Opening) -> Engine:
    from localfair.engines.transformers_engine import TransformersEngine

    return TransformersEngine(model, opening)


SPEC = EngineSpec(
    name="transformers",
    reads=("safetensors",),
    converts=("gguf",),
    opens=_open,
    variant=lambda model, precision: f"transformers/{precision}",
    package="transformers",
    extra="train",
    scores=True,
    scores_texts=True,
    adapts=True,
    trains=True,
    has_precision=True,
)
