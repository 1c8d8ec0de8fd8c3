"""A plan says what a run will ask before anything is started, and is never less than what the run then asks."""

import hashlib

import pytest

from localfair.errors import UsageError
from localfair.machine.hardware import usual_precision
from localfair.pipeline.bench import Bench, bench
from localfair.pipeline.plan import plan
from tests.lab import teacher


def seats(lab):
    """Three teachers that are three models, one of them harsh, one often wrong."""
    return tuple(
        teacher(lab.folder, f"s{n}", score=n, answer="0" if n == 4 else r"\\1") for n in (1, 4, 5)
    )


def by_step(planned):
    found = {}
    for line in planned.lines:
        recorded, calls, more = found.get(line.step, (0, 0, 0))
        found[line.step] = (recorded + line.recorded, calls + line.calls, more + line.more)
    return found


def test_before_anything_is_asked_exams_are_exact_and_the_rest_is_bounded(lab):
    found = by_step(plan(lab.order(teachers=seats(lab))))
    assert found["before"] == (0, 4, 0) and found["exam"] == (0, 8, 0)
    assert found["inquire"] == (0, 0, 8 * 6) and found["review"] == (0, 0, 8 * 12)
    assert found["after"] == (0, 4, 0)


@pytest.mark.parametrize("until", [None, "exam", "inquire"])
def test_what_a_run_then_asks_is_never_more(lab, until):
    if until:
        lab.run(teachers=seats(lab), until=until)
    planned = by_step(plan(lab.order(teachers=seats(lab))))
    ran = {s["step"]: s for s in lab.run(teachers=seats(lab))["steps"]}
    for step, (recorded, calls, more) in planned.items():
        assert (
            recorded
            <= ran[step]["reused"]
            <= ran[step]["reused"] + ran[step]["calls"]
            <= recorded + calls + more
        )
    if until == "inquire":
        assert planned["inquire"] == (8 * 6, 0, 0)


def test_a_finished_run_is_planned_at_nothing(lab):
    lab.run()
    planned = plan(lab.order())
    assert {calls + more for _, calls, more in by_step(planned).values()} == {0}
    assert planned.loads == 0 and planned.seconds == 0 and planned.training[0]["trained"]


def test_a_plan_leaves_no_trace(lab):
    plan(lab.order())
    assert not lab.db.exists()
    lab.run(until="exam")
    before = hashlib.sha256(lab.db.read_bytes()).hexdigest(), sorted(lab.folder.rglob("*"))
    plan(lab.order())
    assert (
        hashlib.sha256(lab.db.read_bytes()).hexdigest(),
        sorted(lab.folder.rglob("*")),
    ) == before


def test_time_is_known_once_every_engine_was_measured(lab):
    planned = plan(lab.order())
    assert planned.seconds is None and [name.split(" ")[1] for name in planned.unmeasured] == [
        f"(transformers/{usual_precision()})"
    ]
    bench(lab.student, lab.folder, lab.db, Bench(engines=("transformers",), batches=(4,)), str)
    assert plan(lab.order()).seconds > 0


def test_a_run_that_would_be_refused_is_refused(lab):
    with pytest.raises(UsageError, match="at least one teacher"):
        plan(lab.order(teachers=()))
