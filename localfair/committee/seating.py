"""From names on the command line to members at the table: which weights, which engine, which seed.

Reads model cards, weights' hashes and the workspace's allowed hosts; never loads a model. Knows
nothing of tasks or steps, and names no engine.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from localfair.engines import Engine, EngineSpec, Opening, engine_named, reading, training_engine
from localfair.engines.base import FailedRequest
from localfair.errors import UsageError
from localfair.machine.hardware import usual_precision
from localfair.models import FoundModel, Model, find_model
from localfair.models.chat import load_tokenizer
from localfair.models.endpoint import allowed_hosts, refuse_shared_key
from localfair.record.nouns import EngineIdentity, Role, Seat

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase as Tokenizer

    from localfair.models.loading import Precision

FORMATS = {
    "gguf": "a GGUF",
    "safetensors": "a folder of safetensors",
    "endpoint": "a server",
    "script": "a script",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says about engines.

    engine is the teachers' and reviewers', or None for the usual one of each model. student_engine
    is the student's in every exam. precision is that of the engines that have more than one.
    batch is how many sequences run together. threads are those of the processor; None is one for
    each physical core.
    """

    engine: str | None = None
    student_engine: str = training_engine().name
    precision: Precision = field(default_factory=usual_precision)
    batch: int = 16
    threads: int | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """A seat, the engine that fills it and the weights behind it.

    Members of one identity share one open engine.
    """

    seat: Seat
    identity: EngineIdentity
    engine: EngineSpec
    model: FoundModel = field(compare=False)
    adapter: Path | None = field(compare=False)
    seating: Seating = field(compare=False, repr=False)

    def open(self, failed: FailedRequest | None = None) -> Engine:
        """The member's engine, opened; its weights load at the first request.

        `failed`: see `Opening.failed`.
        """
        return self.seating.opened(self, failed)

    def folder(self) -> Path:
        """The safetensors folder of the member's base, dequantised once where it exists only as
        GGUF.
        """
        return self.seating.folder(self.model)

    @property
    def chat_template(self) -> str | None:
        """The chat template that the card puts in front of its weights' own, or None."""
        return self.model.card_template

    def tokenizer(self, enable_thinking: bool | None = None) -> Tokenizer:
        """The tokenizer that the member's exams and lessons are both made with.

        `enable_thinking` goes before what the model's card says of it.
        """
        assert isinstance(self.model, Model)
        settings = self.model.settings
        if enable_thinking is not None:
            settings = replace(settings, enable_thinking=enable_thinking)
        return load_tokenizer(
            self.folder(), self.chat_template, name=self.model.name, settings=settings
        )

    def with_adapter(self, adapter: str, folder: Path | None) -> Member:
        """The same seat's model with this adapter, or with none."""
        return self.seating.placed(self.seat.role, self.seat.index, self.model, adapter, folder)


class Seating:
    """Makes members; remembers resolved models, so that one file is hashed and opened once.

    `date` is the day that dated chat templates write; None is today.
    """

    def __init__(
        self, workspace: Path, seed: int, options: Options, date: datetime.date | None = None
    ) -> None:
        for name in (options.engine, options.student_engine):
            if name is not None:
                engine_named(name)  # an unknown name is refused before any model is looked for
        self.workspace = workspace
        self.seed = seed
        self.options = options
        self.date = date or datetime.date.today()
        self._models: dict[str, FoundModel] = {}

    def model(self, name: str) -> FoundModel:
        """The resolved model of a name.

        Raises UsageError when one key would go to the servers of several models.
        """
        if name not in self._models:
            self._models[name] = self._dated(find_model(name, self.workspace))
            urls = {}
            for model in self._models.values():
                if isinstance(model, Model) and model.format == "endpoint":
                    urls[model.name] = model.card.url
            refuse_shared_key(urls)
        return self._models[name]

    def _dated(self, model: FoundModel) -> FoundModel:
        """The model with the day that its chat template is to write, if it writes one."""
        if not isinstance(model, Model) or not model.is_dated:
            return model
        return replace(model, settings=replace(model.settings, date=self.date))

    def seat(self, role: Role, names: Iterable[str]) -> list[Member]:
        """One member per name; the same model may hold several."""
        return [self.member(role, index, name) for index, name in enumerate(names)]

    def with_engine(self, name: str) -> Seating:
        """The same seating with this engine for its student."""
        options = replace(self.options, student_engine=name)
        other = Seating(self.workspace, self.seed, options, self.date)
        other._models = self._models
        return other

    def member(
        self, role: Role, index: int, name: str, adapter: str = "", folder: Path | None = None
    ) -> Member:
        """The member that a name seats, with an adapter or without."""
        return self.placed(role, index, self.model(name), adapter, folder)

    def placed(
        self, role: Role, index: int, model: FoundModel, adapter: str, folder: Path | None
    ) -> Member:
        """A model in a seat. `adapter` is an adapter's id and `folder` holds its weights.

        Raises UsageError when the engine cannot serve the model or its adapter, NetworkRefused when
        its host is not allowed.
        """
        engine = _engine_for(role, model, self.options)
        engine.refuse(model, allowed_hosts(self.workspace))
        _refuse_misfit(engine, model)
        if adapter and not engine.adapts:
            raise UsageError(
                f"the {engine.name} engine cannot put an adapter on {model.name}",
                "seat a model whose weights are here",
            )
        identity = engine.identity(model, self.options.precision, adapter)
        seat = Seat(
            role=role,
            index=index,
            model=identity.model,
            fingerprint=identity.fingerprint,
            adapter=adapter,
            run_seed=self.seed,
        )
        return Member(seat, identity, engine, model, folder, self)

    def folder(self, model: FoundModel) -> Path:
        """The safetensors folder of a model, dequantised once where it exists only as GGUF.

        Raises UsageError for a model whose weights are not on this machine.
        """
        if model.format == "script":
            raise UsageError(
                f"{model.name} is a script and cannot be trained", "name a student with weights"
            )
        if model.format == "endpoint":
            raise UsageError(
                f"the weights of {model.name} are behind a server",
                "name a model whose weights are here",
            )
        from localfair.models.dequantise import dequantised

        assert isinstance(model, Model)
        return dequantised(model, self.workspace)

    def opened(self, member: Member, failed: FailedRequest | None = None) -> Engine:
        """A member's engine, opened. Raises MissingDependency with the exact install command."""
        opening = Opening(
            identity=member.identity,
            folder=member.folder,
            adapter=member.adapter,
            precision=self.options.precision,
            batch=self.options.batch,
            threads=self.options.threads,
            hosts=allowed_hosts(self.workspace),
            failed=failed,
        )
        return member.engine.open(member.model, opening)


def _engine_for(role: Role, model: FoundModel, options: Options) -> EngineSpec:
    """Which engine a role gets for a model.

    A model without weights here has one engine, whatever the command line says. A mentor is
    softened with the weights that training loads. Otherwise the command line chooses, else the
    usual engine that is installed.
    """
    readers = reading(model.format)
    if not model.has_weights:
        return readers[0]
    if role == "mentor":
        return training_engine()
    chosen = options.student_engine if role == "student" else options.engine
    if chosen is not None:
        return engine_named(chosen)
    for engine in readers:
        if engine.installed:
            return engine
    return training_engine()


def _refuse_misfit(engine: EngineSpec, model: FoundModel) -> None:
    """Raise UsageError when an engine cannot serve a model of this format."""
    if engine.serves(model.format):
        return
    formats = " or ".join(FORMATS[format] for format in engine.reads)
    engines = " or ".join(other.name for other in reading(model.format))
    raise UsageError(
        f"{engine.name} reads {formats}, {model.name} is {FORMATS[model.format]}", f"use {engines}"
    )
