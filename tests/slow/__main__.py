"""Long proofs, run by hand: `python -m tests.slow [PART...]`.

Each part runs in a process of its own with a time limit, at which it is killed with all that it
started. Prints a table; `--out` holds the same as JSON, and each part in it is replaced when it is
done again. What cannot be tried here is said.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from localfair.errors import nearest
from tests.gpu.machine import ROOT
from tests.gpu.runner import run_limited
from tests.slow.parts import PARTS, Part, part_named
from tests.slow.results import facts, markdown, read, write


def main(argv: list[str] | None = None) -> int:
    """Do the parts that are asked for; 1 when one broke or did not come to its end."""
    given = arguments().parse_args(argv)
    if given.list:
        print(listed())
        return 0
    chosen = given.parts or list(PARTS)
    results = read(given.out)
    is_good = True
    with tempfile.TemporaryDirectory() as temporary:
        work = given.work or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        for part in chosen:
            print(f"{part.name}: at most {part.seconds / 60:.0f} min", file=sys.stderr, flush=True)
            results[part.name] = done(part, work.resolve(), given.quick)
            write(given.out, results)
            is_good = is_good and results[part.name]["status"] in ("held", "not tried")
    print(markdown({part.name: results[part.name] for part in chosen}))
    return 0 if is_good else 1


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.slow", description=__doc__)
    parser.add_argument("parts", nargs="*", type=_part, metavar="PART", help="all when left out")
    parser.add_argument("--list", action="store_true", help="say what there is, and do nothing")
    parser.add_argument("--out", type=Path, default=Path("slow.json"), help="parts are kept here")
    parser.add_argument(
        "--work", type=Path, help="records and logs; a temporary folder when left out"
    )
    parser.add_argument(
        "--quick", action="store_true", help="show that the parts run; proves next to nothing"
    )
    return parser


def _part(given: str) -> Part:
    names = [part.name for part in PARTS]
    if given not in names:
        raise argparse.ArgumentTypeError(f"no part is called {given!r}; {nearest(given, names)}")
    return part_named(given)


def listed() -> str:
    """A line for each part, and why one cannot be tried here."""
    lines = []
    for part in PARTS:
        lines.append(f"{part.name:12} {part.title} (at most {part.seconds // 60} min)")
        missing = part.missing()
        here = f"not here: {missing}" if missing else "can be tried here"
        lines.append(f"{'':12} needs {part.needs}; {here}")
    return "\n".join(lines)


def done(part: Part, work: Path, quick: bool = False) -> dict[str, Any]:
    """Do a part; its status, reason, seconds, rows and the facts of day and machine."""
    result = {"facts": facts(), "quick": quick, "seconds": 0.0, "rows": [], "reason": ""}
    # being quick, a part runs at toy size, where nothing is needed
    missing = "" if quick else part.missing()
    if missing:
        return {**result, "status": "not tried", "reason": missing}
    rows = work / f"{part.name}.jsonl"
    log = work / f"{part.name}.log"
    folder = work / part.name
    folder.mkdir(exist_ok=True)
    rows.unlink(missing_ok=True)
    command = [sys.executable, "-m", "tests.slow.child", part.name, str(rows), str(folder)]
    if quick:
        command.append("--quick")
    started = time.perf_counter()
    environment = {**os.environ, "PYTHONPATH": _path()}
    code = run_limited(command, log, part.seconds, environment)
    result["seconds"] = round(time.perf_counter() - started, 1)
    result["rows"] = _rows(rows)
    if code is None:
        return {**result, "status": "broke", "reason": f"killed after {part.seconds} s"}
    if code:
        return {**result, "status": "broke", "reason": _last_line(log)}
    outcomes = {row["outcome"] for row in result["rows"]}
    return {**result, "status": "broke" if "broke" in outcomes else "held"}


def _path() -> str:
    """PYTHONPATH with this checkout before all others."""
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    return os.pathsep.join(path for path in paths if path)


def _rows(path: Path) -> list[dict[str, Any]]:
    """The rows that were written whole."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


def _last_line(log: Path) -> str:
    """The last line of a log that says something: of a traceback, the error."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1].strip()[:300] if lines else "it said nothing"


if __name__ == "__main__":
    sys.exit(main())
