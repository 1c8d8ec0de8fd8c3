"""Kills runs and says what was lost: `python -m tests.reliability`.

Works in memory where there is a folder for that: a kill leaves to the system what was written, so the
disk has no part in it. Power cuts are not tried. Prints a table; `--json` writes the same as data.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
import tempfile
from pathlib import Path

from localfair.engines import engine_named
from tests.reliability.campaign import Plan, campaign
from tests.reliability.process import warm_up
from tests.reliability.results import NotTried, holds, table
from tests.reliability.scene import ENGINES, SMOLLM

MEMORY = Path("/dev/shm")


def main(argv: list[str] | None = None) -> int:
    """Try what is asked for; 1 when something was lost, asked again or broken."""
    given = arguments().parse_args(argv)
    warm_up()
    seed = secrets.randbelow(10**6) if given.seed is None else given.seed
    tallies = []
    not_tried = []
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        os.environ["XDG_STATE_HOME"] = folder
        for engine in given.engine:
            reason = missing(engine)
            if reason:
                not_tried.append(NotTried(engine, reason))
                continue
            for at_once in given.at_once:
                plan = Plan(
                    engine=engine,
                    at_once=at_once,
                    ends=given.ends,
                    seconds=given.seconds,
                    seed=seed,
                )
                tallies.append(campaign(plan, Path(folder) / f"{engine}-{at_once}"))
                print(table(tallies[-1:], []), file=sys.stderr, flush=True)
    print(table(tallies, not_tried))
    print(f"\nby chance {seed}")
    if given.json:
        written = {
            "tallies": [tally.as_json() for tally in tallies],
            "not tried": {each.engine: each.reason for each in not_tried},
        }
        given.json.write_text(json.dumps(written, indent=1))
    return 0 if all(holds(tally) for tally in tallies) else 1


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.reliability", description=__doc__)
    parser.add_argument(
        "--engine", nargs="+", choices=ENGINES, default=["scripted", "http"], metavar="NAME"
    )
    parser.add_argument(
        "--at-once", nargs="+", type=int, default=[1, 16], metavar="N", help="requests under way"
    )
    parser.add_argument(
        "--ends", type=int, default=40, help="kills and signals for each engine and number at once"
    )
    parser.add_argument("--seconds", type=float, default=600.0, help="at most, for each of them")
    parser.add_argument("--seed", type=int, help="of what is left to chance")
    parser.add_argument("--json", type=Path, metavar="FILE")
    return parser


def missing(engine: str) -> str:
    """Why an engine cannot be tried here; empty where it can."""
    if engine in ("scripted", "http"):
        return ""
    spec = engine_named(engine)
    if not spec.installed:
        return f"the package {spec.package} is not installed"
    return "" if SMOLLM.exists() else f"{SMOLLM.name} is not in models/weights"


if __name__ == "__main__":
    sys.exit(main())
