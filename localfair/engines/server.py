"""A server as a child process: started on loopback with a key of its own, watched, and seen to be
gone when stopped.

Writes a log and nothing else, into a temporary folder that stays only when something failed. Knows
nothing of what serves; a guardian process (`guardian.py`) ends the server when localfair dies, by
whatever signal.
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

from localfair.engines.answers import read_from
from localfair.engines.http_client import Client
from localfair.engines.http_failures import Served
from localfair.errors import EngineDied, ReplyError
from localfair.machine.hardware import gpu_memory
from localfair.machine.http import Connection
from localfair.machine.keys import taken_out_of_text
from localfair.machine.offline import SWITCHES
from localfair.models.endpoint import KEY_VARIABLE

GUARDIAN = Path(__file__).with_name("guardian.py")
GRACE = 10.0  # seconds between SIGINT and SIGKILL
GONE = 90.0  # seconds after which a group that SIGKILL did not end is given up
GPU_SLACK = 256  # MiB of GPU memory that other programs may have taken meanwhile
SHOWN = 6  # lines of the log that an error shows


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """What to start.

    `command(port)` is the argument list. `served` is the name it must answer to in /v1/models.
    `key_variable` is the environment variable that the key is put in. `deadline` is the seconds it
    may take to start, `grace` those between SIGINT and SIGKILL when it is stopped. `port` of None
    takes a free one.
    """

    name: str
    command: Callable[[int], list[str]]
    served: str
    environment: dict[str, str] = field(default_factory=dict)
    key_variable: str
    deadline: float = 600.0
    grace: float = GRACE
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
        self.launch = launch
        self.folder = folder
        self.url = f"http://127.0.0.1:{port}"
        self._guardian = guardian
        assert guardian.stdout is not None
        self._group = int(guardian.stdout.readline() or 0)  # 0: the command could not be started
        self._gpu_before = gpu_memory()
        self.client = Client(
            self.url,
            key,
            server=Served(launch.name, f"its log: {self.log}; run the same command again"),
            check=self.check,
        )

    @property
    def log(self) -> Path:
        """What the server wrote."""
        return self.folder / "server.log"

    @property
    def ended(self) -> str | None:
        """How the server ended, or None while it runs."""
        if self._guardian.poll() is None:
            return None
        return _status(self._guardian.returncode)

    def check(self) -> None:
        """Raise ServerFailed, with the end of the log, if the server is no longer there."""
        if self.ended is not None:
            self._sweep()
            raise self.failed(f"{self.launch.name} died ({self.ended})")

    def failed(self, message: str) -> ServerFailed:
        """An error that shows the end of the log and says where all of it is."""
        return ServerFailed(message, f"its log: {self.log}", self.tail())

    def tail(self) -> list[str]:
        """The last lines of the log that say something."""
        try:
            text = self.log.read_text(errors="replace")
        except OSError:
            return []
        without_key = taken_out_of_text(text, self.client.key)
        lines = [line.strip()[:300] for line in without_key.splitlines() if line.strip()]
        return lines[-SHOWN:]

    def stop(self, *, keep_log: bool = False) -> None:
        """End the server and wait until none of its processes is left and GPU memory is back.

        Idempotent.
        """
        if self._guardian.stdin and not self._guardian.stdin.closed:
            self._guardian.stdin.close()
            try:
                self._guardian.wait(self.launch.grace + GONE)
            except subprocess.TimeoutExpired as error:
                raise self.failed(f"{self.launch.name} cannot be ended") from error
            self._sweep()
            _await_gpu_memory(self._gpu_before)
        if not keep_log:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _sweep(self) -> None:
        """Where the guardian itself was killed, end what it guarded."""
        if self._guardian.returncode < 0 and self._group:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._group, signal.SIGKILL)


def start(launch: Launch) -> Server:
    """The server, once it answers.

    Raises ServerFailed when it ends or is not ready before its deadline.
    """
    folder = Path(tempfile.mkdtemp(prefix="localfair-server-"))  # for this user alone
    key = secrets.token_urlsafe(24)
    port = launch.port or free_port()
    log = folder / "server.log"
    guarding = [sys.executable, "-I", "-S", str(GUARDIAN), str(launch.grace), str(log)]
    guardian = subprocess.Popen(  # noqa: S603 - a list of arguments, no shell
        [*guarding, *launch.command(port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**_inherited(), **SWITCHES, **launch.environment, launch.key_variable: key},
        start_new_session=True,
    )
    server = Server(launch, folder, guardian, port, key)
    try:
        _await_ready(server)
    except BaseException:
        server.stop(keep_log=True)
        raise
    return server


def _inherited() -> dict[str, str]:
    """This process's environment without the keys of endpoints, which are no child's business."""
    return {name: value for name, value in os.environ.items() if not name.startswith(KEY_VARIABLE)}


def free_port() -> int:
    """A port of loopback that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await_ready(server: Server) -> None:
    """Until the server answers to our key with our name: another program on its port is never
    taken for it.
    """
    launch = server.launch
    until = time.monotonic() + launch.deadline
    pause = 0.05
    is_stranger = False
    with Connection(server.url, server.client.key, answer=5) as connection:
        while time.monotonic() < until:
            ended = server.ended
            if ended is not None:
                why = "its port is taken" if is_stranger else ended
                raise server.failed(f"{launch.name} ended before it was ready ({why})")
            with contextlib.suppress(OSError, ValueError, ReplyError):
                status, names = _models(connection)
                if launch.served in names:
                    return
                is_stranger = status != 503  # our own says 503 while it loads
            time.sleep(pause)
            pause = min(pause * 1.3, 0.5)
    raise server.failed(f"{launch.name} was not ready after {launch.deadline:.0f} s")


def _models(connection: Connection) -> tuple[int, list[str]]:
    """The status of /v1/models and the names that it lists."""
    reply = connection.ask("/v1/models")
    if reply.status != 200:
        return reply.status, []
    with read_from("the server", "/v1/models"):
        return reply.status, [model.get("id") for model in reply.json().get("data", [])]


def _status(code: int) -> str:
    """How the guardian ended, which tells how the server did unless the guardian was killed
    itself.
    """
    if code < 0:
        return f"its guardian was ended by signal {-code}"
    if code > 128:
        return f"signal {code - 128}"
    return f"exit status {code}"


def _await_gpu_memory(before: list[int], seconds: float = 30.0) -> None:
    """Wait until the GPUs hold no more than before.

    A driver gives memory back a moment after the process is gone.
    """
    until = time.monotonic() + seconds
    while before and time.monotonic() < until:
        pairs = zip(gpu_memory(), before, strict=False)
        if all(now <= was + GPU_SLACK for now, was in pairs):
            return
        time.sleep(0.2)
