"""A server as a child process: started on loopback with a key of its own, watched, and seen to be gone when stopped.

Writes a log and nothing else, into a temporary folder that stays only when something failed. Knows nothing of what
serves; a guardian process (`guardian.py`) ends the server when localfair dies, by whatever signal.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from localfair.engines.http_client import Client
from localfair.errors import EngineDied
from localfair.machine.hardware import gpu_memory
from localfair.machine.http import Connection
from localfair.machine.offline import SWITCHES

GUARDIAN = Path(__file__).with_name("guardian.py")
GRACE = 10.0  # seconds between SIGINT and SIGKILL
GONE = 90.0  # seconds after which a group that SIGKILL did not end is given up
GPU_SLACK = 256  # MiB of GPU memory that other programs may have taken meanwhile
SHOWN = 6  # lines of the log that an error shows


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """What to start. `command(port)` is the argument list; `served` the name it must answer to in /v1/models."""

    name: str
    command: Callable[[int], list[str]]
    served: str
    environment: dict[str, str] = field(default_factory=dict)
    key_variable: str
    deadline: float = 600.0
    port: int | None = None


class ServerFailed(EngineDied):
    """A server that would not start or did not live; `problems` are the last lines of its log."""

    def __init__(self, message: str, hint: str, problems: Iterable[str]) -> None:
        super().__init__(message, hint)
        self.problems = tuple(problems)


class Server:
    """A running server; made by `start`. `client` asks it."""

    def __init__(
        self, launch: Launch, folder: Path, guardian: subprocess.Popen[bytes], port: int, key: str
    ) -> None:
        self.launch, self.folder, self._guardian = launch, folder, guardian
        assert guardian.stdout is not None
        self._group = int(guardian.stdout.readline() or 0)  # 0: the command could not be started
        self.url = f"http://127.0.0.1:{port}"
        self._gpu = gpu_memory()
        self.client = Client(
            self.url,
            key,
            who=launch.name,
            hint=f"its log: {self.log}; run the same command again",
            check=self.check,
        )

    @property
    def log(self) -> Path:
        """What the server wrote."""
        return self.folder / "server.log"

    def check(self) -> None:
        """Raise ServerFailed, with the end of the log, if the server is no longer there."""
        if self._guardian.poll() is not None:
            self._sweep()
            raise self.failed(f"{self.launch.name} died ({_status(self._guardian.returncode)})")

    def failed(self, message: str) -> ServerFailed:
        """An error that shows the end of the log and says where all of it is."""
        return ServerFailed(message, f"its log: {self.log}", self.tail())

    def tail(self) -> list[str]:
        """The last lines of the log that say something."""
        with contextlib.suppress(OSError):
            lines = self.log.read_text(errors="replace").splitlines()
            return [line.strip()[:300] for line in lines if line.strip()][-SHOWN:]
        return []

    def stop(self, *, keep_log: bool = False) -> None:
        """End the server and wait until none of its processes is left and GPU memory is back. Idempotent."""
        if self._guardian.stdin and not self._guardian.stdin.closed:
            self._guardian.stdin.close()
            try:
                self._guardian.wait(GRACE + GONE)
            except subprocess.TimeoutExpired as error:
                raise self.failed(f"{self.launch.name} cannot be ended") from error
            self._sweep()
            _await_gpu_memory(self._gpu)
        if not keep_log:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _sweep(self) -> None:
        """Where the guardian itself was killed, end what it guarded."""
        if self._guardian.returncode < 0 and self._group:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._group, signal.SIGKILL)


def start(launch: Launch) -> Server:
    """The server, once it answers. Raises ServerFailed when it ends or is not ready before its deadline."""
    folder = Path(tempfile.mkdtemp(prefix="localfair-server-"))  # for this user alone
    key, port = secrets.token_urlsafe(24), launch.port or free_port()
    environment = os.environ | SWITCHES | launch.environment | {launch.key_variable: key}
    guardian = subprocess.Popen(
        [sys.executable, "-I", "-S", str(GUARDIAN), str(GRACE), str(folder / "server.log"), *launch.command(port)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env=environment, start_new_session=True,
    )  # fmt: skip
    server = Server(launch, folder, guardian, port, key)
    try:
        _await_ready(server, key)
    except BaseException:
        server.stop(keep_log=True)
        raise
    return server


def free_port() -> int:
    """A port of loopback that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await_ready(server: Server, key: str) -> None:
    """Until the server answers to our key with our name: another program on its port is never taken for it."""
    launch, until = server.launch, time.monotonic() + server.launch.deadline
    pause, stranger = 0.05, False
    with Connection(server.url, key, answer=5) as connection:
        while time.monotonic() < until:
            if server._guardian.poll() is not None:
                why = "its port is taken" if stranger else _status(server._guardian.returncode)
                raise server.failed(f"{launch.name} ended before it was ready ({why})")
            with contextlib.suppress(OSError, ValueError):
                answer = connection.ask("/v1/models")
                names = (
                    [m.get("id") for m in answer.json().get("data", [])]
                    if answer.status == 200
                    else []
                )
                if launch.served in names:
                    return
                stranger = answer.status not in (503,)
            time.sleep(pause)
            pause = min(pause * 1.3, 0.5)
    raise server.failed(f"{launch.name} was not ready after {launch.deadline:.0f} s")


def _status(code: int) -> str:
    """How the guardian ended, which tells how the server did unless the guardian was killed itself."""
    if code < 0:
        return f"its guardian was ended by signal {-code}"
    return f"signal {code - 128}" if code > 128 else f"exit status {code}"


def _await_gpu_memory(before: list[int], seconds: float = 30.0) -> None:
    """Wait until the GPUs hold no more than before; a driver gives memory back a moment after the process is gone."""
    until = time.monotonic() + seconds
    while before and time.monotonic() < until:
        if all(now <= was + GPU_SLACK for now, was in zip(gpu_memory(), before, strict=False)):
            return
        time.sleep(0.2)
