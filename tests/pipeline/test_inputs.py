"""A run given again: nothing is built that did not change, and whatever did change is built anew."""

from dataclasses import replace

import pytest

from localfair.errors import Interrupted
from localfair.export.lessons import as_json_lines
from localfair.pipeline.reading import verify_record
from localfair.pipeline.rehearsal import rehearse
from localfair.pipeline.runs import run
from localfair.recipe.prompts import Prompts
from localfair.record.gc import collect
from localfair.record.nouns import Request
from localfair.record.steps import note_readings
from localfair.record.store import Store
from localfair.report.reviewers import reviewers
from localfair.tasks import get_task
from localfair.tasks.table_rows import TableReader
from tests.lab import Lab, always, item, quiet, scripted_student
from tests.pipeline.counting import counted

TAKEN_OVER = """
SELECT s.step FROM done_steps d JOIN run_steps s ON s.run = d.run AND s.position = d.position
WHERE d.run = ? AND d.first_run <> d.run ORDER BY d.position
"""
LATEST = "SELECT id FROM runs ORDER BY rowid DESC LIMIT 1"
STEPS = ["before", "exam", "inquire", "review", "select"]
COSTS = ("run", "calls", "backend_calls", "reused", "loads", "steps")


@pytest.fixture
def untrained(tmp_path):
    """A laboratory whose student is a script: its runs end with the lessons."""
    return Lab(tmp_path, scripted_student(tmp_path))


def select(lab, **options):
    """A run up to the lessons; the steps that it took over."""
    found = lab.run(until="select", **options)
    return lab.column(TAKEN_OVER, found["run"])


# -- unchanged ------------------------------------------------------------------------------------


def test_a_run_given_again_builds_no_request(untrained):
    with counted(Prompts.render, Request.id) as first:
        untrained.run(until="select")
    with counted(Prompts.render, Request.id) as again:
        assert select(untrained) == STEPS
    assert min(first.values()) > 0
    assert set(again.values()) == {0}


def test_a_run_given_again_reads_no_file_that_did_not_change(untrained, monkeypatch):
    first = untrained.run(until="select")
    with counted(TableReader.read) as again:
        untrained.run(until="select")
    assert set(again.values()) == {0}
    untrained.write_questions([item(4017, "train")])
    with counted(TableReader.read) as changed:
        found = untrained.run(until="select")
    assert set(changed.values()) == {1}
    assert found["before"] == first["before"]


def test_a_record_that_lost_its_note_of_a_file_reads_it_again(untrained):
    untrained.run(until="select")
    with Store.open(untrained.db, create=True) as store:
        store.db.execute("DELETE FROM imports")
    with counted(TableReader.read) as again:
        untrained.run(until="select")
    assert set(again.values()) == {1}


def test_a_generated_task_is_asked_with_the_seed_that_it_was_imported_with(untrained):
    made = get_task("arithmetic-1").generate(seed=1)
    with Store.open(untrained.db, create=True) as store:
        store.ensure_dataset("arithmetic-1", made)
    untrained.run("answers-only", until="before", task="arithmetic-1", data=None, test_limit=2)
    keys = {question.id for question in made.questions}
    assert set(untrained.column("SELECT id FROM questions")) == keys
    asked = untrained.column("SELECT DISTINCT question FROM answers")
    assert len(asked) == 2
    assert keys.issuperset(asked)


def test_its_report_is_that_of_the_first(untrained):
    first = untrained.run(until="select")
    said = untrained.lines[:]
    second = untrained.run(until="select")
    licences = [report.pop("licences") | {"run": ""} for report in (first, second)]
    assert licences[0] == licences[1]
    for name in first.keys() - set(COSTS):
        assert second[name] == first[name], name
    assert second["calls"] == second["loads"] == 0
    assert second["reused"] == first["calls"] + first["reused"]
    outcomes = [[step["outcome"] for step in report["steps"]] for report in (first, second)]
    assert outcomes[0] == outcomes[1]
    # how the answers of the file were read is said when they are new to the record
    counts = [line.split(" (")[0] for line in said if not line.startswith("answers: ")]
    assert [line.split(" (")[0] for line in untrained.lines[len(said) :]] == counts


def test_reviewers_and_lessons_of_both_are_the_same(untrained):
    runs = [untrained.run(until="select")["run"] for _ in range(2)]
    with Store.open(untrained.db) as store:
        assert as_json_lines(store, runs[0]) == as_json_lines(store, runs[1])
        first, second = [reviewers(store, run_id) for run_id in runs]
    assert runs[0] != runs[1]
    assert first == second


def test_no_link_is_copied_and_the_record_stays_sound(untrained):
    select(untrained)
    [links] = untrained.column("SELECT COUNT(*) FROM run_rows")
    for _ in range(2):
        assert select(untrained) == STEPS
    assert untrained.column("SELECT COUNT(*) FROM run_rows") == [links]
    assert verify_record(untrained.db).problems == []


def test_what_both_rest_on_is_no_garbage(untrained):
    select(untrained)
    select(untrained)
    with Store.open(untrained.db, create=True) as store:
        assert collect(store, dry_run=False).generations == 0
    assert select(untrained) == STEPS
    assert verify_record(untrained.db).problems == []


def test_a_plan_after_it_finds_everything_recorded(untrained):
    select(untrained)
    select(untrained)
    for step in rehearse(untrained.order(), until="select"):
        assert step.unanswered() == []


def test_an_interrupted_run_goes_on_behind_the_steps_that_it_did(untrained):
    def stop(done, total, label):
        if label.startswith("review") and done == 5:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted):
        run(untrained.order(), until="select", say=quiet, progress=stop)
    assert select(untrained) == ["before", "exam", "inquire"]
    assert select(untrained) == STEPS


def test_a_trained_student_takes_its_seat_again(lab):
    first = lab.run()
    second = lab.run()
    assert lab.column(TAKEN_OVER, second["run"]) == [*STEPS, "train", "after"]
    for name in ("adapter", "adapters", "before", "after", "change", "lessons"):
        assert second[name] == first[name]
    assert verify_record(lab.db).problems == []


def test_lost_weights_are_trained_anew(lab):
    adapter = lab.run()["adapter"]
    (lab.db.parent / adapter["path"] / "adapter_model.safetensors").unlink()
    second = lab.run()
    assert "train" not in lab.column(TAKEN_OVER, second["run"])
    assert second["adapter"]["id"] == adapter["id"]
    assert verify_record(lab.db).problems == []


# -- changed --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "unchanged"),
    [
        # nothing is learned from an exam on test
        ("before.sampling.max_tokens=9", STEPS[1:]),
        ("exam.samples=2", ["before"]),
        ("exam.sampling.temperature=0.5", ["before"]),
        ("exam.unreadable_is=format", ["before"]),
        ("inquire.sampling.temperature=0.3", ["before", "exam"]),
        ("inquire.write.feedback.gold=false", ["before", "exam"]),
        ("review.accept.mean_above=4", ["before", "exam", "inquire"]),
        ("review.exhaustive=true", ["before", "exam", "inquire"]),
        ("select.unique=false", ["before", "exam", "inquire", "review"]),
        ("train.epochs=3", STEPS),
    ],
)
def test_another_setting_makes_its_step_anew_and_those_that_rest_on_it(
    untrained, setting, unchanged
):
    select(untrained)
    assert select(untrained, settings=(setting,)) == unchanged


@pytest.mark.parametrize("options", [{"seed": 1}, {"train_limit": 3}, {"test_limit": 2}])
def test_another_seed_or_limit_makes_everything_anew(untrained, options):
    select(untrained)
    assert select(untrained, **options) == []
    assert select(untrained, **options) == STEPS


def test_other_weights_make_everything_anew(untrained):
    select(untrained)
    always(untrained.folder, "t0", r"Another one has code \\1. The answer is \\1.")
    assert select(untrained) == []


def test_other_seats_make_everything_anew(untrained):
    select(untrained)
    assert select(untrained, teachers=untrained.teachers[::-1]) == []
    assert select(untrained, reviewers=untrained.teachers[:2]) == []


def test_another_question_makes_everything_anew(untrained):
    select(untrained)
    rows = [item(number, "test" if number % 3 == 1 else "train") for number in range(4011, 4024)]
    untrained.write_questions([*rows, item(99, "dev")])
    assert select(untrained) == []


@pytest.mark.parametrize("name", ["ask-rationale", "write-feedback", "review-rationale"])
def test_another_prompt_makes_everything_anew(untrained, name):
    select(untrained)
    ordered = untrained.order()
    prompts = ordered.recipe.prompts | {name: ordered.recipe.prompts[name] + "\nTake your time."}
    recipe = ordered.recipe.model_copy(update={"prompts": prompts})
    other = run(replace(ordered, recipe=recipe), until="select", say=quiet, progress=quiet)
    assert untrained.column(TAKEN_OVER, other) == []


def test_another_solution_of_a_question_makes_everything_anew(untrained):
    select(untrained)
    with Store.open(untrained.db, create=True) as store, store.transaction():
        [first, *_] = store.first_column("SELECT id FROM questions WHERE rationale <> ''")
        store.rewrite("questions", first, {"rationale": "It stands there."})
    assert select(untrained) == []


def test_readings_that_changed_make_everything_anew(untrained):
    select(untrained)
    with Store.open(untrained.db, create=True) as store, store.transaction():
        note_readings(store)
    assert select(untrained) == []
    assert select(untrained) == STEPS


@pytest.mark.parametrize(
    ("name", "value"),
    [("READER_VERSION", 99), ("source_hash", lambda: "other"), ("usual_precision", lambda: "nf4")],
)
def test_another_localfair_makes_everything_anew(untrained, monkeypatch, name, value):
    select(untrained)
    monkeypatch.setattr(f"localfair.pipeline.inputs.{name}", value)
    assert select(untrained) == []
