"""The untrained student and the form alone, as orders made from the recipe single-teacher."""

from __future__ import annotations

import pytest

from localfair.errors import UsageError
from localfair.pipeline.controls import FORMAT_ONLY, UNTRAINED, control, exam_of, lessons_of
from localfair.pipeline.orders import RunOptions
from localfair.recipe.schema import Select, Train


@pytest.fixture
def options(lab):
    def made(*settings):
        return RunOptions(
            task="table",
            student=lab.student,
            teachers=lab.teachers,
            workspace=lab.folder,
            db=lab.db,
            settings=settings,
        )

    return made


def test_the_form_is_learned_in_ten_steps_whatever_the_batch(options):
    order = control(FORMAT_ONLY, options("train.batch=4", "train.accumulation=3", "train.epochs=7"))
    steps = {type(step): step for _, step in order.recipe.steps()}
    assert steps[Select].at_most == lessons_of(order) == 12
    assert steps[Train].epochs == 10  # an epoch of twelve lessons is one step of 4 x 3


def test_the_untrained_student_sits_the_first_exam_and_has_no_teachers(options):
    order = control(UNTRAINED, options())
    assert exam_of(order) == "before"
    assert (order.teachers, order.recipe.teachers) == ((), ())


def test_no_exam_on_test_is_one_line(options):
    order = control(UNTRAINED, options("before.split=dev", "after.split=dev"))
    with pytest.raises(UsageError, match="has none on test"):
        exam_of(order)
