"""What happens on a node of a Ray cluster: its weights are looked at, and a replica answers.

Reads the node's weights and answers requests with one of our engines; writes an adapter that it is
sent into a folder of its own. Does not import Ray: any process can run it.
"""

from __future__ import annotations

import os
import platform
import queue
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from localfair import __version__
from localfair.committee.ray_placing import Resources
from localfair.committee.seating import Member, Options, Seating
from localfair.committee.softening import Mentor, SoftReply, SoftRequest
from localfair.engines import Engine, Scorer, engine_named
from localfair.engines.arrivals import ready
from localfair.errors import CorruptWeights, EngineDied, LocalfairError, MissingWeights, UsageError
from localfair.machine.hardware import gpu_memory
from localfair.machine.offline import go_offline
from localfair.machine.workspace import workspace_dir
from localfair.models import FoundModel, Model, load_script
from localfair.models.fit import memory_needed
from localfair.models.hashing import Hashes
from localfair.models.registry import find_weights, verified_at, weights_dir
from localfair.models.script import Script
from localfair.record.nouns import EngineIdentity, Generation, Request, Role

Asked = Request | SoftRequest
CONTEXT = 2048  # tokens that a sequence is taken to have when memory is counted (ours)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A member as it travels to a node: its model without weights, its adapter's files whole."""

    role: Role
    identity: EngineIdentity
    model: FoundModel
    options: Options
    adapter: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Look:
    """What a node says of a member's model: what a replica needs there, or why it cannot be."""

    needs: Resources
    problem: str = ""
    hint: str = ""


@dataclass(slots=True)
class Arrived:
    """What a replica has finished since it was asked last.

    replies: by generation id. failed: requests that failed by themselves, by generation id. error:
    what ended the engine; nothing more comes after it.
    """

    replies: list[tuple[str, Generation | SoftReply]] = field(default_factory=list)
    failed: list[tuple[str, LocalfairError]] = field(default_factory=list)
    error: LocalfairError | None = None


def work_of(member: Member) -> Work:
    """What a member's replicas are told. Reads its adapter."""
    options = replace(
        member.seating.options, engine=member.engine.name, student_engine=member.engine.name
    )
    return Work(
        role=member.seat.role,
        identity=member.identity,
        model=member.model,
        options=options,
        adapter=packed(member.adapter) if member.adapter else {},
    )


def packed(adapter: Path) -> dict[str, bytes]:
    """The files of an adapter by name; that of a GGUF LoRA alone."""
    if adapter.is_file():
        return {adapter.name: adapter.read_bytes()}
    return {path.name: path.read_bytes() for path in adapter.iterdir() if path.is_file()}


def adapter_from(adapter: dict[str, bytes]) -> Path:
    """A folder with these files, or the only one where it is a GGUF."""
    folder = Path(tempfile.mkdtemp(prefix="localfair-adapter-"))
    for name, content in adapter.items():
        (folder / Path(name).name).write_bytes(content)
    only = [folder / name for name in adapter if name.endswith(".gguf")]
    return only[0] if len(adapter) == 1 and only else folder


# -- looking at a node ----------------------------------------------------------------------------


def look(work: Work, version: str, cpus: float) -> Look:
    """What this node, with so many processors, says of a member's model. Hashes its weights."""
    go_offline()
    if version != __version__:
        return Look(
            Resources(),
            f"has localfair {__version__}, this machine {version}",
            "install the same version on every node",
        )
    engine = engine_named(work.options.student_engine)
    try:
        model = model_here(work.model)
    except LocalfairError as error:
        return Look(Resources(), error.message, error.hint)
    if not engine.installed:
        return Look(
            Resources(),
            f"has no package {engine.package!r}, which the {engine.name} engine needs",
            f"pip install 'localfair[{engine.extra}]' there",
        )
    return Look(_needs(work, model, cpus))


def _needs(work: Work, model: FoundModel, cpus: float) -> Resources:
    """What a replica takes here: a model with weights all processors, unless --threads says less.

    With a GPU it takes the share of its memory that the model needs, and one processor.
    """
    if not isinstance(model, Model):
        return Resources(cpus=1)
    context = min(model.context or CONTEXT, CONTEXT)
    memory = memory_needed(model, context, work.options.batch)
    gpus = gpu_memory("memory.total")
    if gpus:
        share = min(1.0, -(-100 * memory // (gpus[0] << 20)) / 100)
        return Resources(cpus=1, gpus=share)
    return Resources(cpus=work.options.threads or max(1.0, cpus), memory=memory)


def model_here(model: FoundModel) -> FoundModel:
    """The same model with this node's weights, checked by their hash.

    Raises MissingWeights when they are not here, CorruptWeights when they are others.
    """
    if isinstance(model, Script):
        return _script_here(model)
    path = _first_here(model) or model.path
    if not path.exists():
        raise MissingWeights(
            f"the weights of {model.name} ({model.card.file}) are not there",
            "put them into its workspace or LOCALFAIR_WEIGHTS",
        )
    here = verified_at(model.card, path, Hashes(weights_dir(workspace_dir())))
    _refuse_others(model, here.fingerprint, path)
    return replace(here, settings=model.settings)


def _first_here(model: Model) -> Path | None:
    """The weights in this node's own folders: they go before the path that the driver has."""
    return find_weights(model.card.model_copy(update={"path": ""}), workspace_dir())


def _script_here(script: Script) -> Script:
    folders = [weights_dir(workspace_dir())]
    for folder in os.environ.get("LOCALFAIR_WEIGHTS", "").split(os.pathsep):
        if folder:
            folders.append(Path(folder))
    candidates = [folder / script.path.name for folder in folders] + [script.path.absolute()]
    for path in candidates:
        if path.is_file():
            here = load_script(path)
            _refuse_others(script, here.fingerprint, path)
            return here
    raise MissingWeights(
        f"the script {script.path.name} is not there",
        "put it into its workspace's models/weights or LOCALFAIR_WEIGHTS",
    )


def _refuse_others(model: FoundModel, fingerprint: str, path: Path) -> None:
    if fingerprint != model.fingerprint:
        raise CorruptWeights(
            f"{path} is not the {model.name} of this machine ({fingerprint[:19]}, expected "
            f"{model.fingerprint[:19]})",
            "put the same file on every node",
        )


# -- a replica ------------------------------------------------------------------------------------


class Replica:
    """One engine on a node. `exchange` brings requests and takes what is finished.

    The engine works in a thread of its own, so that it goes on while replies travel.
    """

    def __init__(self, work: Work) -> None:
        go_offline()
        self._work = work
        self._asked: queue.SimpleQueue[list[Asked]] = queue.SimpleQueue()
        self._finished: queue.SimpleQueue[_Finished] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._answer, daemon=True)
        self._thread.start()

    def process(self) -> int:
        """The id of the process that it runs in."""
        return os.getpid()

    def host(self) -> str:
        """The name of its machine."""
        return platform.node()

    def exchange(self, requests: list[Asked], seconds: float) -> Arrived:
        """Ask these, and wait at most so long for something to be finished; all that is."""
        if requests:
            self._asked.put(requests)
        arrived = Arrived()
        try:
            self._take(arrived, self._finished.get(timeout=seconds))
            while True:
                self._take(arrived, self._finished.get_nowait())
        except queue.Empty:
            return arrived

    def _take(self, arrived: Arrived, finished: _Finished) -> None:
        if isinstance(finished, Generation):
            # the request is with whoever sent it: it need not travel back
            key = finished.request.id(self._work.identity)
            arrived.replies.append((key, replace(finished, request=NOTHING)))
        elif isinstance(finished, SoftReply):
            arrived.replies.append((finished.request.id(self._work.identity), finished))
        elif isinstance(finished, LocalfairError):
            arrived.error = finished
        else:
            request, error = finished
            arrived.failed.append((request.id(self._work.identity), error))

    def _answer(self) -> None:
        """Answer whatever is asked, until the engine fails."""
        try:
            member = member_of(self._work)
            engine = member.open(lambda *failed: self._finished.put(failed))
            mentor = Mentor(member)
            while True:
                waiting = self._waiting()
                lessons = [each for each in waiting if isinstance(each, SoftRequest)]
                requests = [each for each in waiting if isinstance(each, Request)]
                if lessons:
                    engine.close()  # its weights make way for those that training loads
                    for reply in mentor.soften(lessons):
                        self._finished.put(reply)
                for generation in _replies(engine, requests):
                    self._finished.put(generation)
        except LocalfairError as error:
            self._finished.put(error)
        except Exception as error:
            self._finished.put(EngineDied(f"{type(error).__name__}: {error}"))

    def _waiting(self) -> list[Asked]:
        """All that was asked and is not begun, once there is anything."""
        requests = self._asked.get()
        while True:
            try:
                requests = requests + self._asked.get_nowait()
            except queue.Empty:
                return requests


_Finished = Generation | SoftReply | tuple[Request, LocalfairError] | LocalfairError
NOTHING = Request(messages=())  # stands for a request that is known elsewhere


def member_of(work: Work) -> Member:
    """A member on this node, with this node's weights.

    Raises UsageError when it would not be the very engine that was asked for.
    """
    seating = Seating(workspace_dir(), 0, work.options)
    adapter = adapter_from(work.adapter) if work.adapter else None
    model = model_here(work.model)
    member = seating.placed(work.role, 0, model, work.identity.adapter, adapter)
    if member.identity != replace(work.identity, model=member.identity.model):
        raise UsageError(
            f"{platform.node()} would serve {work.identity.model} otherwise than this machine",
            "install the same versions on every node",
        )
    return member


def _replies(engine: Engine, requests: list[Request]) -> Iterator[Generation]:
    """The replies and the scores of requests, as they are finished."""
    asked = [request for request in requests if request.action == "generate"]
    if asked:
        yield from _each(engine.generate(asked))
    scores = [request for request in requests if request.action == "score"]
    if scores:
        assert isinstance(engine, Scorer), "the committee asks scorers alone for scores"
        yield from _each(engine.score(scores))


def _each(arrivals: Iterator[Generation]) -> Iterator[Generation]:
    for generation in arrivals:
        yield generation
        yield from ready(arrivals)
