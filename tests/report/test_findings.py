"""What a run's report says, checked against the rows it was made from."""

import pytest

from localfair.errors import UsageError
from localfair.record.nouns import Seat
from localfair.record.runs import runs
from localfair.record.store import Store
from localfair.report.findings import compared_exams, latest_run, report, seat_name, worse
from localfair.report.statistics import change_of
from tests.lab import always, teacher


def rows_of(findings, what):
    return [row for row in findings["acceptance"] if row["what"] == what]


def test_a_report_counts_the_rows_of_its_run(lab):
    findings = lab.run(until="select")
    count = "SELECT COUNT(*) AS n FROM"
    assert findings["explanations"] == lab.rows(f"{count} explanations")[0]["n"]
    assert findings["reviews"] == lab.rows(f"{count} reviews")[0]["n"]
    assert findings["lessons"] == lab.rows(f"{count} lessons WHERE dropped IS NULL")[0]["n"]
    assert findings["mistakes"] == lab.rows(f"{count} mistakes")[0]["n"]
    assert findings["calls"] == sum(step["calls"] for step in findings["steps"])


def test_calls_have_their_old_name_beside_the_new_one(lab):
    findings = lab.run(until="exam")
    assert findings["backend_calls"] == findings["calls"] > 0


def test_acceptance_is_told_by_kind_and_author(lab):
    seats = (*lab.teachers[:2], teacher(lab.folder, "wrong", answer="0"))
    findings = lab.run(teachers=seats, until="review")
    authors = rows_of(findings, "author")
    rationales = [row for row in authors if row["kind"] == "rationale"]
    names = [row["who"] for row in rationales]
    assert names == ["all", "teacher#0 t0", "teacher#1 t1", "teacher#2 wrong"]
    together, *each = rationales
    for key in ("count", "accepted", "right"):
        assert together[key] == sum(row[key] for row in each)
    assert together["right"] < together["count"]


def test_a_feedback_has_no_answer_that_could_be_right(lab):
    authors = rows_of(lab.run(until="review"), "author")
    feedbacks = [row for row in authors if row["kind"] == "feedback"]
    assert feedbacks
    assert {row["right"] for row in feedbacks} == {None}


def test_reviewers_are_told_with_their_mean_and_how_often_they_were_for(lab):
    strict = teacher(lab.folder, "strict", score=2)
    reviewers = rows_of(lab.run(teachers=(*lab.teachers[:1], strict), until="review"), "reviewer")
    by_name = {row["who"]: row for row in reviewers if row["kind"] == "rationale"}
    assert by_name["teacher#1 strict"]["mean"] == 2
    assert by_name["teacher#1 strict"]["above_3"] == 0
    assert by_name["teacher#0 t0"]["above_3"] == by_name["teacher#0 t0"]["count"]


def test_a_run_that_ended_before_its_second_exam_has_no_change(lab):
    findings = lab.run(until="exam")
    assert findings["before"]["questions"] == 4
    assert findings["after"] is findings["change"] is findings["adapter"] is None


def test_a_run_before_its_first_exam_has_no_accuracy(lab):
    findings = lab.run(settings=("before.enabled=false",), until="exam")
    assert findings["before"] is None


def test_accuracy_is_of_the_exam_on_test_alone(lab):
    findings = lab.run(until="exam")
    with Store.open(lab.db) as store:
        [exam] = compared_exams(store, findings["run"], store.steps(findings["run"]))
        asked = store.questions("table", "test")
    assert exam.step == "before"
    assert exam.right.keys() == {question.id for question in asked}
    assert findings["before"]["accuracy"] == sum(exam.right.values()) / 4


def test_an_exam_tells_how_long_its_replies_are_and_how_many_were_cut(lab):
    long = always(lab.folder, "long", r"The answer is \1, and so on and on and on and on.")
    cut = lab.run(until="before", student=long)["before"]
    assert (cut["tokens"], cut["unfinished"]) == (8, 4)  # FAST asks for eight words
    whole = ("before.sampling.max_tokens=40",)
    ended = lab.run(until="before", student=long, settings=whole)["before"]
    assert (ended["tokens"], ended["unfinished"]) == (13, 0)


def test_a_student_that_came_out_worse_is_told_so_in_words():
    assert worse(change_of(100, gained=2, lost=20)) == (
        "the student came out worse than it went in, by 18.0 points"
    )
    assert worse(change_of(100, gained=5, lost=7)) == (
        "the student came out 2.0 points below where it went in; "
        "the interval holds 0, so that may be chance"
    )


@pytest.mark.parametrize(("gained", "lost"), [(0, 0), (3, 3), (9, 1)])
def test_a_student_that_came_out_no_worse_is_not(gained, lost):
    assert worse(change_of(100, gained=gained, lost=lost)) is None
    assert worse(None) is None


def test_runs_are_listed_newest_first(lab):
    first = lab.run(until="before")["run"]
    second = lab.run(until="before")["run"]
    with Store.open(lab.db) as store:
        assert [run.id for run in runs(store)] == [second, first]
        assert latest_run(store) == second


def test_a_run_that_is_not_there_is_refused(store):
    with pytest.raises(UsageError, match="there is no run 'none'"):
        report(store, "none")
    with pytest.raises(UsageError, match="holds no run"):
        latest_run(store)


def test_a_seat_is_named_by_role_index_and_model():
    seat = Seat(role="teacher", index=0, model="m", fingerprint="f")
    assert seat_name(seat) == "teacher#0 m"
