"""A chat template's text to a prompt's text, in a process of its own with little memory and time.

A template is a program that came with somebody's weights. `template_child.py` runs it in Jinja's
sandbox; a loop without end, a recursion or a text without measure ends that process and not this
one. It is started at the first template, keeps what it compiled, and ends with localfair. Reads and
writes nothing else; knows nothing of tokens and roles.
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
from datetime import date
from pathlib import Path
from typing import Any

from localfair.machine.terminal import one_line

CHILD = Path(__file__).with_name("template_child.py")
SECONDS = 3  # of processor time for a prompt; real ones take a few milliseconds (ours)
MEMORY = 512 * 2**20  # bytes of address space, of which Python and Jinja take about 50 MB (ours)
LONGEST = 16 * 2**20  # characters of a prompt; no context of today holds as many (ours)
WAIT = 120.0  # seconds on the clock, for a machine that gives the process no time (ours)


class TemplateFault(Exception):
    """A template that gave no text; `said` is its reason, in one line.

    problem: `template` for what is no Jinja, `refusal` for messages that it raises at, `limit` for
    what never ends or grows without measure.
    """

    def __init__(self, problem: str, said: str) -> None:
        super().__init__(said)
        self.problem = problem
        self.said = one_line(said)


def compiles(template: str) -> None:
    """Raise TemplateFault when the text is no Jinja."""
    _ask({"template": template})


def rendered(template: str, values: Mapping[str, Any], day: date) -> str:
    """The template's text for `values`; `day` is what its `strftime_now` writes.

    Raises TemplateFault.
    """
    return _ask({"template": template, "values": dict(values), "date": day.isoformat()})


def _ask(asked: dict[str, Any]) -> str:
    answer = _renderer.ask(json.dumps(asked))
    if "problem" in answer:
        raise TemplateFault(answer["problem"], answer["said"])
    return answer["text"]


class _Renderer:
    """The one rendering process of this process; started when it is first asked."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[str] | None = None
        self._owner = 0  # the process that started it: a fork must not share its pipes
        self._lock = threading.Lock()

    def ask(self, line: str) -> dict[str, str]:
        """The answer to one line."""
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
        answer: dict[str, str] = json.loads(reply)
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

    def _started(self) -> subprocess.Popen[str]:
        if self._child is not None and self._owner == os.getpid() and self._child.poll() is None:
            return self._child
        self.close()
        limits = [str(limit) for limit in (SECONDS, MEMORY, LONGEST)]
        self._child = subprocess.Popen(  # noqa: S603 - a list of arguments, no shell
            [sys.executable, "-P", str(CHILD), *limits],
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


_renderer = _Renderer()
atexit.register(_renderer.close)
