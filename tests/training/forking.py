"""A process that has imported the training once, and forks itself for each training it is asked for.

Importing takes several seconds, a tiny training a fraction of one. No thread has run in it, so
what is forked from it waits for none. Reads jobs and answers with their exit codes, line by line.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

FORKS = """
import json, os, signal, sys, traceback
import localfair.training.qlora

def work(job):
    signal.alarm(300)  # seconds, after which it is killed
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # stdout is for exit codes
    os.environ.update(job["environment"])
    sys.argv = ["-c", *job["arguments"]]
    exec(job["code"], {"__name__": "__main__"})

def fork(job):
    child = os.fork()
    if child:
        return child
    try:
        work(job)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)

print("imported", flush=True)
for line in sys.stdin:
    children = [fork(job) for job in json.loads(line)]
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    print(json.dumps(codes), flush=True)
"""


@dataclass(frozen=True)
class Job:
    """Python code to run in a process of its own, as `python -c CODE ARGUMENTS`."""

    code: str
    arguments: list[str]
    environment: dict[str, str] = field(default_factory=dict)


class Forking:
    """The process; `imported` and `complaints` are what importing wrote to stdout and stderr."""

    def __init__(self, folder: Path) -> None:
        self.stderr = folder / "stderr"
        with self.stderr.open("w") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, "-c", FORKS],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )
        self.imported = self._line()
        self.complaints = self.stderr.read_text()

    def run(self, *jobs: Job) -> list[int]:
        """Run these side by side; their exit codes, those of signals negative."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([asdict(job) for job in jobs]) + "\n")
        self._process.stdin.flush()
        codes: list[int] = json.loads(self._line())
        return codes

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()
