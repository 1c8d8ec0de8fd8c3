"""Where a run stands: steps done and to come, rates, times left, what came out so far."""

from dataclasses import replace

import pytest

from localfair.errors import UsageError
from localfair.pipeline.events import RunBegun, StepBegun, TrainedStep
from localfair.pipeline.pace import Pace
from localfair.pipeline.runs import run
from localfair.pipeline.standing import correction, left_of, standing
from localfair.record.store import Store
from tests.lab import quiet


def stands(lab, run_id=None, until=None):
    with Store.open(lab.db) as store:
        return standing(store, run_id, until)


@pytest.fixture
def watched(lab):
    """Where a run stood, and its pace, at each of its events; nothing is trained."""
    seen = []
    pace = Pace(lab.db, "review", clock=iter(range(10_000)).__next__)

    def listen(event):
        pace.listen(event)
        pace.look()
        seen.append((event, pace.standing()))

    run(lab.order(), until="review", say=quiet, progress=pace.progress, listen=listen)
    return seen


def test_while_a_step_is_done_those_before_it_are_done_and_the_rest_is_to_come(watched):
    at = {event.step: seen for event, seen in watched if isinstance(event, StepBegun)}
    states = {step.step: step.state for step in at["inquire"].steps}
    # a step has its row as soon as its stage begins
    assert states == {"before": "done", "exam": "done", "inquire": "to come", "review": "to come"}
    expected = {step.step: step.expected for step in at["inquire"].steps}
    # 8 mistakes of the exam, two kinds of explanation by each of 3 teachers, two reviewers of each
    assert expected == {"before": 4, "exam": 8, "inquire": 48, "review": 96}


def test_events_come_in_the_order_of_the_steps(watched):
    names = [event.name for event, _ in watched]
    assert names == ["run_begun", *["step_begun", "step_ended"] * 4, "run_ended"]
    *_, (ended, _), _ = watched
    assert ended.data()["outcome"]["explanations"] == 48
    assert ended.data()["calls"] == ended.row.calls > 0


def test_a_run_that_is_done_has_nothing_to_come_and_no_time_left(lab):
    lab.run(until="review")
    now = stands(lab)
    assert [step.state for step in now.steps] == ["done"] * 4
    assert (now.status, now.now, now.run_left) == ("done", None, 0)
    assert now.judged.judged == 48
    assert now.judged.accepted == lab.column("SELECT SUM(accepted) FROM verdicts")[0]
    assert now.last_accepted.text and now.before.answers == 4


def test_a_run_begun_last_is_shown_where_none_is_named(lab):
    first = lab.run(until="before")["run"]
    second = lab.run(until="before", seed=1)["run"]
    assert stands(lab).run == second
    assert stands(lab, first[:6]).run == first
    with pytest.raises(UsageError, match="there is no run"):
        stands(lab, "000000000")


def test_a_record_without_a_run_is_refused(store):
    with pytest.raises(UsageError, match="holds no run"):
        standing(store, None)


def test_a_run_of_a_version_with_another_vocabulary_is_shown_without_what_is_to_come(lab):
    lab.run(until="before")
    with Store.open(lab.db, create=True) as store:
        store.db.execute("UPDATE runs SET effective = '{}'")
    assert [step.step for step in stands(lab).steps] == ["before"]


def test_times_are_corrected_by_what_steps_took(lab):
    lab.run(until="exam")
    steps = stands(lab).steps
    from localfair.pipeline.estimates import Expected

    took = sum(step.seconds for step in steps)
    twice = {step.position: Expected(step.calls, step.seconds / 2) for step in steps}
    assert correction(steps, twice) == pytest.approx(2) or took == 0
    assert correction(steps, {}) == 1
    assert left_of([]) == 0


def test_a_step_that_asks_nobody_does_not_say_how_long_the_others_take(lab):
    lab.run(until="before")
    [asking] = stands(lab).steps
    unknown = replace(asking, state="to come", expected=8, left=None)
    select = replace(unknown, expected=0, left=0.0)
    assert left_of([unknown, select]) is None
    assert left_of([replace(unknown, left=5.0), unknown, select]) == 5.0
    assert left_of([select]) == 0


def test_a_pace_is_replies_over_time_and_what_was_recorded_counts_for_nothing(lab):
    time = [0.0]
    pace = Pace(lab.db, clock=lambda: time[0])
    pace.listen(RunBegun("r"))
    pace.listen(StepBegun(0, "exam", "exam", 1))
    assert pace.rate is None
    for done, now in ((51, 2.0), (52, 4.0), (53, 6.0)):
        time[0] = now
        pace.progress(done, 100, "exam: student")
    assert pace.rate == pytest.approx(0.5)
    assert pace.who == "student"
    # the same step asks others: counted anew
    time[0] = 8.0
    pace.progress(1, 10, "exam: anna")
    assert pace.rate == pytest.approx(1 / 2)


def test_the_rate_of_a_training_leaves_out_what_its_first_step_waited_for(lab):
    time = [0.0]
    pace = Pace(lab.db, clock=lambda: time[0])
    pace.listen(RunBegun("r"))
    pace.listen(StepBegun(1, "train", "train", 1))
    rates = []
    for number, now in ((1, 48.0), (2, 50.0), (3, 52.0)):
        time[0] = now
        pace.progress(number, 60, "train: loss 1.000")
        pace.listen(TrainedStep(number, 60, 1.0))
        rates.append(pace.rate)
    assert rates == [None, 0.5, 0.5]


def test_losses_of_a_training_are_seen_while_it_goes_on(lab):
    run_id = lab.run(until="before")["run"]
    pace = Pace(lab.db)
    pace.listen(RunBegun(run_id))
    pace.listen(StepBegun(1, "train", "train", 1))
    pace.look()
    for number, loss in enumerate((2.0, 1.0), 1):
        pace.listen(TrainedStep(number, 2, loss))
    assert pace.standing().losses == [2.0, 1.0]


def test_a_record_that_cannot_be_read_is_passed_over(tmp_path):
    pace = Pace(tmp_path / "none.db")
    pace.listen(RunBegun("r"))
    pace.look()
    assert pace.standing() is None
    assert pace.event().run_left is None
