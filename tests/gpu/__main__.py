"""Measures what only a GPU can show: its parts in order of worth, each in a process of its own.

Reads weights from LOCALFAIR_WEIGHTS; writes `--out` after every part and, below `--work`, what
lets a stopped command go on. Parts that are done are not done again. Without CUDA the same code
runs at toy size on the CPU and measures nothing.
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import groupby
from pathlib import Path

from localfair.errors import nearest
from tests.gpu.machine import card_facts
from tests.gpu.parts import HALVES, Part, parts
from tests.gpu.results import Results, part_lines
from tests.gpu.runner import done
from tests.gpu.setting import Setting

LEAST = 20  # seconds: with less left no part is begun


def main(argv: list[str] | None = None) -> int:
    """Do the parts that are asked for; 1 when one of them did not come to its end."""
    given = arguments().parse_args(argv)
    results = Results(given.out)
    if given.markdown:
        print(results.markdown())
        return 0
    toy = given.toy or not card_facts()
    if toy and not given.toy:
        print("no NVIDIA card here: toy size on the CPU, which measures nothing", file=sys.stderr)
    setting = Setting(work=given.work.resolve(), data=given.data.resolve(), toy=toy)
    setting.work.mkdir(parents=True, exist_ok=True)
    chosen = [part for part in parts(toy) if _is_asked_for(part, given.half, given.parts)]
    failed = _do_all(chosen, setting, results, given.minutes)
    print(results.markdown())
    return 1 if failed else 0


def arguments() -> argparse.ArgumentParser:
    listed = "\n".join(
        f"  {part.half:8}{part.title:28}{part.seconds:5} s  {part.about}" for part in parts(False)
    )
    parser = argparse.ArgumentParser(
        prog="python -m tests.gpu",
        description=__doc__,
        epilog=f"parts:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--out", type=Path, default=Path("gpu.json"), help="parts are added or replaced here"
    )
    parser.add_argument(
        "--half", choices=HALVES, help="the parts of one half hour; all when left out"
    )
    parser.add_argument(
        "--parts", nargs="+", type=_name, metavar="NAME", help="these parts alone, in their order"
    )
    parser.add_argument(
        "--work", type=Path, default=Path("gpu-work"), help="state; the same folder goes on"
    )
    parser.add_argument(
        "--data", type=Path, default=Path("data"), help="the folder that holds svamp/ as published"
    )
    parser.add_argument(
        "--minutes", type=float, help="what this command may take: a part's limit is cut to it"
    )
    parser.add_argument("--toy", action="store_true", help="toy size on the CPU, card or not")
    parser.add_argument(
        "--markdown", action="store_true", help="print the table of --out and do nothing else"
    )
    return parser


def _name(given: str) -> str:
    names = {part.name for part in parts(False)}
    if given not in names:
        raise argparse.ArgumentTypeError(f"no part is called {given!r}; {nearest(given, names)}")
    return given


def _is_asked_for(part: Part, half: str | None, names: list[str] | None) -> bool:
    if half and part.half != half:
        return False
    return not names or part.name in names


def _do_all(chosen: list[Part], setting: Setting, results: Results, minutes: float | None) -> bool:
    """Do every part that is not done; whether one did not come to its end."""
    until = time.monotonic() + 60 * minutes if minutes else float("inf")
    left_out = []
    for part in chosen:
        key = part.key(setting.toy)
        if results.is_done(key):
            print(f"{key}: done before", file=sys.stderr)
        else:
            left_out.append(part)
    ended = [
        _do_together(list(group), setting, results, until)
        for _, group in groupby(left_out, key=lambda part: part.name if part.shares else part)
    ]
    return not all(ended)


def _do_together(group: list[Part], setting: Setting, results: Results, until: float) -> bool:
    """Do parts at once, most often one; whether all came to their ends."""
    left = until - time.monotonic()
    if left < LEAST:
        for part in group:
            print(f"{part.key(setting.toy)}: left for the next command", file=sys.stderr)
        return False
    ended = True
    with ThreadPoolExecutor(len(group)) as pool:
        running = {}
        for part in group:
            seconds = min(part.seconds, left)
            print(f"{part.key(setting.toy)}: at most {seconds:.0f} s", file=sys.stderr)
            running[pool.submit(done, part, setting, seconds)] = part.key(setting.toy)
        for finished in as_completed(running):
            outcome = finished.result()
            key = running[finished]
            results.add(key, outcome)
            print("\n".join(part_lines(key, outcome.as_json())), file=sys.stderr, flush=True)
            ended = ended and outcome.status == "done"
    return ended


if __name__ == "__main__":
    sys.exit(main())
