"""Does one part in this process: `tests.gpu.runner` starts it.

Arguments: the part's title, the file its rows are added to, and the setting. A row is written as
soon as it is measured, so that a process that is killed leaves what it had.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from localfair.errors import LocalfairError
from tests.gpu.parts import Part, parts
from tests.gpu.setting import Row, Setting


def main(argv: list[str] | None = None) -> int:
    """Do the part; 1 when a user can mend what it lacks, said in the last line of the log."""
    given = _arguments().parse_args(argv)
    setting = Setting(work=given.work, data=given.data, toy=given.toy)
    [part] = [each for each in parts(given.toy) if each.title == given.title]
    try:
        _do(part, setting, given.rows)
    except LocalfairError as error:
        print(f"{error.message} ({error.hint})", file=sys.stderr)
        return 1
    return 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.gpu.child", description=__doc__)
    parser.add_argument("title")
    parser.add_argument("rows", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--toy", action="store_true")
    return parser


def _do(part: Part, setting: Setting, path: Path) -> None:
    module = importlib.import_module(f"tests.gpu.{part.module}")
    measure: Callable[..., Iterator[Row]] = getattr(module, part.function)
    with path.open("a", encoding="utf-8") as out:
        for row in measure(setting, **part.settings):
            out.write(json.dumps(row.as_json()) + "\n")
            out.flush()


if __name__ == "__main__":
    sys.exit(main())
