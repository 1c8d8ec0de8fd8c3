"""A clock that is set back, between runs or within one, changes nothing but the times."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.cli.conftest import review

# each time that is asked for lies an hour before the last one
BACKWARDS = """
import sys
from datetime import UTC, datetime, timedelta
from localfair.record import connection

class Clock:
    time = datetime(1999, 1, 1, tzinfo=UTC)

    @classmethod
    def now(cls, zone):
        cls.time -= timedelta(hours=1)
        return cls.time

connection.datetime = Clock
from localfair.cli import main
main(sys.argv[1:])
"""


def backwards(desk, *args):
    """A command in a process whose clock runs backwards from 1999."""
    return subprocess.run(
        [sys.executable, "-c", BACKWARDS, *map(str, args)],
        cwd=desk.folder,
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_run_begun_last_is_the_newest_with_a_clock_that_runs_backwards(desk):
    assert desk.says(*review("--db", "record.db")).code == 0
    second = backwards(desk, *review("--db", "record.db", "--seed", 7, "--json"))
    assert second.returncode == 0, second.stderr
    shown = json.loads(desk.says("report", "--db", "record.db", "--json").out)
    assert (shown["run"], shown["seed"]) == (json.loads(second.stdout)["run"], 7)
    assert "-" not in str(shown.get("seconds", ""))
    newest, *_ = desk.says("report", "--db", "record.db", "--list").out.splitlines()
    assert newest.startswith(shown["run"])
    assert desk.says("db", "verify", "--db", "record.db").err == "sound\n"
    third = json.loads(desk.says(*review("--db", "record.db", "--seed", 7, "--json")).out)
    assert third["backend_calls"] == 0
