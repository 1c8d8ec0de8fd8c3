"""What a recipe, its seats and its questions show to be wrong is said before anybody is asked."""

import pytest

from localfair.committee.seating import Seating
from localfair.errors import LocalfairError, TaskError, UsageError
from localfair.pipeline.checks import check_questions, check_weights, taking_part
from localfair.pipeline.orders import steps_until
from localfair.recipe.load import load_recipe
from localfair.tasks import get_task
from tests.lab import item

FAR = """
name = "far"
family = "x"
format = "endpoint"
url = "http://127.0.0.1:9"
served = "m"
server = "unknown"
"""


def refused(lab, recipe, *settings, until=None, **options):
    """What a run is refused with; no record was made for it."""
    with pytest.raises(LocalfairError) as error:
        lab.run(recipe, settings=settings, until=until, **options)
    assert error.value.exit_code == 2
    assert error.value.hint
    assert not lab.db.exists()
    return error.value


# -- who takes part -------------------------------------------------------------------------------


def teachers_of(lab, *indices):
    """The seats of those that a recipe names by their index."""
    recipe = load_recipe("fair", lab.folder, (f"teachers={list(indices)}",))
    order = lab.order()
    teachers = Seating(lab.folder, 0, order.options).seat("teacher", lab.teachers)
    return [member.seat.index for member in taking_part(recipe, teachers)]


def test_all_teachers_take_part_where_a_recipe_names_none(lab):
    assert teachers_of(lab) == [0, 1, 2]


def test_those_whom_a_recipe_names_keep_their_seats(lab):
    assert teachers_of(lab, 2, 0) == [0, 2]


def test_a_teacher_that_is_not_named_cannot_take_part(lab):
    with pytest.raises(UsageError, match="wants teacher 3"):
        teachers_of(lab, 0, 3)


# -- seats ----------------------------------------------------------------------------------------


def test_an_inquiry_needs_a_teacher(lab):
    assert "needs at least one teacher" in refused(lab, "fair", teachers=()).message


def test_an_exam_alone_needs_no_teacher(lab):
    assert lab.run(teachers=(), student=lab.teachers[0], until="exam")["status"] == "done"


def test_one_teacher_cannot_review_itself(lab):
    error = refused(lab, "fair", teachers=lab.teachers[:1])
    assert "this committee can give 0" in error.message
    assert "--reviewer" in error.hint


def test_one_teacher_and_a_reviewer_are_a_committee(lab):
    options = {"teachers": lab.teachers[:1], "reviewers": lab.teachers[1:2]}
    found = lab.run(until="review", student=lab.teachers[2], **options)
    assert found["status"] == "done"


def test_more_reviews_than_a_committee_can_give_are_refused(lab):
    error = refused(lab, "fair", "review.accept.min_reviews=3")
    assert "wants 3 reviews of each explanation, this committee can give 2" in error.message


def test_bound_replies_need_an_engine_that_can(lab):
    error = refused(lab, "fair", "review.constrained=true")
    assert "scripted engine of t0 cannot constrain" in error.message


def test_a_student_that_shall_say_what_is_likely_needs_an_engine_that_scores_texts(lab):
    lab.folder.joinpath("models").mkdir()
    lab.folder.joinpath("models", "far.toml").write_text(FAR)
    error = refused(lab, "fair", "select.prefer=likely", student="far", until="select")
    assert error.message == "select.prefer: the openai_http engine of far cannot score a text"
    assert "--set select.prefer=random" in error.hint


def test_a_script_cannot_be_trained_and_that_is_said_before_anything_is_asked(lab):
    error = refused(lab, "fair", student=lab.teachers[0])
    assert "cannot train a scripted student" in error.message


def test_a_recipe_with_a_mentor_needs_one(lab):
    assert "needs a mentor" in refused(lab, "mentor-kd").message


def test_a_recipe_with_a_mentor_needs_one_with_weights(lab):
    error = refused(lab, "mentor-kd", mentor=lab.teachers[0])
    assert "cannot train a scripted mentor" in error.message


@pytest.mark.parametrize(
    ("name", "settings", "teachers", "message"),
    [
        ("fair", (), 1, "wants 1 reviews of each explanation, this committee can give 0"),
        ("fair", ("teachers=[1]",), 3, "this committee can give 0"),
        ("fair", ("teachers=[7]",), 3, "wants teacher 7 (counted from 0), and 3 are named"),
        ("single-teacher", (), 0, "wants teacher 0 (counted from 0), and 0 are named"),
        ("tinyllm", ("train.loss.rationale.weights=[1, 2]",), 3, "gives 2 weights to 3 teachers"),
    ],
)
def test_bad_input_is_one_line_and_a_hint_before_anybody_is_asked(
    lab, name, settings, teachers, message
):
    error = refused(lab, name, *settings, teachers=lab.teachers[:teachers])
    assert message in error.message


def test_one_weight_for_each_teacher_is_right(lab):
    order = lab.order("tinyllm", ("train.loss.rationale.weights=[1, 2, 3]",))
    check_weights(order, steps_until(order.recipe, None))


# -- questions ------------------------------------------------------------------------------------


def test_a_task_without_train_questions_is_refused(lab):
    lab.write_questions([item(3, "test")])
    assert "no train questions" in refused(lab, "fair").message


def test_a_split_that_no_step_reads_is_not_missed(lab):
    lab.write_questions([item(3, "test")])
    found = lab.run(until="before", student=lab.teachers[0])
    assert found["status"] == "done"


def test_gold_answers_as_lessons_need_train_questions(lab):
    lab.write_questions([item(3, "test")])
    message = refused(lab, "answers-only").message
    assert "has no train questions, and select needs them" in message


def test_the_best_epoch_needs_dev_questions(lab):
    lab.write_questions([item(3, "train"), item(4, "test")])
    message = refused(lab, "fair", "train.best_epoch={}").message
    assert "has no dev questions, and train needs them" in message


def test_a_task_without_any_question_is_told_how_to_bring_them(lab):
    error = refused(lab, "fair", data=None)
    assert f"task 'table' has no questions in {lab.db}" in error.message
    assert "localfair tasks import table PATH" in error.hint


def test_questions_in_the_record_are_enough(lab):
    lab.run(until="before", student=lab.teachers[0])
    order = lab.order(data=None)
    steps = steps_until(order.recipe, None)
    check_questions(order, get_task("table"), None, steps)
    with pytest.raises(TaskError, match="no questions"):
        check_questions(order, get_task("gsm8k"), None, steps)
