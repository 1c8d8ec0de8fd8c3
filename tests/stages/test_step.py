"""What a stage is handed: earlier steps' rows, questions, and requests in a recipe's words."""

from dataclasses import replace

import pytest

from localfair.errors import TaskError
from localfair.recipe.schema import Exam, Inquire, PerQuestion, Review, Sampling, Select
from localfair.record.tables import EXPLANATIONS, QUESTIONS
from localfair.stages.step import Done, Scope, StepRows, about
from tests.lab import item, scripted_student

ON_TRAIN = Exam(id="exam", stage="exam", split="train")
ON_TEST = Exam(id="before", stage="exam", split="test")
INQUIRE = Inquire(id="inquire", stage="inquire", write={"rationale": {}})
MORE = INQUIRE.model_copy(update={"id": "more"})


def earlier(store, step, stages, *done, split=None):
    """The ids and positions of the steps that a step reads, of those done in the order given."""
    rows = StepRows(store, "run", len(done), [Done(at, at, each) for at, each in enumerate(done)])
    return [(each.step.id, each.position) for each in rows.earlier(step, stages, split)]


def reviewing(*names):
    return Review(id="review", stage="review", input=names)


def test_a_step_that_names_no_input_reads_the_nearest_of_the_stages(store):
    assert earlier(store, reviewing(), ("inquire",), INQUIRE, MORE, ON_TRAIN) == [("more", 1)]
    assert earlier(store, reviewing(), ("inquire",), ON_TRAIN) == []


def test_of_a_named_input_the_latest_round_is_read(store):
    done = (INQUIRE, MORE, INQUIRE)
    assert earlier(store, reviewing("inquire"), ("inquire",), *done) == [("inquire", 2)]


def test_named_inputs_are_read_in_the_order_of_their_names(store):
    step = reviewing("more", "inquire", "never-done")
    assert earlier(store, step, ("inquire",), INQUIRE, MORE) == [("more", 1), ("inquire", 0)]


def test_a_named_step_of_another_stage_is_not_read(store):
    select = Select(id="select", stage="select", input=("exam",), per_question=PerQuestion())
    assert earlier(store, select, ("review", "inquire"), ON_TRAIN, INQUIRE) == []


def test_a_split_leaves_only_its_exams(store):
    exams = (ON_TRAIN, ON_TEST)
    assert earlier(store, INQUIRE, ("exam",), *exams) == [("before", 1)]
    assert earlier(store, INQUIRE, ("exam",), *exams, split="train") == [("exam", 0)]


def test_dev_is_limited_as_test_is():
    scope = Scope(seed=0, train_limit=5, test_limit=2)
    assert scope.limit("train") == 5
    assert scope.limit("dev") == scope.limit("test") == 2
    assert Scope(seed=0).limit("train") is None


def test_a_limit_takes_the_first_of_the_questions(lab):
    with lab.at("before", student=scripted_student(lab.folder)) as (work, _):
        few = replace(work, scope=Scope(0, train_limit=3))
        assert len(work.questions("train")) == 8
        assert few.questions("train") == work.questions("train")[:3]
        assert len(few.questions("test")) == 4


def test_a_split_without_questions_is_refused(lab):
    lab.write_questions([item(1, "train"), item(2, "test")])
    before = lab.at("before", student=scripted_student(lab.folder))
    with before as (work, _), pytest.raises(TaskError, match="no dev questions"):
        work.questions("dev")


def test_what_earlier_steps_linked_is_read_back_by_noun_in_the_order_of_ids(lab):
    with lab.at("exam", student=scripted_student(lab.folder)) as (work, _):
        (before,) = work.rows.done
        ids = [question.id for question in work.questions("test")]
        asked = work.rows.of(QUESTIONS, [before])
        assert [question.id for question in asked] == sorted(ids)
        assert work.rows.of(EXPLANATIONS, [before]) == []
        assert work.rows.of(QUESTIONS, []) == []


def test_kept_rows_are_stored_a_few_at_a_time_and_linked_with_their_generations(lab):
    lab.write_questions([item(number, "test") for number in range(300)] + [item(999, "dev")])
    found = lab.run(until="before", student=scripted_student(lab.folder))
    counts = "SELECT noun, COUNT(*) FROM run_rows WHERE run = ? GROUP BY noun"
    linked = lab.tuples(counts, found["run"])
    assert linked == [("answer", 300), ("generation", 300), ("question", 300)]
    assert lab.column("SELECT COUNT(*) AS n FROM answers") == [300]


def test_samples_of_one_question_are_requests_of_their_own(lab):
    with lab.at("before", student=scripted_student(lab.folder)) as (work, _):
        member = work.committee.of("student")[0]
        question = work.questions("test")[0]
        sampling = Sampling(temperature=0.7)
        requests = []
        for sample in (0, 1):
            requests.append(
                work.wording.exam_request(member, question, "rationale", sampling, sample)
            )
        assert requests[0].messages == requests[1].messages
        assert requests[0].seed != requests[1].seed
        assert requests[0].id(member.identity) != requests[1].id(member.identity)


def test_templates_are_handed_the_question_its_format_and_the_gold_answer(lab):
    with lab.at("before", student=scripted_student(lab.folder)) as (work, _):
        question = work.questions("test")[0]
        values = work.wording.values(question)
        assert values["question"] == work.task.prompt(question)
        assert values["answer_format"] == work.task.answer_format()
        assert values["hint"] == question.gold
        assert about(question) == f"question {question.key} of table"
