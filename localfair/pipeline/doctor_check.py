"""One line of `localfair doctor`, and the processes in which native libraries are tried.

Starts `doctor_child.py` and reads its answers; what a library caches goes into a temporary folder.
Knows nothing of what is checked.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from localfair.machine.terminal import one_line
from localfair.models.endpoint import KEY_VARIABLE

Status = Literal["ok", "warn", "fail"]
Answer = dict[str, Any]  # the JSON object of one line

CHILD = Path(__file__).with_name("doctor_child.py")
SECONDS = 30.0  # for a process that loads nothing large (ours)
LOADING = 300.0  # for one that loads torch from a slow disk (ours)
# where libraries keep what they compiled or looked up; a check leaves nothing of it behind
CACHES = (
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "HF_HOME",
    "TRITON_CACHE_DIR",
    "TORCHINDUCTOR_CACHE_DIR",
    "CUDA_CACHE_PATH",
    "VLLM_CACHE_ROOT",
    "VLLM_CONFIG_ROOT",
)


@dataclass(frozen=True, slots=True)
class Check:
    """What a check saw. `hint` says what to do about it; it is empty where all is well."""

    name: str
    status: Status
    finding: str
    hint: str = ""


def ok(name: str, finding: str) -> Check:
    """A check with nothing to complain of."""
    return Check(name, "ok", finding)


def warn(name: str, finding: str, hint: str) -> Check:
    """A check of something that is missing or slow, and that localfair does without."""
    return Check(name, "warn", finding, hint)


def fail(name: str, finding: str, hint: str) -> Check:
    """A check of something that does not work."""
    return Check(name, "fail", finding, hint)


class ProbeFailed(Exception):
    """A process that gave no whole answer; `answers` are the lines before it ended.

    missing: the module that it did not find, where that is the reason.
    """

    def __init__(self, reason: str, answers: Sequence[Answer] = (), missing: str = "") -> None:
        super().__init__(reason)
        self.reason = one_line(reason)
        self.answers = answers
        self.missing = missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """The Python that probes run in: this one, unless a test names another.

    environment: goes before this process's variables. seconds: a time limit in place of every
    probe's.
    """

    executable: str = sys.executable
    flags: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    seconds: float | None = None

    def ask(self, probe: str, *arguments: str, seconds: float = SECONDS) -> list[Answer]:
        """The lines that a probe answers with.

        Raises ProbeFailed when the process cannot be started, crashes, or takes too long.
        """
        # -P: a file of the working directory that is called torch.py is no torch
        # -B: nothing is written beside the libraries
        command = [self.executable, *self.flags, "-P", "-B", str(CHILD), probe, *arguments]
        with tempfile.TemporaryDirectory(prefix="localfair-doctor-") as folder:
            try:
                child = subprocess.Popen(  # noqa: S603 - a list of arguments, no shell
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    env=self.variables(folder),
                    encoding="utf-8",
                    errors="replace",
                    start_new_session=True,  # so that it ends with all that it started
                )
            except OSError as error:
                raise ProbeFailed(f"a process cannot be started ({error.strerror})") from error
            return _answers(child, self.seconds or seconds)

    def variables(self, caches: str) -> dict[str, str]:
        """The environment of a process that may write its caches into a folder, and has no keys."""
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(KEY_VARIABLE)
        }
        return {**kept, **dict.fromkeys(CACHES, caches), **self.environment}

    def ask_once(self, probe: str, *arguments: str, seconds: float = SECONDS) -> Answer:
        """The single line that a probe answers with. Raises ProbeFailed, too, for an error in words."""
        answers = self.ask(probe, *arguments, seconds=seconds)
        if len(answers) != 1:
            raise ProbeFailed("it gave no answer")
        (answer,) = answers
        if "error" in answer:
            raise ProbeFailed(answer["error"], missing=answer.get("missing") or "")
        return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What is examined. `deep` also hashes weights, computes with a model and starts vLLM."""

    workspace: Path
    db: Path
    deep: bool = False
    interpreter: Interpreter = field(default_factory=Interpreter)


def _answers(child: subprocess.Popen[str], seconds: float) -> list[Answer]:
    """What a process wrote until it ended; it is ended after so many seconds."""
    is_late = False
    try:
        out, err = child.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        is_late = True
        _end(child)
        out, err = child.communicate()
    finally:
        if child.poll() is None:
            _end(child)
            child.wait()
    answers = []
    for line in out.splitlines():
        with contextlib.suppress(ValueError):  # half a line of a process that was ended
            answers.append(json.loads(line))
    if is_late:
        raise ProbeFailed(f"no answer within {seconds:.0f} seconds", answers)
    if child.returncode != 0:
        raise ProbeFailed(_ending(child.returncode, err), answers)
    return answers


def _end(child: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)


def _ending(code: int, err: str) -> str:
    """How a process ended, with the last line that it wrote."""
    how = f"exit status {code}"
    if code < 0:
        how = f"crashed: {_signal_name(-code)}"
    lines = err.strip().splitlines()
    return f"{how} ({lines[-1].strip()})" if lines else how


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
