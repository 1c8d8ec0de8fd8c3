"""From names on the command line to members at the table: which weights, which engine, which seed.

Reads model cards and weights' hashes, never loads a model. Knows nothing of tasks or steps.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from localfair.engines.base import ENGINES, Engine, installed, open_engine
from localfair.engines.scripted import SUFFIX, Script, load_script
from localfair.errors import UsageError, nearest
from localfair.machine.hardware import usual_precision
from localfair.models import Model, endpoint, resolve
from localfair.models.card import IN_WEIGHTS
from localfair.models.chat import load_tokenizer
from localfair.models.gguf_tokens import control_texts
from localfair.record.nouns import EngineIdentity, Seat

RoleName = Literal["student", "teacher", "reviewer", "mentor"]
AnyModel = Model | Script


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says about engines: teachers' and the student's, the precision of the student's base."""

    engine: str | None = None
    student_engine: str = "transformers"
    precision: str = field(default_factory=usual_precision)
    batch: int = 16


def find_model(name: str, workspace: Path) -> AnyModel:
    """A model by card name or path; a `*.script.toml` is a scripted one. Raises ModelError."""
    return load_script(Path(name)) if name.endswith(SUFFIX) else resolve(name, workspace)


def engine_name(role: RoleName, model: AnyModel, options: Options) -> str:
    """Which engine a role gets: a mentor transformers, the student what the command line says, a GGUF teacher
    llama.cpp if it is installed.
    """
    if isinstance(model, Script):
        return "scripted"
    if model.card.format == "endpoint":
        return "openai_http"
    if role == "mentor":
        return "transformers"
    if chosen := options.student_engine if role == "student" else options.engine:
        _refuse_misfit(chosen, model)
        return chosen
    usual = engines_of(model) if model.card.format == "gguf" else ()
    return next((name for name in usual if installed(name)), "transformers")


def _refuse_misfit(name: str, model: Model) -> None:
    """An engine that cannot read what a model is."""
    if name == "openai_http":
        raise UsageError(
            f"{model.card.name} is behind no server",
            "`localfair models add --endpoint URL --served NAME` makes one known",
        )
    if name in ("llama_cpp", "xllamacpp") and model.card.format != "gguf":
        raise UsageError(
            f"{name} reads a GGUF, {model.card.name} is {model.card.format}",
            "use transformers or vllm",
        )


def engines_of(model: AnyModel) -> tuple[str, ...]:
    """The engines that serve a model's own file, the usual one first; none is opened."""
    if isinstance(model, Script):
        return ("scripted",)
    return {"gguf": ("llama_cpp", "xllamacpp"), "safetensors": ("transformers", "vllm")}.get(
        model.card.format, ("openai_http",)
    )


def identify(name: str, model: AnyModel, options: Options, adapter: str = "") -> EngineIdentity:
    """The identity of an engine, known without loading it."""
    if isinstance(model, Script):
        return EngineIdentity(
            model=model.name,
            fingerprint=model.fingerprint,
            chat_template="",
            engine="scripted",
            adapter=adapter,
        )
    family = f"{name}/{options.precision}" if name in ("transformers", "vllm") else f"{name}/gguf"
    if name == "openai_http":
        family = endpoint.engine_text(model.card.url, model.card.server)
    return EngineIdentity(
        model=model.card.name, fingerprint=model.fingerprint, chat_template=model.chat_template_hash,
        engine=family, adapter=adapter,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Member:
    """A seat, the engine that fills it and the weights behind it; members of one identity share one open engine."""

    seat: Seat
    identity: EngineIdentity
    engine_name: str
    model: AnyModel = field(compare=False)
    adapter: Path | None = field(compare=False)
    seating: Seating = field(compare=False, repr=False)

    def open(self) -> Engine:
        """The member's engine, opened; its weights load at the first request."""
        return self.seating.opened(self)

    def folder(self) -> Path:
        """The safetensors folder of the member's base, dequantised once where it exists only as GGUF."""
        return self.seating.folder(self.model)

    @property
    def chat_template(self) -> str | None:
        """The chat template that the card puts in front of its weights' own, or None."""
        if isinstance(self.model, Script) or self.model.card.chat_template == IN_WEIGHTS:
            return None
        return self.model.chat_template

    def tokenizer(self) -> Any:
        """The tokenizer that the member's exams and lessons are both made with."""
        return load_tokenizer(self.folder(), self.chat_template)

    def with_adapter(self, adapter: str, folder: Path | None) -> Member:
        """The same seat's model with this adapter, or with none."""
        return self.seating.placed(self.seat.role, self.seat.index, self.model, adapter, folder)


class Seating:
    """Makes members; remembers resolved models, so that one file is hashed and opened once."""

    def __init__(self, workspace: Path, seed: int, options: Options) -> None:
        for engine in filter(None, (options.engine, options.student_engine)):
            if engine not in ENGINES:
                raise UsageError(f"unknown engine {engine!r}", nearest(engine, ENGINES))
        self.workspace = workspace
        self.seed = seed
        self.options = options
        self._models: dict[str, AnyModel] = {}

    def model(self, name: str) -> AnyModel:
        """The resolved model of a name."""
        if name not in self._models:
            self._models[name] = find_model(name, self.workspace)
        return self._models[name]

    def seat(self, role: RoleName, names: Iterable[str]) -> list[Member]:
        """One member per name; the same model may hold several."""
        return [self.member(role, index, name) for index, name in enumerate(names)]

    def with_engine(self, name: str) -> Seating:
        """The same seating with this engine for its student."""
        other = Seating(self.workspace, self.seed, replace(self.options, student_engine=name))
        other._models = self._models
        return other

    def member(
        self, role: RoleName, index: int, name: str, adapter: str = "", folder: Path | None = None
    ) -> Member:
        """The member that a name seats, with an adapter or without."""
        return self.placed(role, index, self.model(name), adapter, folder)

    def placed(
        self, role: RoleName, index: int, model: AnyModel, adapter: str, folder: Path | None
    ) -> Member:
        """A model in a seat."""
        kind = engine_name(role, model, self.options)
        identity = identify(kind, model, self.options, adapter)
        seat = Seat(
            role=role,
            index=index,
            model=identity.model,
            fingerprint=identity.fingerprint,
            adapter=adapter,
            run_seed=self.seed,
        )
        if kind == "openai_http":
            assert not isinstance(model, Script)
            endpoint.allowed(
                model.card.url, endpoint.allowed_hosts(self.workspace)
            )  # refused before anybody is asked
        return Member(seat, identity, kind, model, folder, self)

    def folder(self, model: AnyModel) -> Path:
        """The safetensors folder of a model, dequantised once where it exists only as GGUF."""
        if isinstance(model, Script):
            raise UsageError(
                f"{model.name} is a script and cannot be trained", "name a student with weights"
            )
        if model.card.format == "endpoint":
            raise UsageError(
                f"the weights of {model.name} are behind a server",
                "name a model whose weights are here",
            )
        if model.card.format == "safetensors":
            return model.path
        from localfair.models.dequantise import dequantised

        return dequantised(model, self.workspace)

    def opened(self, member: Member) -> Engine:
        """A member's engine, opened with what that engine takes."""
        options = self._options(member)
        engine = open_engine(
            member.engine_name, member.model, adapter_id=member.identity.adapter, **options
        )
        assert engine.identity == member.identity, (engine.identity, member.identity)
        return engine

    def _options(self, member: Member) -> dict[str, Any]:
        model, options = member.model, self.options
        if isinstance(model, Script):
            return {}
        if member.engine_name in ("transformers", "vllm"):
            return {
                "folder": member.folder,
                "adapter": member.adapter,
                "precision": options.precision,
                "batch": options.batch,
            }
        found: dict[str, Any] = {"batch": options.batch}
        if member.engine_name == "openai_http":
            found["hosts"] = endpoint.allowed_hosts(self.workspace)
        if member.engine_name == "xllamacpp":
            found["controls"] = partial(control_texts, model.path)
        if member.adapter and member.engine_name in ("llama_cpp", "xllamacpp"):
            found["adapter"] = gguf_lora(member.adapter, model)
        return found


def gguf_lora(adapter: Path, base: Model) -> Path:
    """An adapter's folder as the GGUF LoRA that llama.cpp puts on its base; made once, beside the adapter's weights."""
    from localfair.models.gguf_lora import write

    if adapter.is_file():
        return adapter
    made = adapter / "adapter_model.gguf"
    return made if made.exists() else write(adapter, base.path, made)
