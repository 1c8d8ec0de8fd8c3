"""A Ray cluster that this machine is a node of: reached, looked at, asked, and watched.

Reads the cluster's state; starts none. Whatever is not as it must be is one line and a hint, before
anything is asked. Nothing else in this room names Ray. Knows nothing of the record.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import importlib.util
import os
import re
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from localfair import __version__
from localfair.committee.cluster import Node, Pending, ReplicaDied
from localfair.committee.ray_actor import Arrived, Asked, Look, Replica, Work, look
from localfair.committee.ray_placing import Resources
from localfair.errors import EngineDied, MissingDependency, UsageError
from localfair.machine.signals import let_through

ADDRESS = re.compile(r"(?P<host>[^\s:/@]+|\[[0-9a-fA-F:]+\]):(?P<port>\d{1,5})")
REACH = 3.0  # seconds until a port must have answered
GONE = 6.0  # seconds that the head does not answer before the cluster counts as gone (ours)
LOOK_EVERY = 1.0  # seconds between two looks whether it is there
HASHING = 600.0  # seconds that a node may hash weights
START = "`ray start --head --node-ip-address=IP --include-dashboard=false --disable-usage-stats`"
JOIN = "`ray start --address={} --disable-usage-stats` on this machine"
SHARED_KEY = "`ray get-auth-token --generate`, and the same ~/.ray/auth_token on every node"
# nothing is told to anybody, and who has no token runs nothing
CLOSED = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "token"}


class RayCluster:
    """The `Cluster` at an address, connected.

    `ray` is the library. Raises UsageError for an address without a cluster, or one that cannot be
    joined from here, and MissingDependency without the extra.
    """

    def __init__(self, address: str) -> None:
        host, port = _parts(address)
        self.address = address
        self._where = (host, port)
        if importlib.util.find_spec("ray") is None:
            raise MissingDependency("--ray needs the package 'ray'", "pip install 'localfair[ray]'")
        if not self.answers():
            raise UsageError(f"there is no Ray cluster at {address}", f"start one: {START}")
        for name, value in CLOSED.items():
            os.environ.setdefault(name, value)
        os.environ.pop("RAY_ADDRESS", None)  # it would go before the one that was given
        self.ray: Any = importlib.import_module("ray")
        self._refuse_tokenless()
        with _silent():
            self._refuse_others()
            self._connect()
        self._answered = time.monotonic()
        self._looked = self._answered
        self._shipped: dict[int, tuple[Work, Any]] = {}  # by id: each work travels once

    def _refuse_tokenless(self) -> None:
        """Raise UsageError where a token is wanted and there is none: Ray would abort."""
        if os.environ["RAY_AUTH_MODE"] != "token":
            return
        from ray._raylet import AuthenticationTokenLoader

        if not AuthenticationTokenLoader.instance().has_token(ignore_auth_mode=True):
            raise UsageError("there is no Ray token on this machine", SHARED_KEY)

    def _refuse_others(self) -> None:
        """Raise UsageError for a cluster of another Ray or Python, or one that wants a token."""
        from ray._private.utils import check_version_info

        try:
            from ray._common.usage.usage_lib import get_cluster_metadata
            from ray._raylet import GcsClient

            metadata = get_cluster_metadata(GcsClient(address=self.address))
        except Exception as error:
            raise self._refused(error) from error
        try:
            check_version_info(metadata, "this machine")
        except RuntimeError as error:
            ours = f"Ray {self.ray.__version__}"
            theirs = f"Ray {metadata.get('ray_version')}, Python {metadata.get('python_version')}"
            raise UsageError(
                f"the cluster at {self.address} runs {theirs}, here is {ours}",
                "install the same Ray and the same Python on every node",
            ) from error

    def _connect(self) -> None:
        import logging

        from ray._private import worker

        # what becomes of workers is ours to say, and stdout is for data
        worker.print_to_stdstream = _say_nothing
        try:
            self.ray.init(
                address=self.address,
                log_to_driver=False,
                logging_level=logging.CRITICAL,
                include_dashboard=None,
                namespace="localfair",
            )
        except Exception as error:
            raise self._refused(error) from error

    def _refused(self, error: Exception) -> UsageError:
        """What Ray says when it cannot be joined, in our words."""
        text = " ".join(str(error).split())
        if "uthentication" in type(error).__name__ + text or "token" in text.lower():
            return UsageError(
                f"the cluster at {self.address} refuses this token, or has none", SHARED_KEY
            )
        return UsageError(
            f"the Ray cluster at {self.address} cannot be joined: {text[:200]}",
            f"make this machine one of its nodes: {JOIN.format(self.address)}",
        )

    def nodes(self) -> list[Node]:
        """See `Cluster`."""
        nodes = []
        for node in self.ray.nodes():
            if not node["Alive"]:
                continue
            resources = node["Resources"]
            total = Resources(
                cpus=resources.get("CPU", 0),
                memory=int(resources.get("memory", 0)),
                gpus=resources.get("GPU", 0),
            )
            name = f"{node['NodeManagerAddress']} ({node['NodeID'][:8]})"
            nodes.append(Node(node["NodeID"], name, total))
        return sorted(nodes, key=lambda node: node.id)

    def own_node(self) -> str:
        """See `Cluster`."""
        return str(self.ray.get_runtime_context().get_node_id())

    def _on(self, node: str) -> Any:
        """How Ray is told to use this node and no other."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        return NodeAffinitySchedulingStrategy(node_id=node, soft=False)

    # -- replicas ---------------------------------------------------------------------------------

    def look(self, work: Work, nodes: Sequence[Node]) -> Iterator[tuple[Node, Look]]:
        """See `Cluster`. All nodes look at once.

        Raises UsageError naming a node that cannot run localfair.
        """
        remote = self.ray.remote(look)
        answers = []
        for node in nodes:
            placed = remote.options(
                num_cpus=0, max_retries=0, scheduling_strategy=self._on(node.id)
            )
            told = replace(work, adapter={})
            answers.append(placed.remote(told, __version__, node.total.cpus))
        for node, answer in zip(nodes, answers, strict=True):
            looked = self._looked_at(node, answer)
            if looked is not None:
                yield node, looked

    def _looked_at(self, node: Node, answer: object) -> Look | None:
        """What a node says; None when it is no more."""
        errors = self.ray.exceptions
        try:
            looked: Look = self.ray.get(answer, timeout=HASHING)
        except (errors.TaskUnschedulableError, errors.NodeDiedError):
            return None  # its heartbeats are missed before Ray calls it dead
        except errors.RayError as error:
            why = str(error).strip().splitlines()[-1][:200]
            raise UsageError(
                f"node {node.name} cannot run localfair: {why}",
                "install the same localfair, with the same Python, on every node",
            ) from error
        return looked

    def start(self, work: Work, node: str, needs: Resources) -> RayReplica:
        """See `Cluster`."""
        _, shipped = self._shipped.get(id(work), (work, None))
        if shipped is None:
            shipped = self.ray.put(work)
            self._shipped[id(work)] = (work, shipped)
        options: dict[str, Any] = {"num_cpus": needs.cpus, "num_gpus": needs.gpus}
        if needs.memory:
            options["memory"] = needs.memory
        remote = self.ray.remote(Replica).options(
            scheduling_strategy=self._on(node), max_restarts=0, max_task_retries=0, **options
        )
        return RayReplica(self, remote.remote(shipped))

    def wait(self, answers: list[Pending], seconds: float) -> list[Pending]:
        """See `Cluster`."""
        with let_through():
            done, _ = self.ray.wait(answers, num_returns=1, timeout=seconds)
            if done and len(answers) > 1:
                done, _ = self.ray.wait(answers, num_returns=len(answers), timeout=0)
        return list(done)

    def result(self, answer: Pending) -> Arrived | int:
        """See `Cluster`."""
        errors = self.ray.exceptions
        try:
            result: Arrived | int = self.ray.get(answer)
        except errors.RayActorError as error:
            raise ReplicaDied from error
        except errors.RayError as error:
            raise EngineDied(f"a replica at {self.address}: {error}") from error
        return result

    # -- whether it is there ----------------------------------------------------------------------

    def now(self) -> float:
        """See `Cluster`."""
        return time.monotonic()

    def await_head(self) -> None:
        """See `Cluster`."""
        while not self.answers():
            self.refuse_gone()
            with let_through():
                time.sleep(LOOK_EVERY)

    @property
    def is_there(self) -> bool:
        """Whether its head answered within the last seconds."""
        now = time.monotonic()
        if now - self._looked < LOOK_EVERY:
            return True
        self._looked = now
        if self.answers():
            self._answered = time.monotonic()
        return time.monotonic() - self._answered < GONE

    def refuse_gone(self) -> None:
        """See `Cluster`."""
        if not self.is_there:
            raise EngineDied(
                f"the Ray cluster at {self.address} is gone; every finished answer is in the record",
                "run the same command again, with --ray or without it",
            )

    def leave(self) -> None:
        """See `Cluster`.

        From a cluster that is gone nobody can part: Ray would wait a minute for its head, and its
        threads crash a process that ends meanwhile. So this one ends at once, when it ends.
        """
        if self.answers():
            self.ray.shutdown()
            return
        atexit.unregister(self.ray.shutdown)
        atexit.register(_end_now)

    def answers(self) -> bool:
        """See `Cluster`."""
        try:
            with socket.create_connection(self._where, timeout=REACH):
                return True
        except OSError:
            return False


class RayReplica:
    """A `Remote`: an actor of Ray."""

    def __init__(self, cluster: RayCluster, actor: Any) -> None:
        self._cluster = cluster
        self._actor = actor

    def process(self) -> Pending:
        """See `Remote`."""
        return self._actor.process.remote()

    def exchange(self, requests: list[Asked], seconds: float) -> Pending:
        """See `Remote`."""
        return self._actor.exchange.remote(requests, seconds)

    def end(self) -> None:
        """See `Remote`."""
        self._cluster.ray.kill(self._actor, no_restart=True)


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Within it nothing is written to stderr: what Ray would say there is said by our errors."""
    sys.stderr.flush()
    before = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(before, 2)
        os.close(before)
        os.close(nowhere)


def _end_now() -> None:
    """End the process without what is left to do at its end, as one that an error ended."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(EngineDied.exit_code)


def _say_nothing(*_: object, **__: object) -> None:
    pass


def _parts(address: str) -> tuple[str, int]:
    """Host and port. Raises UsageError for anything else, an address of Ray's client too."""
    match = ADDRESS.fullmatch(address)
    if match is None or not 0 < int(match["port"]) < 65536:
        raise UsageError(
            f"--ray takes the HOST:PORT of a cluster's head, not {address!r}",
            "as in --ray 192.168.0.2:6379",
        )
    return match["host"].strip("[]"), int(match["port"])
