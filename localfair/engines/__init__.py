"""Engines behind one seam: this is where they are listed, and nothing else in localfair names one.

To add an engine, write a file that declares its `EngineSpec` and add one line to `ENGINES`.
Importing this package imports no heavy library. Knows nothing of seats, tasks or recipes.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from localfair.engines import llama_cpp, openai_http, scripted, transformers, vllm, xllamacpp
from localfair.engines.base import Engine, EngineSpec, Opening, Scorer
from localfair.engines.streaming import Streamer, stream
from localfair.errors import UsageError, nearest
from localfair.record.nouns import EngineIdentity

if TYPE_CHECKING:
    from localfair.models import FoundModel
    from localfair.models.loading import Precision

__all__ = [
    "ENGINES",
    "Engine",
    "EngineSpec",
    "Opening",
    "Scorer",
    "Streamer",
    "engine_named",
    "engine_of",
    "open_engine",
    "reading",
    "stream",
    "training_engine",
]

# Of two engines that read the same format, the usual one comes first.
ENGINES: tuple[EngineSpec, ...] = (
    scripted.SPEC,
    llama_cpp.SPEC,
    xllamacpp.SPEC,
    transformers.SPEC,
    vllm.SPEC,
    openai_http.SPEC,
)


def engine_named(name: str) -> EngineSpec:
    """The engine of a name. Raises UsageError with the nearest name."""
    for engine in ENGINES:
        if engine.name == name:
            return engine
    names = [engine.name for engine in ENGINES]
    raise UsageError(f"unknown engine {name!r}", nearest(name, names))


def engine_of(identity: EngineIdentity) -> EngineSpec:
    """The engine that an identity is of."""
    name, _, _ = identity.engine.partition("/")
    return engine_named(name)


def reading(format: str) -> tuple[EngineSpec, ...]:
    """The engines that serve a model's own file of a format, the usual one first."""
    return tuple(engine for engine in ENGINES if format in engine.reads)


def training_engine() -> EngineSpec:
    """The engine that holds the very weights that training loads."""
    (trainer,) = [engine for engine in ENGINES if engine.trains]
    return trainer


def open_engine(
    name: str,
    model: FoundModel,
    *,
    folder: Path | None = None,
    adapter_id: str = "",
    precision: Precision = "bf16",
    **options: Any,
) -> Engine:
    """Open an engine by name; `options` are the other fields of `Opening`.

    `folder` holds the model's safetensors. It is the model's own path when left out.
    """
    engine = engine_named(name)
    opening = Opening(
        identity=engine.identity(model, precision, adapter_id),
        folder=lambda: folder or model.path,
        precision=precision,
        **options,
    )
    return engine.open(model, opening)
