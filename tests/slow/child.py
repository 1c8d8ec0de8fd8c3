"""Does one part in this process: `python -m tests.slow` starts it.

A row is written as soon as it is there, so that a process that is killed leaves what it had.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path


def main(argv: list[str] | None = None) -> int:
    """Do the part, and add its rows to a file, one JSON object a line."""
    parser = argparse.ArgumentParser(prog="python -m tests.slow.child", description=__doc__)
    parser.add_argument("name")
    parser.add_argument("rows", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args(argv)
    part = importlib.import_module(f"tests.slow.{given.name}")
    with given.rows.open("a", encoding="utf-8") as out:
        for row in part.prove(given.folder, given.quick):
            out.write(json.dumps(row.as_json()) + "\n")
            out.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
