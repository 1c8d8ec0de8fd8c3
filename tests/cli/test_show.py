"""A run shows plain lines on stderr while it goes on, and its report's tables on stdout."""

import re

from localfair.cli.show import Watch, span
from tests.cli.conftest import review


def test_a_report_counts_what_the_run_made(desk):
    out = desk.says(*review()).out
    assert re.match(r"run \S+: fair on arithmetic-1, seed 0, done\n", out)
    assert "\n  mistakes 4, explanations " in out
    assert re.search(r"\n  calls \d+, from the record 0, model loads \d+\n", out)


def test_a_report_shows_what_authors_wrote_and_reviewers_gave(desk):
    out = desk.says(*review()).out
    assert re.search(r"\n +kind +who +count +accepted +answer right\n", out)
    assert re.search(r"\n +kind +who +count +above 3 +mean +unreadable\n", out)
    for table in ("author", "reviewer"):
        for teacher in ("teacher#0 anna", "teacher#1 bert"):
            assert re.search(rf"\n  {table} +(feedback|rationale) +{teacher} +\d+ ", out)


def test_a_report_shows_the_exam_before_with_its_interval(desk):
    out = desk.says(*review()).out
    assert re.search(r"\n  before  \d/2 right = [\d.]+%  \[95% [\d.]+% to [\d.]+%\]", out)
    assert "\n  after " not in out


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
