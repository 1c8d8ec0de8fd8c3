"""Runs that are killed lose nothing that was committed, and ask none of it again.

A few minutes' worth at most; `python -m tests.slow reliability` does the whole.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.reliability.__main__ import missing
from tests.reliability.campaign import Tally
from tests.reliability.ledger import Ledger
from tests.reliability.results import NotTried, holds, table
from tests.reliability.server import key_of, keys_in, text_for

ROOT = Path(__file__).parents[2]
FEW = ("--ends", "16", "--seconds", "9")


def test_killed_runs_lose_nothing_committed_and_ask_none_of_it_again(tmp_path):
    written = tmp_path / "tallies.json"
    command = [sys.executable, "-m", "tests.reliability", *FEW, "--json", str(written)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    tallies = json.loads(written.read_text())["tallies"]
    assert [(tally["engine"], tally["at_once"]) for tally in tallies] == [
        ("scripted", 1),
        ("scripted", 16),
        ("http", 1),
        ("http", 16),
    ]
    for tally in tallies:
        assert (tally["lost"], tally["asked_again"], tally["broken"]) == (0, 0, [])
        assert tally["kills"] > 0
        assert tally["arrived_lost"] <= tally["bound"]
    assert sum(tally["at_moments"] for tally in tallies) > 0


# -- the counting itself ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "worse",
    [
        {"lost": 1},
        {"asked_again": 1},
        {"arrived_lost": 5},
        {"broken": ["what was broken"]},
        {"kills": 0},
    ],
)
def test_whatever_breaks_the_promise_is_told(worse):
    kept = {"engine": "scripted", "at_once": 2, "seed": 0, "kills": 9, "bound": 4}
    assert holds(Tally(**kept, arrived_lost=4))
    assert not holds(Tally(**kept | worse))


def test_the_table_names_what_broke_and_what_was_not_tried():
    tally = Tally(engine="http", at_once=16, seed=0, kills=3, broken=["other answers"])
    shown = table([tally], [NotTried("vllm", "the package vllm is not installed")])
    assert "| http | 16 | 3 |" in shown
    assert "http, 16 at once: other answers" in shown
    assert "vllm: not tried: the package vllm is not installed" in shown


def test_a_ledger_counts_from_a_mark(tmp_path):
    ledger = Ledger(tmp_path / "ledger")
    ledger.asked(["a", "b"])
    mark = ledger.mark()
    ledger.asked(["a"])
    ledger.answered(["a"])
    counted = ledger.since(mark)
    assert (counted.asked, counted.answered) == (["a"], ["a"])


def test_a_reply_names_the_request_that_it_answers():
    body = {"messages": [{"role": "user", "content": "What is the code?"}], "seed": 4}
    assert text_for(body) == text_for(dict(reversed(body.items())))
    assert keys_in([text_for(body), "a reply of somebody else's"]) == {key_of(body)}


def test_an_engine_that_is_not_here_is_said_to_be_missing():
    assert missing("scripted") == ""
    assert missing("vllm") in ("", "the package vllm is not installed")
