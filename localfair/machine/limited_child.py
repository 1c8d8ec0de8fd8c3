"""What a process with limits does: a line of JSON on stdin, a line of JSON on stdout.

Run as `SCRIPT SECONDS BYTES`, where the script calls `serve`. SECONDS of processor time
are for each line: the kernel ends the process after them. BYTES are all the memory that it may
have. It ends with its stdin. Imports nothing but the standard library and Jinja; `limited` starts
it.
"""

from __future__ import annotations

import contextlib
import json
import math
import resource
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from jinja2 import TemplateError

Answer = dict[str, Any]


def serve(answer: Callable[[Answer], Answer]) -> None:
    """Answer line by line until stdin ends, within the limits that the command line names."""
    seconds, memory = (int(argument) for argument in sys.argv[1:])
    _limit(resource.RLIMIT_CORE, 0)
    with contextlib.suppress(ValueError):  # macOS takes no such limit: there time alone is one
        _limit(resource.RLIMIT_AS, memory)
    for line in sys.stdin:
        used = resource.getrusage(resource.RUSAGE_SELF)
        _limit(resource.RLIMIT_CPU, math.ceil(used.ru_utime + used.ru_stime) + seconds)
        print(json.dumps(answer(json.loads(line))), flush=True)


def bounded(pieces: Iterable[str], longest: int) -> Iterator[str]:
    """The pieces of a text. Raises OverflowError as soon as they are longer than `longest`."""
    length = 0
    for piece in pieces:
        length += len(piece)
        if length > longest:
            raise OverflowError(f"it writes more than {longest} characters")
        yield piece


def problem_of(error: Exception, problem: str) -> Answer:
    """What a template raised, as an answer; `problem` where no limit was met."""
    if isinstance(error, MemoryError | OverflowError | RecursionError):
        return {"problem": "limit", "said": str(error) or "it asks for too much memory"}
    if isinstance(error, TemplateError):
        return {"problem": problem, "said": str(error)}
    return {"problem": problem, "said": f"{type(error).__name__}: {error}"}


def _limit(kind: int, value: int) -> None:
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(kind, (value, hard))
