"""localfair: a committee of local open-weight teachers for a small student, with the network
off.

The verbs of the command line are functions here: `localfair.run("fair", localfair.RunOptions(...))`
does what `localfair run fair` does. They load when they are first named; importing the package
loads and changes nothing. `localfair/cli/verbs.py` says what each takes.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from localfair.cli.verbs import (
        Destination,
        Equal,
        RunOptions,
        ask,
        bench,
        compare,
        exam,
        export_adapter,
        export_card,
        export_gguf,
        export_lessons,
        export_merged,
        export_task,
        findings,
        grade,
        import_table,
        inquire,
        load,
        plan,
        review,
        run,
        select,
        soften,
        train,
    )

__version__ = "0.1.0"

__all__ = [
    "Destination",
    "Equal",
    "RunOptions",
    "ask",
    "bench",
    "compare",
    "exam",
    "export_adapter",
    "export_card",
    "export_gguf",
    "export_lessons",
    "export_merged",
    "export_task",
    "findings",
    "grade",
    "import_table",
    "inquire",
    "load",
    "plan",
    "review",
    "run",
    "select",
    "soften",
    "train",
]


def __getattr__(name: str) -> object:
    """A verb, loaded when it is first named (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module 'localfair' has no attribute {name!r}")
    verb: object = getattr(importlib.import_module("localfair.cli.verbs"), name)
    globals()[name] = verb
    return verb


def __dir__() -> list[str]:
    """The verbs, loaded or not."""
    return sorted({*globals(), *__all__})
