"""From names on the command line to places at the table: which weights, which engine, which seed.

Reads model cards and weights' hashes, never loads a model. Knows nothing of tasks or steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

from localfair.committee.ask import Place
from localfair.engines.base import ENGINES, Backend, installed, open_backend
from localfair.engines.scripted import SUFFIX, Script, load_script
from localfair.errors import UsageError, nearest
from localfair.machine.hardware import usual_precision
from localfair.models import Model, endpoint, resolve
from localfair.models.card import IN_WEIGHTS
from localfair.models.gguf_tokens import control_texts
from localfair.record.nouns import Engine, Seat

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
        raise UsageError(f"{name} reads a GGUF, {model.card.name} is {model.card.format}", "use transformers or vllm")


def engines_of(model: AnyModel) -> tuple[str, ...]:
    """The engines that serve a model's own file, the usual one first; none is opened."""
    if isinstance(model, Script):
        return ("scripted",)
    return {"gguf": ("llama_cpp", "xllamacpp"), "safetensors": ("transformers", "vllm")}.get(
        model.card.format, ("openai_http",)
    )


def identify(name: str, model: AnyModel, options: Options, adapter: str = "") -> Engine:
    """The identity of an engine, known without loading it."""
    if isinstance(model, Script):
        return Engine(
            model=model.name,
            fingerprint=model.fingerprint,
            chat_template="",
            family="scripted",
            adapter=adapter,
        )
    family = f"{name}/{options.precision}" if name in ("transformers", "vllm") else f"{name}/gguf"
    if name == "openai_http":
        family = endpoint.family(model.card.url, model.card.server)
    return Engine(
        model=model.card.name, fingerprint=model.fingerprint, chat_template=model.chat_template_hash,
        family=family, adapter=adapter,
    )  # fmt: skip


class Seating:
    """Makes places; remembers resolved models, so that one file is hashed and opened once."""

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

    def seat(self, role: RoleName, names: Iterable[str]) -> list[Place]:
        """One place per name; the same model may hold several."""
        return [self.place(role, index, name) for index, name in enumerate(names)]

    def place(self, role: RoleName, index: int, name: str, adapter: str = "", path: Path | None = None) -> Place:
        """A place, with an adapter or without."""
        model = self.model(name)
        engine_kind = engine_name(role, model, self.options)
        engine = identify(engine_kind, model, self.options, adapter)
        seat = Seat(
            role=role, index=index, model=engine.model, fingerprint=engine.fingerprint,
            adapter=adapter, run_seed=self.seed,
        )  # fmt: skip
        return Place(seat, engine, engine_kind, self._opener(engine_kind, model, engine, path))

    def folder(self, name: str) -> Path:
        """The safetensors folder of a model, dequantised once where it exists only as GGUF."""
        model = self.model(name)
        if isinstance(model, Script):
            raise UsageError(f"{name} is a script and cannot be trained", "name a student with weights")
        if model.card.format == "endpoint":
            raise UsageError(f"the weights of {name} are behind a server", "name a model whose weights are here")
        if model.card.format == "safetensors":
            return model.path
        from localfair.models.dequantise import dequantised

        return dequantised(model, self.workspace)

    def template(self, name: str) -> str | None:
        """The chat template that a model's card puts in the place of its weights' own, or None."""
        model = self.model(name)
        if isinstance(model, Script) or model.card.chat_template == IN_WEIGHTS:
            return None
        return model.chat_template

    def _opener(self, kind: str, model: AnyModel, engine: Engine, adapter: Path | None) -> Callable[[], Backend]:
        options: dict[str, Any] = {}
        if kind in ("transformers", "vllm"):
            assert not isinstance(model, Script)
            options = {
                "folder": lambda: self.folder(model.card.name),
                "adapter": adapter, "precision": self.options.precision, "batch": self.options.batch,
            }  # fmt: skip
            self._models.setdefault(model.card.name, model)
        elif kind == "llama_cpp":
            options = {"batch": self.options.batch}
        elif kind == "xllamacpp":
            assert not isinstance(model, Script)
            options = {"batch": self.options.batch, "controls": partial(control_texts, model.path)}
        elif kind == "openai_http":
            assert not isinstance(model, Script)
            options = {"batch": self.options.batch, "hosts": endpoint.allowed_hosts(self.workspace)}
            endpoint.allowed(model.card.url, options["hosts"])  # refused before anybody is asked anything

        def opened() -> Backend:
            if adapter and kind in ("llama_cpp", "xllamacpp"):
                assert not isinstance(model, Script)
                options["adapter"] = gguf_lora(adapter, model)
            backend = open_backend(kind, model, adapter_id=engine.adapter, **options)
            assert backend.engine == engine, (backend.engine, engine)
            return backend

        return opened


def gguf_lora(adapter: Path, base: Model) -> Path:
    """An adapter's folder as the GGUF LoRA that llama.cpp puts on its base; made once, beside the adapter's weights."""
    from localfair.models.gguf_lora import write

    made = adapter / "adapter_model.gguf"
    return made if made.exists() else write(adapter, base.path, made)
