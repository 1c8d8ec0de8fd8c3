"""Runs the benchmarks named (all when none is), prints a row for each, keeps them in one results
file.

Reads weights and data from the folders given; writes `--out` and, below `--work`, what lets a
stopped run go on.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from localfair.errors import LocalfairError, nearest
from localfair.models.requantise import TYPES
from tests.benchmarks.pairs import HEAD, Result, line
from tests.benchmarks.setting import Setting, machine

# name -> (module here, function: Setting -> rows, one line for --help)
BENCHMARKS = {
    "pipeline-over-engine": (
        "engine",
        "pipeline_over_engine",
        "the pipeline's tokens per second over its engine's",
    ),
    "batched-over-serial": (
        "engine",
        "batched_over_serial",
        "16 sequences over llama-cpp-python's calls in a loop",
    ),
    "committee": (
        "committee",
        "committee",
        "inquire and review, over the authors' order of calls; loads per stage",
    ),
    "committee-15b": (
        "committee",
        "committee_15b",
        "the same on 40 questions with the 1.5B teacher, once",
    ),
    "overhead": ("overhead", "overhead", "CPU time of a call, beside distilabel and Curator"),
    "ray": (
        "ray_dispatch",
        "overhead",
        "CPU time of a call on a Ray cluster beside the local path",
    ),
    "memory": ("memory", "memory", "resident size from 100 to 10,000 recorded generations"),
    "commits": ("commits", "commits", "rows a second, 16 in a transaction over one by one"),
    "scale": ("scale", "scale", "commands on a record ten times as large; a run given again"),
    "trl": ("sft", "beside_trl", "training beside TRL's SFTTrainer: loss, step time, memory"),
    "kd": (
        "kd",
        "beside_gkd",
        "stored soft labels beside TRL's GKDTrainer with its teacher resident",
    ),
}

# packages whose versions the table names, beside those with a dash in their name
NAMED = ("localfair", "torch", "transformers", "peft")


def main(argv: list[str] | None = None) -> int:
    """Run the benchmarks that the command line names; 1 when one did not come to its end."""
    given = arguments().parse_args(argv)
    if given.markdown:
        print(markdown(_held(given.out)))
        return 0
    given.work.mkdir(parents=True, exist_ok=True)
    os.environ["LOCALFAIR_WEIGHTS"] = str(given.models.resolve())
    setting = Setting(
        models=given.models.resolve(),
        data=given.data.resolve(),
        work=given.work.resolve(),
        pairs=given.pairs,
        small=given.small,
        type=given.type,
        reply_tokens=given.reply_tokens,
        distilabel_python=given.distilabel_python,
        curator_python=given.curator_python,
        trl_python=given.trl_python,
    )
    failed = [name for name in given.names or BENCHMARKS if not _measured(name, setting, given.out)]
    return 1 if failed else 0


def arguments() -> argparse.ArgumentParser:
    listed = "\n".join(f"  {name:22}{text}" for name, (_, _, text) in BENCHMARKS.items())
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description=__doc__,
        epilog=f"benchmarks:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", type=_name, metavar="NAME")
    parser.add_argument(
        "--models", type=Path, default=Path("models/weights"), help="the folder of the GGUF files"
    )
    parser.add_argument(
        "--data", type=Path, default=Path("data"), help="the folder of the published data sets"
    )
    parser.add_argument(
        "--work", type=Path, default=Path("benchmarks-work"), help="state; the same folder goes on"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("results.json"), help="rows are added or replaced here"
    )
    parser.add_argument(
        "--pairs", type=int, help="rounds of every benchmark, in place of its own number"
    )
    parser.add_argument(
        "--type",
        choices=sorted(TYPES),
        help="requantise the seats of `committee` and `committee-15b`",
    )
    parser.add_argument(
        "--reply-tokens", type=int, default=128, help="cap of the replies in `batched-over-serial`"
    )
    parser.add_argument(
        "--small", action="store_true", help="tiny sizes: shows that it runs, measures nothing"
    )
    parser.add_argument(
        "--distilabel-python", metavar="PATH", help="a Python with distilabel[openai]"
    )
    parser.add_argument(
        "--curator-python", metavar="PATH", help="a Python with bespokelabs-curator"
    )
    parser.add_argument(
        "--trl-python", metavar="PATH", help="a Python with trl and this checkout's packages"
    )
    parser.add_argument(
        "--markdown", action="store_true", help="print the table of --out and do nothing else"
    )
    return parser


def _name(given: str) -> str:
    if given not in BENCHMARKS:
        raise argparse.ArgumentTypeError(
            f"no benchmark is called {given!r}; {nearest(given, BENCHMARKS)}"
        )
    return given


def _measured(name: str, setting: Setting, out: Path) -> bool:
    """Run one benchmark, keeping each row as it comes; whether it came to its end."""
    module, function, _ = BENCHMARKS[name]
    print(f"\n## {name}", file=sys.stderr)
    measure: Callable[[Setting], Iterator[Result]] = getattr(
        importlib.import_module(f"tests.benchmarks.{module}"), function
    )
    try:
        for row in measure(setting):
            _keep(row, setting, out)
            print(line(row), flush=True)
            for key, value in row.details.items():
                print(f"    {key}: {value}", file=sys.stderr)
    except LocalfairError as error:
        print(f"{name} did not run: {error.message}\nhint: {error.hint}", file=sys.stderr)
        return False
    return True


def _held(out: Path) -> dict[str, Any]:
    """What the results file holds."""
    if not out.exists():
        return {"machine": {}, "rows": {}}
    held: dict[str, Any] = json.loads(out.read_text())
    return held


def _keep(row: Result, setting: Setting, out: Path) -> None:
    """Add a row to the results file, or replace it there."""
    measured_on = machine()
    kept = row.as_row()
    kept["small"] = setting.small
    kept["details"]["load_average"] = measured_on["load_average"][0]  # how busy it was at the end
    held = _held(out)
    held["machine"] = measured_on
    held["rows"][row.name] = kept
    part = out.with_suffix(".part")
    part.write_text(json.dumps(held, indent=1))
    part.replace(out)


def markdown(held: dict[str, Any]) -> str:
    """The README's table, below the machine of its last row. Rows of `--small` runs say so."""
    measured_on = _machine(held["machine"]) if held["machine"] else "no results yet"
    rows = [line(Result(**row)) for row in held["rows"].values()]
    return "\n".join([measured_on, "", HEAD, *rows])


def _machine(about: dict[str, Any]) -> str:
    """A machine in one line, with the versions that matter."""
    named = [
        f"{package} {version}"
        for package, version in about["versions"].items()
        if "-" in package or package in NAMED
    ]
    return (
        f"{about['cpu']}, {about['cores']} cores, {about['memory_gib']} GiB, {about['system']}, "
        f"Python {about['python']}; {', '.join(named)}"
    )


if __name__ == "__main__":
    sys.exit(main())
