"""What this machine is and can do for localfair: `localfair doctor`.

The checks in order, each kept apart from the others. Reads the machine, the libraries, the record's
place and the weights; writes into temporary folders alone and asks no network.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from localfair.errors import LocalfairError
from localfair.machine.terminal import one_line
from localfair.pipeline import (
    doctor_libraries,
    doctor_machine,
    doctor_models,
    doctor_record,
)
from localfair.pipeline.doctor_check import Check, Examination, Interpreter, fail

__all__ = ["CHECKS", "Check", "Examination", "Interpreter", "counts", "examine"]

Checking = Callable[[Examination], Iterable[Check]]

# What it is called when it breaks itself, and the check; a check may give several lines.
CHECKS: dict[str, Checking] = {
    "python": doctor_machine.python_version,
    "processor": doctor_machine.processor,
    "memory": doctor_machine.memory,
    "disk": doctor_machine.disks,
    "clock": doctor_record.clock,
    "children": doctor_machine.children,
    "port": doctor_machine.port,
    "offline variables": doctor_machine.offline,
    "record: WAL": doctor_record.wal,
    "record: locks": doctor_record.locks,
    "record: file": doctor_record.record_file,
    "packages": doctor_libraries.packages,
    "llama.cpp": doctor_libraries.llama_builds,
    "gpu": doctor_libraries.gpu,
    "cuda": doctor_libraries.cuda,
    "4-bit layers": doctor_libraries.four_bit,
    "renderer": doctor_models.renderer,
    "weights": doctor_models.weights,
    "llama.cpp computes": doctor_models.llama_reply,
    "vLLM starts": doctor_models.vllm_start,
}


def examine(examination: Examination, checks: dict[str, Checking] | None = None) -> Iterator[Check]:
    """Yield each check's lines as soon as they are known; all checks when none are given.

    A check that breaks is a line that fails, and the next one is made.
    """
    for name, check in (CHECKS if checks is None else checks).items():
        try:
            yield from check(examination)
        except LocalfairError as error:
            yield fail(name, error.message, error.hint)
        except Exception as error:
            yield fail(
                name,
                f"the check itself broke: {one_line(f'{type(error).__name__}: {error}')}",
                "this is a fault of localfair's, or of something very odd here: report it",
            )


def counts(checks: Iterable[Check]) -> dict[str, int]:
    """How many checks are ok, warn and fail."""
    statuses = Counter(check.status for check in checks)
    return {status: statuses[status] for status in ("ok", "warn", "fail")}
