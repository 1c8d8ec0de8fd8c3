"""A command of localfair in a process that is forked from this one, and how it is made to end.

This process has imported what a command needs, so a command costs no imports. Writes what a command
says into files beside its record. Knows nothing of what is counted or checked.
"""

from __future__ import annotations

import importlib
import os
import secrets
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from localfair.cli import main
from localfair.record import boundary
from tests.reliability.counting import count_engines
from tests.reliability.ledger import Ledger
from tests.reliability.scene import Scene

# what `localfair review` imports late, as little as a forked process needs
WARM = (
    "localfair.cli.run",
    "localfair.cli.show",
    "localfair.cli.db",
    "localfair.pipeline.runs",
    "localfair.pipeline.reading",
    "localfair.report.findings",
    "jinja2.ext",
    "rich.progress",
    "scipy.stats",
    "tenacity",
)
# seconds after which a command hangs; vLLM takes minutes to start where the cores are busy
LONGEST = 600.0
FENCE = b"the same in every record".ljust(
    32
)  # made by chance otherwise: no two runs would be alike


@dataclass(frozen=True, kw_only=True)
class Fault:
    """How a command is made to end: by which signal, and when.

    Exactly one of these says when. moment: at this moment around a commit, counted from 0. seconds:
    so long after its start. replies: when so many replies were counted.
    """

    number: signal.Signals = signal.SIGKILL
    moment: int | None = None
    seconds: float | None = None
    replies: int | None = None

    def __str__(self) -> str:
        if self.moment is not None:
            return f"{self.number.name} at moment {self.moment}"
        if self.seconds is not None:
            return f"{self.number.name} after {self.seconds:.3f} s"
        return f"{self.number.name} after {self.replies} replies"


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a command ended. code is negative for a signal that ended it, None when it hung.

    moments: how many there were around commits.
    """

    code: int | None
    out: str
    err: str
    seconds: float
    moments: int


def warm_up() -> None:
    """Import what the commands need, once for all of them."""
    for module in WARM:
        importlib.import_module(module)


def ended(scene: Scene, command: list[str], ledger: Ledger, fault: Fault | None = None) -> Ended:
    """Run a command to its end, or to the fault's."""
    ready, tell = os.pipe()
    mark = ledger.mark()
    pid = os.fork()
    if pid == 0:
        os.close(ready)
        _become(scene, command, ledger, fault, tell)
    os.close(tell)
    os.read(ready, 1)  # its signal handlers stand from here on
    os.close(ready)
    started = time.monotonic()
    if fault is not None and fault.moment is None:
        _strike(pid, fault, started, ledger, mark)
    code = _code(pid, started + LONGEST)
    seconds = time.monotonic() - started
    return Ended(
        code=code,
        out=(scene.folder / "out").read_text(),
        err=(scene.folder / "err").read_text(),
        seconds=seconds,
        moments=(scene.folder / "moments").stat().st_size,
    )


def _strike(pid: int, fault: Fault, started: float, ledger: Ledger, mark: int) -> None:
    """Send the signal when it is time for it, unless the command ended before."""
    while not _is_time(fault, started, ledger, mark):
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            return
        time.sleep(0.0005)
    os.kill(pid, fault.number)  # not waited for yet: the number is still its own


def _is_time(fault: Fault, started: float, ledger: Ledger, mark: int) -> bool:
    passed = time.monotonic() - started
    if fault.seconds is not None:
        return passed >= fault.seconds
    assert fault.replies is not None
    return passed > LONGEST or len(ledger.since(mark).answered) >= fault.replies


def _code(pid: int, until: float) -> int | None:
    """The exit status, once there is one; None when the process had to be killed at `until`."""
    while time.monotonic() < until:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.001)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None


# -- in the forked process ------------------------------------------------------------------------


def _become(
    scene: Scene, command: list[str], ledger: Ledger, fault: Fault | None, tell: int
) -> NoReturn:
    """Be the command, in a process that nothing of its parent's outlives."""
    code = 70
    try:
        os.chdir(scene.folder)
        os.environ["LOCALFAIR_WORKSPACE"] = str(scene.folder)
        _redirect("out", 1)
        _redirect("err", 2)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        secrets.token_bytes = _no_chance
        if scene.engine != "http":
            count_engines(ledger, scene.at_once if scene.engine == "scripted" else 1)
        boundary.listen(_Listener(fault, scene.commit_seconds))
        os.write(tell, b".")
        main(command)
    except SystemExit as exit_:
        code = exit_.code if isinstance(exit_.code, int) else 0
    except KeyboardInterrupt:
        code = 130  # it came before or after the command's own lines
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError):
                stream.flush()
        os._exit(code)


def _no_chance(size: int) -> bytes:
    """The same key of the fences in every record; ids of runs, which are shorter, stay different."""
    return FENCE if size == len(FENCE) else os.urandom(size)


def _redirect(name: str, descriptor: int) -> None:
    handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(handle, descriptor)
    os.close(handle)


class _Listener:
    """Counts the moments around commits, and ends this process at the one that it is to end at.

    Before every commit it waits, as a disk makes one wait.
    """

    def __init__(self, fault: Fault | None, wait: float) -> None:
        self._wait = wait
        self._left = None if fault is None else fault.moment
        self._number = signal.SIGKILL if fault is None else fault.number
        Path("moments").write_bytes(b"")
        self._count = os.open("moments", os.O_WRONLY | os.O_APPEND)

    def __call__(self, moment: boundary.Moment) -> None:
        os.write(self._count, b".")
        if self._left == 0:
            os.kill(os.getpid(), self._number)
        if self._left is not None:
            self._left -= 1
        if moment == "before":
            time.sleep(self._wait)
