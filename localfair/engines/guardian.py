"""The process between localfair and a server: it starts the server in a session of its own and
outlives neither.

Run as a script with nothing but the standard library: `guardian.py GRACE LOG COMMAND...`. When its
stdin ends, which the death of its parent does by whatever signal, or when it is told to terminate,
the server's whole process group gets SIGINT and, GRACE seconds later, SIGKILL. It exits once no
process of the server is left, with the server's status. Writes the server's process id to stdout,
the server's output to LOG, and knows nothing of servers.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

TICK = 0.1  # seconds between two looks at our parent and at the server
DEADLINE = 60.0  # seconds after which what SIGKILL did not end is given up
PARENT = os.getppid()
DEATH_SIGNAL, SUBREAPER = 1, 36  # PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER; Linux alone has them


def main(grace: float, log: str, command: list[str]) -> int:
    """Guard one command; its exit status, 128 and the signal's number where a signal ended it."""
    # a handler, not SIG_IGN, which the server would inherit: it must keep its own answer to SIGINT
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    signal.signal(signal.SIGTERM, _interrupt)
    _process_control(SUBREAPER, 1)
    # for this user alone, and never through a link that lies there
    handle = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "ab") as out:
        server = subprocess.Popen(  # noqa: S603 - a list of arguments, no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
            preexec_fn=_bound,
        )
    print(server.pid, flush=True)  # the group's number, for whoever outlives us
    status = None
    try:
        with contextlib.suppress(InterruptedError):
            while status is None and not _orphaned():
                status = _reaped().get(server.pid)
    finally:
        # what a dead server leaves behind has nothing to finish
        statuses = end(server.pid, grace if status is None else 0)
    if status is None:
        status = statuses.get(server.pid, 0)
    return 128 - status if status < 0 else status


def end(group: int, grace: float) -> dict[int, int]:
    """End a process group and whatever it left to us.

    SIGINT goes first, where there is a grace, and SIGKILL when the grace is over. Returns pid ->
    status of all that were reaped meanwhile.
    """
    statuses: dict[int, int] = {}
    if grace:
        _kill(group, signal.SIGINT)
        if _all_gone(group, grace, statuses):
            return statuses
    _kill(group, signal.SIGKILL)
    until = time.monotonic() + DEADLINE
    while not _all_gone(group, TICK / 5, statuses) and time.monotonic() < until:
        for child in _children():  # one that left the group
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
    return statuses


def _all_gone(group: int, seconds: float, statuses: dict[int, int]) -> bool:
    """Whether within so many seconds no process is left; `statuses` takes those of the reaped."""
    until = time.monotonic() + seconds
    while True:
        statuses |= _reaped()
        if not _exists(group) and not _children():
            return True
        if time.monotonic() >= until:
            return False
        time.sleep(TICK / 5)


def _kill(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _exists(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _children() -> list[int]:
    """Our children, those included that their own parents left behind."""
    try:
        text = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
    except OSError:
        return []
    return [int(pid) for pid in text.split()]


def _reaped() -> dict[int, int]:
    """pid -> exit code of every child that has ended; a signal's number is negative."""
    statuses = {}
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            statuses[pid] = os.waitstatus_to_exitcode(status)
    return statuses


def _orphaned() -> bool:
    """Whether our parent has let go: stdin ended, or, where a fork of it still holds the other
    end, it is gone.
    """
    ready, _, _ = select.select([0], [], [], TICK)
    if os.getppid() != PARENT:
        return True
    return bool(ready) and not os.read(0, 1)


def _interrupt(*_: object) -> None:
    raise InterruptedError


def _bound() -> None:
    """In the server, before it starts: it dies with the guardian, whatever ends that."""
    _process_control(DEATH_SIGNAL, signal.SIGKILL)


def _process_control(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), sys.argv[2], sys.argv[3:]))
