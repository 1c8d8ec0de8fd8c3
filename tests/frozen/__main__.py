"""Writes the fixtures anew: all of them, or some.

    python -m tests.frozen
    python -m tests.frozen fair tinyllm

WARNING: the fixtures are frozen. They say what a change of names, modules or columns must not
change. Write them anew only for a change of behaviour that is wanted, read every line of the
difference, and say in the commit why it is there.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.frozen import student
from tests.frozen.dump import pretty
from tests.frozen.scenarios import FIXTURES, SCENARIOS, FrozenLab


def main(names: list[str]) -> None:
    """Runs the named scenarios, all of them where none is named, and writes what each left."""
    for name in names or list(SCENARIOS):
        with tempfile.TemporaryDirectory(prefix="localfair-frozen-") as folder:
            steady = student.build(Path(folder) / "student")
            lab_folder = Path(folder) / "lab"
            lab_folder.mkdir()
            found = SCENARIOS[name](FrozenLab(lab_folder, steady))
        fixture = FIXTURES / f"{name}.json"
        fixture.write_text(pretty(found) + "\n", encoding="utf-8")
        print(f"wrote {fixture}; it is frozen: look at what changed before it is committed")


main(sys.argv[1:])
