"""A Ray cluster of several hosts with addresses of their own: network namespaces joined by a bridge.

A head and two nodes, each in a namespace with an address and a /tmp/ray of its own; nothing else can
be reached from there. Needs root, `ip` (iproute2) and the extra `ray`.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from localfair.record.store import Store
from tests.gpu.machine import ROOT
from tests.lab import Lab, scripted_student
from tests.slow.rows import Row

NAME = f"lf{os.getpid() % 100_000}"  # names of interfaces hold 15 letters
HOSTS = ("10.77.0.1", "10.77.0.2", "10.77.0.3")  # the head first
PORT = 6379
STORE = 80_000_000  # bytes of a node's object store, the least that Ray takes
UP = 200.0  # seconds until a node must be there
CLOSED = {
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": "of-this-proof-and-no-other-cluster",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",
}
# a host's own /tmp/ray: what nodes of one host share, hosts do not
APART = 'mount -t tmpfs none /tmp/ray && exec "$@"'
SAME = {
    "generations": "SELECT id, text FROM generations ORDER BY id",
    "explanations": "SELECT id FROM explanations ORDER BY id",
    "reviews": "SELECT id FROM reviews ORDER BY id",
    "lessons": "SELECT id FROM lessons ORDER BY id",
}


def prove(folder: Path, quick: bool) -> Iterator[Row]:
    """That both hosts are seen by their addresses, that FAIR makes the rows that it makes here, and
    every test that starts a cluster: nodes, replicas and the head killed, training shared.

    Quick, the plan is made alone.
    """
    if not quick:
        yield _tests()
    words = _words(folder)
    with _hosts(folder) as head:
        yield _planned(head, words)
        if quick:
            return
        with Store.open(folder / "here.db", create=True) as store:
            store.fence_key()  # prompts hold it, and every record has its own
        shutil.copy(folder / "here.db", folder / "there.db")
        started = time.perf_counter()
        there = _localfair(
            ["select", *words, "--db", str(folder / "there.db"), "--ray", _address()], head
        )
        seconds = round(time.perf_counter() - started, 1)
    here = _localfair(["select", *words, "--db", str(folder / "here.db")])
    yield _same(folder, there, here, seconds)


def _tests() -> Row:
    """The tests marked `ray`, which the usual run skips where Ray is not installed."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "pytest", "-q", "-m", "ray", "tests"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    seconds = round(time.perf_counter() - started, 1)
    return Row(
        name="the tests that start a cluster",
        outcome="held" if done.returncode == 0 else "broke",
        measures={"exit": done.returncode, "seconds": seconds},
        note=_last(done),
    )


def _words(folder: Path) -> list[str]:
    lab = Lab(folder, scripted_student(folder))
    words = ["fair", "--task", "table", "--data", str(lab.data), "--student", lab.student]
    for path in lab.teachers:
        words += ["--teacher", path]
    return [*words, "--batch", "2"]


def _planned(head: int, words: list[str]) -> Row:
    """The plan names the nodes by their addresses."""
    options = ["--set", "train.enabled=false", "--set", "after.enabled=false", "--json"]
    done = _localfair(["plan", *words, *options, "--ray", _address()], head)
    planned = json.loads(done.stdout) if done.returncode == 0 else {"nodes": []}
    names = [node["name"].split()[0] for node in planned["nodes"]]
    return Row(
        name="the plan names both hosts",
        outcome="held" if sorted(names) == list(HOSTS[1:]) else "broke",
        measures={"exit": done.returncode, "nodes": names},
        note=_last(done),
    )


def _same(
    folder: Path,
    there: subprocess.CompletedProcess[str],
    here: subprocess.CompletedProcess[str],
    seconds: float,
) -> Row:
    measures = {"exit": there.returncode, "seconds": seconds}
    is_same = False
    if there.returncode == 0 and here.returncode == 0:
        made = _rows(folder / "here.db")
        measures |= {name: len(rows) for name, rows in made.items()}
        is_same = all(made.values()) and _rows(folder / "there.db") == made
    return Row(
        name="FAIR, scripted, up to its lessons: the rows that it makes without Ray",
        outcome="held" if is_same else "broke",
        measures=measures,
        note=_last(there) or _last(here),
    )


def _rows(db: Path) -> dict[str, list[dict[str, object]]]:
    with Store.open(db) as store:
        return {name: store.rows(sql) for name, sql in SAME.items()}


def _last(done: subprocess.CompletedProcess[str]) -> str:
    return "".join(done.stderr.strip().splitlines()[-1:]) if done.returncode else ""


def _address() -> str:
    return f"{HOSTS[0]}:{PORT}"


def _localfair(words: list[str], host: int | None = None) -> subprocess.CompletedProcess[str]:
    """A command line, in the namespaces of a process where one is named."""
    command = [sys.executable, "-m", "localfair", *words]
    if host is not None:
        command = ["nsenter", "-t", str(host), "-n", "-m", f"--wd={ROOT}", *command]
    return subprocess.run(
        command, cwd=ROOT, env=os.environ | CLOSED, capture_output=True, text=True, check=False
    )


# -- the hosts ------------------------------------------------------------------------------------


@contextlib.contextmanager
def _hosts(folder: Path) -> Iterator[int]:
    """The cluster; a process of its head. All of it is gone at the end, but for its nodes' logs."""
    Path("/tmp/ray").mkdir(exist_ok=True)
    nodes: list[subprocess.Popen[bytes]] = []
    try:
        _ip("link", "add", NAME, "type", "bridge")
        _ip("link", "set", NAME, "up")
        for number, address in enumerate(HOSTS):
            _host(number, address)
        head = ["--head", f"--port={PORT}", "--include-dashboard=false", "--num-cpus=0"]
        node = [f"--address={_address()}", "--num-cpus=2"]
        for number in range(len(HOSTS)):
            nodes.append(_up(number, node if number else head, folder))
        yield nodes[0].pid
    finally:
        for node in nodes:
            node.terminate()
        for number in range(len(HOSTS)):
            _end(number)
        for node in nodes:
            node.wait()
        _ip("link", "del", NAME, check=False)


def _ip(*words: str, check: bool = True) -> str:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise RuntimeError(f"ip {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def _space(number: int) -> str:
    return f"{NAME}-{number}"


def _host(number: int, address: str) -> None:
    """A namespace with an address on the bridge."""
    space = _space(number)
    outside = f"{NAME}v{number}"
    _ip("netns", "add", space)
    _ip("link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", space)
    _ip("link", "set", outside, "master", NAME, "up")
    _ip("-n", space, "addr", "add", f"{address}/24", "dev", "eth0")
    _ip("-n", space, "link", "set", "eth0", "up")
    _ip("-n", space, "link", "set", "lo", "up")


def _node(number: int, words: list[str], log: Path) -> subprocess.Popen[bytes]:
    """Ray's node of a host, in the foreground of a process of ours."""
    ray = [sys.executable, "-m", "ray.scripts.scripts", "start", *words]
    ray += [f"--node-ip-address={HOSTS[number]}", f"--object-store-memory={STORE}"]
    ray += ["--disable-usage-stats", "--block"]
    command = ["ip", "netns", "exec", _space(number), "sh", "-c", APART, "sh", *ray]
    environment = os.environ | CLOSED | {"PYTHONPATH": str(ROOT)}
    with log.open("wb") as out:
        return subprocess.Popen(command, env=environment, stdout=out, stderr=out)


def _up(number: int, words: list[str], folder: Path) -> subprocess.Popen[bytes]:
    """A host's node that is up. On a busy machine Ray gives up after 30 s: then it is started again."""
    deadline = time.monotonic() + UP
    log = folder / f"host-{number}.log"
    node = _node(number, words, log)
    while time.monotonic() < deadline:
        if node.poll() is not None:
            node = _node(number, words, log)
        if "Ray runtime started" in log.read_text(errors="replace"):
            return node
        time.sleep(0.5)
    node.terminate()
    raise RuntimeError(f"the node of {HOSTS[number]} did not come up: see {log.name}")


def _end(number: int) -> None:
    """End what runs in a host's namespace, and the namespace."""
    space = _space(number)
    for pid in _ip("netns", "pids", space, check=False).split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    _ip("netns", "del", space, check=False)
