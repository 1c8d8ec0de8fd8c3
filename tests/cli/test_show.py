"""A run shows plain lines on stderr while it goes on, and its report's tables on stdout."""

import re

from localfair.cli.show import Watch, lines, span
from localfair.record.licences import Ledger
from localfair.report.findings import Accuracy, Findings, worse
from localfair.report.statistics import change_of, wilson
from tests.cli.conftest import review


def test_a_report_counts_what_the_run_made(desk):
    out = desk.says(*review()).out
    assert re.match(r"run \S+: fair on arithmetic-1, seed 0, done\n", out)
    assert "\n  mistakes 4, explanations " in out
    assert re.search(r"\n  calls \d+, from the record 0, model loads \d+\n", out)


def test_a_report_shows_what_authors_wrote_and_reviewers_gave(desk):
    out = desk.says(*review()).out
    assert re.search(r"\n +kind +who +count +accepted +right\n", out)
    assert re.search(r"\n +kind +who +count +above 3 +mean +unreadable\n", out)
    for table in ("author", "reviewer"):
        for teacher in ("teacher#0 anna", "teacher#1 bert"):
            assert re.search(rf"\n  {table} +(feedback|rationale) +{teacher} +\d+ ", out)


def test_a_report_shows_the_exam_before_with_its_interval(desk):
    out = desk.says(*review()).out
    assert re.search(r"\n  before  \d/2 right = [\d.]+%  \[95% [\d.]+% to [\d.]+%\]", out)
    assert "\n  after " not in out


def test_a_report_shows_how_long_replies_are_and_how_many_were_cut_off(desk):
    out = desk.says(*review()).out
    assert re.search(r"\n  replies \d+ tokens long, unfinished [\d.]+%\n", out)


def findings(before, after):
    """What a report finds of a student with so many of 100 answers right before and after."""
    return Findings(
        run="r",
        recipe="fair",
        task="t",
        seed=0,
        status="done",
        settings={},
        calls=0,
        reused=0,
        loads=0,
        failed_calls=0,
        questions=100,
        mistakes=0,
        explanations=0,
        reviews=0,
        accepted=0,
        lessons=9,
        own_lessons=4,
        acceptance=[],
        before=exam(before, 64.0, 0),
        after=exam(after, 22.4, 3),
        change=change_of(100, max(0, after - before), max(0, before - after)),
        worse=worse(change_of(100, max(0, after - before), max(0, before - after))),
        adapter=None,
        adapters=[],
        steps=[],
        licences=Ledger(run="r", task="t", models=(), data=()),
    )


def exam(right, tokens, unfinished):
    return Accuracy(
        step="exam",
        right=right,
        questions=100,
        accuracy=right / 100,
        interval=wilson(right, 100),
        unreadable=0,
        tokens=tokens,
        unfinished=unfinished,
    )


def test_a_student_that_came_out_worse_is_told_so_and_its_replies_are_compared():
    shown = lines(findings(before=40, after=20))
    assert "          the student came out worse than it went in, by 20.0 points" in shown
    assert shown[-1] == "  replies 64 -> 22 tokens long, unfinished 0.0% -> 3.0%"
    assert shown[1].endswith("lessons 9 (4 the student's own)")
    assert not any("came out" in line for line in lines(findings(before=20, after=40)))


def test_a_watch_without_a_terminal_prints_steps_and_no_bar(capsys):
    with Watch() as watch:
        watch.say("exam: done")
        watch.progress(1, 9, "exam: student")  # too soon for a plain line
    out, err = capsys.readouterr()
    assert (out, err) == ("", "exam: done\n")


def test_an_interval_is_two_percentages_and_nothing_where_there_is_none():
    assert span((0.1, 0.25)) == "[10.0%, 25.0%]"
    assert span((-0.1, 0.25), "+.1%") == "[-10.0%, +25.0%]"
    assert span(None) == ""
