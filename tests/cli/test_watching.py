"""How a run is watched: a panel as wide as its terminal, plain lines, lines of JSON, nothing; and
`status` from another terminal.
"""

import io
import json
import time
from dataclasses import replace

import pytest
from rich.console import Console

from localfair.cli.panel import duration, left, panel, plain, sparkline
from localfair.cli.watching import RunWatch
from localfair.pipeline.standing import Standing, StandingStep
from localfair.record.exams import ExamScore
from localfair.record.progress import Judged, LastVerdict
from tests.cli.conftest import review
from tests.cli.test_terminal import HOSTILE as CODES
from tests.cli.test_terminal import is_clean
from tests.hostile_replies import HOSTILE

HOSTILE_TEXTS = [
    *HOSTILE,
    CODES,
    "[bold red]markup[/]",
    "[/]",
    "[link=http://x]y[/link]",
    ":smile: \\[",
    "\x1b]8;;http://x\x07link\x1b]8;;\x07",
    "",
]


def step(name, state, **changes):
    values = {
        "position": 0,
        "step": name,
        "stage": name,
        "round": 1,
        "state": state,
        "calls": 0,
        "reused": 0,
        "expected": 400,
        "seconds": 60.0,
        "left": 0.0,
        "outcome": {},
    }
    return StandingStep(**values | changes)


def stands(text="Read it.", reason="mean 4.00 above 3"):
    exam = ExamScore(run="r", position=0, split="test", answers=100, right=18)
    return Standing(
        run="3f2a91c0aabb",
        recipe="fair",
        task="svamp",
        seed=0,
        status="running",
        seconds=754.0,
        steps=[
            step("exam", "done", calls=400, outcome={"right": 18, "wrong": 82}),
            step("inquire", "now", calls=212, expected=800, left=188.0),
            step("review", "to come", expected=1600, left=1500.0),
            step("train", "to come", expected=40, left=None),
        ],
        rate=3.13,
        step_left=188.0,
        run_left=1688.0,
        judged=Judged(420, 312),
        before=exam,
        after=replace(exam, right=31),
        losses=[3.0, 2.0, 1.5, 1.2, 1.1],
        last_accepted=LastVerdict(text, reason),
        last_rejected=LastVerdict(text, reason),
    )


def screen(standing, width, who="anna"):
    console = Console(record=True, width=width, force_terminal=True, file=io.StringIO())
    console.print(panel(standing, who))
    return console.export_text().splitlines()


@pytest.mark.parametrize("width", [80, 160])
def test_a_panel_fits_its_terminal_and_says_where_the_run_stands(width):
    lines = screen(stands(), width)
    assert max(map(len, lines)) <= width
    assert len(lines) == 9
    where = "fair on svamp, seed 0, run 3f2a91c0aabb, running for 13 min, about 28 min left"
    assert lines[0].startswith(where)
    assert lines[1].startswith("✓ exam ") and "right 18, wrong 82" in lines[1]
    assert "212/800 calls, 3.1 calls/s, 3 min left" in lines[2]
    assert lines[3].rstrip().endswith("at most 1600 calls, 25 min")
    assert lines[4].rstrip().endswith("at most 40 steps")
    assert lines[5].rstrip() == "accepted 312 of 420 (74%)  before 18.0% of 100  after 31.0% of 100"
    assert lines[6].startswith("loss █▄▂▁▁ 1.100") and lines[7].startswith("+ mean 4.00")


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
@pytest.mark.parametrize("width", [20, 80, 160])
def test_what_models_wrote_changes_no_line_of_a_panel(text, width):
    standing = stands(text, reason=text)
    standing = replace(standing, recipe=f"r{text}", task=text)
    lines = screen(standing, width, who=text)
    assert len(lines) == 9
    # a joiner within an emoji is a part of it
    assert all(is_clean(line.replace("\u200d", "")) for line in lines)
    assert len(list(plain(standing))) == 9
    assert is_clean("".join(plain(standing)).replace("\u200d", ""))


def test_a_step_of_several_rounds_is_told_apart_by_its_round():
    standing = stands()
    again = step("exam", "to come", round=2)
    lines = list(plain(replace(standing, steps=[*standing.steps, again])))
    assert lines[1].startswith("✓ exam 1 ") and lines[5].startswith("· exam 2 ")
    assert lines[2].startswith("▶ inquire  ")


def test_of_what_nobody_knows_the_time_is_left_out():
    standing = stands()
    assert left(standing) == "about 28 min left and the time of train"
    assert left(replace(standing, run_left=None)) == ""
    assert left(replace(standing, steps=standing.steps[:1])) == ""


def test_a_time_has_the_unit_that_suits_it():
    assert [duration(each) for each in (0, 99, 100, 7199, 7200, None)] == [
        "0 s",
        "99 s",
        "2 min",
        "120 min",
        "2.0 h",
        "?",
    ]


def test_a_sparkline_is_as_long_as_its_values_up_to_a_width():
    assert sparkline([1.0]) == "▁"
    assert sparkline([1.0, 8.0]) == "▁█"
    assert len(sparkline([float(number) for number in range(1000)], 32)) == 32


def test_a_run_with_json_has_its_events_on_stderr_and_its_report_on_stdout(desk):
    said = desk.says(*review("--json"))
    report = json.loads(said.out)
    events = [json.loads(line) for line in said.err.splitlines()]
    names = {event["event"] for event in events}
    assert {"run_begun", "step_begun", "step_ended", "note", "run_ended"} <= names
    assert {"event": "run_begun", "run": report["run"]} in events
    ended = [event for event in events if event["event"] == "step_ended"]
    assert [event["step"] for event in ended] == ["before", "exam", "inquire", "review"]
    assert sum(event["calls"] for event in ended) == report["calls"]


def test_a_quiet_run_says_nothing_but_its_report(desk):
    assert desk.says(*review("--quiet")).err == ""
    said = desk.says(*review("--quiet", "--json", "--seed", 2))
    assert said.err == "" and json.loads(said.out)["seed"] == 2
    assert desk.says(*review("--quiet", "--task", "none")).error


def test_plain_lines_have_a_rate_and_the_time_left(desk, monkeypatch):
    monkeypatch.setattr("localfair.cli.watching.PLAIN_EVERY", 0.0)
    said = desk.says(*review())
    lines = [line for line in said.err.splitlines() if line.startswith("  inquire: ")]
    assert lines and all("/s" in line and " left" in line for line in lines)
    assert any("of the run about " in line for line in lines)


def test_on_a_terminal_a_panel_is_drawn_and_steps_are_said_above_it(desk, monkeypatch, capsys):
    import sys

    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    said = desk.says(*review())
    assert said.code == 0
    assert "inquire: mistakes 4, " in said.err


def test_a_watch_that_nobody_reads_changes_no_row(desk):
    assert desk.says(*review("--db", "a.db", "--quiet")).code == 0
    assert desk.says(*review("--db", "b.db", "--json")).code == 0
    assert desk.ids("a.db")["questions"] == desk.ids("b.db")["questions"]


def test_status_shows_a_run_of_another_process_while_it_goes_on(desk):
    desk.teachers(delay=0.2)
    process = desk.start(*review("--db", "slow.db"))
    desk.until("slow.db", 9, process)
    said = desk.says("status", "--db", "slow.db")
    shown = json.loads(desk.says("status", "--db", "slow.db", "--json").out)
    assert said.code == 0 and ", running for " in said.out and "▶ inquire" in said.out
    assert shown["status"] == "running" and shown["rate"] > 0 and shown["run_left"] > 0
    process.terminate()
    desk.waits(process)
    time.sleep(0.1)
    assert ", interrupted after " in desk.says("status", "--db", "slow.db").out


def test_status_of_a_record_without_a_run_and_of_an_unknown_one_is_one_line(desk):
    assert "no database" in desk.says("status", "--db", "none.db").error
    assert desk.says(*review()).code == 0
    assert "there is no run 'abcd'" in desk.says("status", "abcd").error


def test_a_watch_outlives_a_record_that_is_not_there(desk, capsys):
    with RunWatch(desk.folder / "none.db", "plain") as watch:
        watch.progress(1, 2, "exam: anna")
        watch.say("done")
    assert capsys.readouterr().err == "done\n"
