"""A process of its own, with little memory and time, for programs that came with somebody's files.

Starts a script that calls `limited_child.serve` at the first question; writes a line of JSON to it
and reads one back. A loop without end, a recursion or a text without measure
ends that process and not this one; the next question starts another. Knows nothing of what is
asked.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from localfair.machine.terminal import one_line

SECONDS = 3  # of processor time for a line; real ones take a few milliseconds (ours)
MEMORY = 512 * 2**20  # bytes of address space, of which Python and Jinja take about 50 MB (ours)
WAIT = 120.0  # seconds on the clock, for a machine that gives the process no time (ours)
PACKAGES = Path(__file__).parents[2]  # the folder that localfair lies in


class TemplateFault(Exception):
    """A template that gave no text; `said` is its reason, in one line.

    problem: `template` for what is no Jinja, `refusal` for values that it raises at, `limit` for
    what never ends or grows without measure.
    """

    def __init__(self, problem: str, said: str) -> None:
        super().__init__(said)
        self.problem = problem
        self.said = one_line(said)


class LimitedProcess:
    """The one process that runs a script for this one; it ends with localfair."""

    def __init__(self, script: Path) -> None:
        self._script = script
        self._child: subprocess.Popen[str] | None = None
        self._owner = 0  # the process that started it: a fork must not share its pipes
        self._lock = threading.Lock()
        atexit.register(self.close)

    def ask(self, question: Mapping[str, object]) -> dict[str, Any]:
        """The answer to one question. Raises TemplateFault where it names a problem."""
        answer = self._answer(json.dumps(question))
        if "problem" in answer:
            raise TemplateFault(answer["problem"], answer["said"])
        return answer

    def close(self) -> None:
        """End the process, if it is ours."""
        child = self._child
        self._child = None
        if child is None or self._owner != os.getpid():
            return
        child.kill()
        with child:  # closes the pipes and waits
            pass

    def _answer(self, line: str) -> dict[str, Any]:
        with self._lock:
            child = self._started()
            assert child.stdin is not None
            assert child.stdout is not None
            reply = ""
            with contextlib.suppress(BrokenPipeError):
                child.stdin.write(line + "\n")
                child.stdin.flush()
                if select.select([child.stdout], [], [], WAIT)[0]:
                    reply = child.stdout.readline()
            if not reply.endswith("\n"):
                return {"problem": "limit", "said": self._why_it_ended()}
        answer: dict[str, Any] = json.loads(reply)
        return answer

    def _started(self) -> subprocess.Popen[str]:
        if self._child is not None and self._owner == os.getpid() and self._child.poll() is None:
            return self._child
        self.close()
        path = os.pathsep.join(filter(None, [str(PACKAGES), os.environ.get("PYTHONPATH")]))
        self._child = subprocess.Popen(  # noqa: S603 - a list of arguments, no shell
            [sys.executable, "-P", str(self._script), str(SECONDS), str(MEMORY)],
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            start_new_session=True,  # Ctrl-C is for localfair, which then ends it
        )
        self._owner = os.getpid()
        return self._child

    def _why_it_ended(self) -> str:
        """What became of the process, which gave no answer; it is ended where it still runs."""
        child = self._child
        self.close()
        assert child is not None
        if child.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
            return f"it does not end within {SECONDS} seconds"
        return f"its process ended ({child.returncode})"
