"""The one narrow seam to an engine, and how a name becomes one.

An engine is given requests and yields each generation as soon as it is finished, in any order.
It knows nothing of tasks, recipes or the store.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterable, Iterator
from typing import Any, Protocol, runtime_checkable

from localfair.errors import MissingDependency, UsageError, nearest
from localfair.record.nouns import EngineIdentity, Generation, Request


@runtime_checkable
class Engine(Protocol):
    """`identity` is known without loading weights; they load on the first request."""

    identity: EngineIdentity

    def generate(self, requests: Iterable[Request]) -> Iterator[Generation]:
        """Yield one generation per request, each as soon as it is finished, in any order.

        Raises PromptTooLong, naming `request.about`, before anything is sent that does not fit.
        """
        ...

    def close(self) -> None:
        """Free the model's memory. Idempotent; a closed backend loads again when asked."""
        ...


@runtime_checkable
class Scorer(Protocol):
    """Log-probabilities of given continuations; only some engines can."""

    def score(self, requests: Iterable[Request]) -> Iterator[Generation]:
        """Yield one generation per `score` request, `logprobs[i]` for `continuations[i]` (natural log, summed)."""
        ...


# engine name -> (module, the package it needs, the extra that installs it)
ENGINES = {
    "scripted": ("localfair.engines.scripted", None, None),
    "llama_cpp": ("localfair.engines.llama_cpp", "llama_cpp", "llama"),
    "transformers": ("localfair.engines.transformers", "transformers", "train"),
    "vllm": ("localfair.engines.vllm", "vllm", "vllm"),
    "xllamacpp": ("localfair.engines.xllamacpp", "xllamacpp", "xllamacpp"),
    "openai_http": ("localfair.engines.openai_http", None, None),
}

# those that can bind a reply to a grammar or a JSON schema
CONSTRAINING = frozenset({"llama_cpp", "vllm", "openai_http", "xllamacpp"})


def refuse_constraint(request: Request, engine: str) -> None:
    """What an engine that cannot constrain a reply says of a request that wants it."""
    if request.constraint is not None:
        raise UsageError(
            f"the {engine} engine cannot constrain a reply ({request.about or 'a request'})",
            "use llama_cpp, vllm or a server, or leave the constraint out",
        )


def installed(engine: str) -> bool:
    """Whether the package an engine needs can be imported here (without importing it)."""
    package = ENGINES[engine][1]
    return package is None or importlib.util.find_spec(package) is not None


def open_engine(engine: str, model: Any, **options: Any) -> Engine:
    """The backend called `engine` for a resolved model (`localfair.models.Model`).

    Options are the engine's own (adapter, precision, batch). Raises MissingDependency with the
    exact install command.
    """
    if engine not in ENGINES:
        raise UsageError(f"unknown engine {engine!r}", nearest(engine, ENGINES))
    module, package, extra = ENGINES[engine]
    if not installed(engine):
        raise MissingDependency(
            f"the {engine} engine needs the package {package!r}",
            f"pip install 'localfair[{extra}]'",
        )
    backend: Engine = importlib.import_module(module).open(model, **options)
    return backend
