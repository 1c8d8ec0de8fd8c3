"""What an engine is: the protocols it keeps, what it is opened with, and what its file says of it.

An engine is given requests and yields each generation as soon as it is finished, in any order. Each
engine's file declares one `EngineSpec`; `localfair.engines` lists them. Reads and writes nothing.
Knows nothing of tasks, recipes or the store, and names no engine.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from localfair.errors import LocalfairError, MissingDependency
from localfair.machine.offline import go_offline
from localfair.record.nouns import EngineIdentity, Generation, Request

if TYPE_CHECKING:
    from localfair.models import FoundModel
    from localfair.models.loading import Precision

FailedRequest = Callable[[Request, LocalfairError], None]
WEIGHTS = frozenset({"gguf", "safetensors"})  # the formats of models whose weights are files here


@runtime_checkable
class Engine(Protocol):
    """A model that replies.

    `identity` is known before any weights load; they load at the first request.
    """

    identity: EngineIdentity

    def generate(self, requests: Iterable[Request]) -> Iterator[Generation]:
        """Yield one generation per request, each as soon as it is finished, in any order.

        What finishes together may be told by `Arrivals`. What does not fit is never sent: raises
        PromptTooLong, naming `request.about`, before anything is sent; see `Opening.failed`.
        """
        ...

    def close(self) -> None:
        """Free the model's memory. Idempotent; a closed engine loads again when asked."""
        ...


@runtime_checkable
class Scorer(Protocol):
    """An engine that can give the log-probabilities of continuations; not every engine can."""

    def score(self, requests: Iterable[Request]) -> Iterator[Generation]:
        """Yield one generation per `score` request.

        `logprobs[i]` is the natural log-probability of `continuations[i]`, summed over its tokens.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What an engine is opened with beside its model. Each engine uses what it needs of this.

    folder: gives the model's safetensors, and dequantises a GGUF the first time it is called.
    adapter: a trained adapter's folder, or a GGUF LoRA. Its id is `identity.adapter`.
    batch: how many sequences run together.
    threads: of the processor; None is one for each physical core.
    hosts: the other machines that may be asked (see `localfair.models.endpoint`).
    failed: is given each request that failed by itself, with what went wrong, and the others go on:
    it was not answered as it should be (ReplyError), does not fit (PromptTooLong), or the chat
    template refuses it (PromptRefused). None raises the error.
    """

    identity: EngineIdentity
    folder: Callable[[], Path]
    adapter: Path | None = None
    precision: Precision = "bf16"
    batch: int = 16
    threads: int | None = None
    hosts: frozenset[str] = frozenset()
    failed: FailedRequest | None = None

    def __post_init__(self) -> None:
        assert bool(self.adapter) == bool(self.identity.adapter), (
            "an adapter and its id come together"
        )


def _refuse_nothing(model: FoundModel, hosts: frozenset[str]) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSpec:
    """What an engine's file says of the engine. Making one imports no heavy library.

    reads: the formats of models that it serves as they are. converts: those that it serves once
    they are made into a folder of safetensors. opens: makes the engine of a model in one of these
    formats. Only then are heavy libraries loaded. variant: gives `EngineIdentity.engine` for a
    model and a precision. It enters every request's hash. refuse: raises for a model and the
    allowed hosts when the engine may not serve it. package: what must be installed to open it.
    extra: the extra of localfair that installs the package.
    """

    name: str
    reads: tuple[str, ...]
    converts: tuple[str, ...] = ()
    opens: Callable[[Any, Opening], Engine]  # Any: each engine takes the models that it reads
    variant: Callable[[Any, Precision], str]
    refuse: Callable[[Any, frozenset[str]], None] = _refuse_nothing
    package: str | None = None
    extra: str = ""
    scores: bool = False  # gives log-probabilities of continuations: it is a `Scorer`
    scores_texts: bool = False  # of any length; else only those of the first token after a prompt
    binds: bool = False  # binds a reply to a grammar or a JSON schema
    adapts: bool = False  # puts an adapter on its base
    trains: bool = False  # holds the very weights that training loads
    has_precision: bool = False  # runs the same weights at more than one precision
    instant: bool = False  # computes nothing, so a plan counts no time for it

    @property
    def loads_weights(self) -> bool:
        """Whether it loads weights that are files on this machine."""
        return not WEIGHTS.isdisjoint(self.reads)

    @property
    def installed(self) -> bool:
        """Whether the package that it needs can be imported here.

        Nothing is imported to find out.
        """
        return self.package is None or importlib.util.find_spec(self.package) is not None

    def serves(self, format: str) -> bool:
        """Whether it serves models of a format, as they are or converted."""
        return format in self.reads or format in self.converts

    def identity(
        self, model: FoundModel, precision: Precision, adapter: str = ""
    ) -> EngineIdentity:
        """The engine's identity with a model, known without opening it.

        `adapter` is an adapter's id.
        """
        return EngineIdentity(
            model=model.name,
            fingerprint=model.fingerprint,
            chat_template=model.template_id,
            engine=self.variant(model, precision),
            adapter=adapter,
        )

    def open(self, model: FoundModel, opening: Opening) -> Engine:
        """The engine of a model. Raises MissingDependency with the exact install command."""
        if not self.installed:
            raise MissingDependency(
                f"the {self.name} engine needs the package {self.package!r}",
                f"pip install 'localfair[{self.extra}]'",
            )
        go_offline()  # before any library of models loads
        return self.opens(model, opening)
