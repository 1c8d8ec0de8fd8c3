"""math-verify in a process with limits, for threads in which its own time limit does not work.

Reads a line of JSON with one formula or two, and writes whether the one is a formula, or the two are
equal. `latex` asks it; `localfair.machine.limited` starts it. Ours.
"""

from __future__ import annotations

from localfair.machine.limited_child import Answer, serve
from localfair.tasks.latex import compared, load


def answered(question: Answer) -> Answer:
    """The answer to a question; `is_so` is None where it cannot be told."""
    return {"is_so": compared(*question["formulas"])}


if __name__ == "__main__":
    load()  # before the limits of a question count
    serve(answered)
