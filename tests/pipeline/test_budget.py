"""A budget pays for whole questions: no run costs more, and one more would not fit."""

import re

import pytest

from localfair.errors import UsageError
from localfair.pipeline.budget import (
    Budget,
    asking_step,
    fitting,
    lesson_step,
    next_limit,
    question_costs,
    smaller,
    teacher_tokens,
    with_budget,
    with_lessons,
)
from localfair.recipe.load import load_recipe
from localfair.record.costs import Cost, costs_of
from localfair.record.store import Store
from tests.lab import item, quiet, script, scripted_student

NO_EXAM = ("before.enabled=false",)


def many(lab, count):
    """A task of `count` train questions and 6 of test."""
    questions = [item(number, "test") for number in range(100, 106)]
    questions += [item(number, "train") for number in range(106, 106 + count)]
    lab.write_questions([*questions, item(99, "dev")])


def cost_of(lab, limit):
    """What a single teacher's answers to so many train questions cost, in tokens."""
    found = lab.run("single-teacher", NO_EXAM, until="teach", train_limit=limit)
    with Store.open(lab.db) as store:
        return teacher_tokens(store, found["run"])


# -- the steps that spend -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("recipe", "step"),
    [
        ("fair", "review"),
        ("single-teacher", "teach"),
        ("mentor-kd", "teach"),
        ("answers-only", None),
    ],
)
def test_teachers_are_asked_up_to_the_last_step_that_asks_any(tmp_path, recipe, step):
    assert asking_step(load_recipe(recipe, tmp_path)) == step


def test_a_review_that_asks_nobody_spends_nothing(tmp_path):
    assert asking_step(load_recipe("fair", tmp_path, ("review.mode=none",))) == "inquire"


@pytest.mark.parametrize(
    ("recipe", "step"),
    [("fair", "select"), ("mentor-kd", "lessons"), ("single-teacher-own", "select")],
)
def test_lessons_are_counted_where_the_student_learns_them(tmp_path, recipe, step):
    assert lesson_step(load_recipe(recipe, tmp_path)) == step


def test_a_recipe_that_teaches_nothing_has_no_lessons_to_count(tmp_path):
    with pytest.raises(UsageError, match="teaches its student nothing"):
        lesson_step(load_recipe("fair", tmp_path, ("train.enabled=false",)))


# -- what is spent --------------------------------------------------------------------------------


def test_a_questions_cost_is_what_was_read_and_written_about_it(lab):
    found = lab.run(until="review", student=scripted_student(lab.folder))
    with Store.open(lab.db) as store:
        costs = question_costs(store, found["run"])
        asked = costs_of(store, found["run"])
        assert sum(costs.values()) == teacher_tokens(store, found["run"])
    assert len(costs) == 7
    assert sum(costs.values()) == sum(cost.tokens for cost in asked)


def test_what_was_in_the_record_costs_as_much_again(lab):
    student = scripted_student(lab.folder)
    first = lab.run(until="review", student=student)
    second = lab.run(until="review", student=student)
    assert second["backend_calls"] == 0
    with Store.open(lab.db) as store:
        costs = [teacher_tokens(store, found["run"]) for found in (first, second)]
    assert costs[0] == costs[1] > 0


def test_a_generation_costs_its_prompt_and_its_reply():
    cost = Cost(
        generation="g",
        question="q",
        role="teacher",
        prompt_tokens=3,
        completion_tokens=4,
    )
    assert cost.tokens == 7


@pytest.mark.parametrize(
    ("costs", "count"),
    [([5, 0, 5, 100, 1], 3), ([5, 5], 2), ([11], 0)],
)
def test_an_expensive_question_ends_what_a_budget_pays_for(costs, count):
    assert fitting(costs, 10) == count


@pytest.mark.parametrize(
    ("spent", "fewer"), [(101, 9), (120, 8), (200, 5), (10_000, None), (1100, None)]
)
def test_a_run_that_overspent_takes_fewer_questions_or_is_refused(lab, spent, fewer):
    order = lab.order("single-teacher", train_limit=10)
    budget = Budget(100)
    if fewer is not None:
        assert smaller(order, budget, spent).train_limit == fewer
        return
    with pytest.raises(UsageError, match="does not pay for one question") as refused:
        smaller(order, budget, spent)
    assert "--budget-tokens" in refused.value.hint


def test_a_budget_of_flops_names_its_own_option(lab):
    order = lab.order("single-teacher", train_limit=1)
    with pytest.raises(UsageError) as refused:
        smaller(order, Budget(1, "teacher FLOPs"), 2)
    assert "--budget-flops" in refused.value.hint


@pytest.mark.parametrize(("measured", "limit"), [(0, 16), (10, 16), (90, 9), (80, 10), (99, 9)])
def test_a_run_grows_as_the_questions_before_let_expect(measured, limit):
    assert next_limit(8, measured, 100, 1000) == limit
    assert next_limit(8, measured, 100, 9) == 9


# -- the order that a budget gives ----------------------------------------------------------------


def budgeted(lab, budget, most=None, recipe="single-teacher", **options):
    order = lab.order(recipe, NO_EXAM, **options)
    return with_budget(order, Budget(budget), most, lab.lines.append, quiet).train_limit


def test_a_budget_pays_for_as_many_whole_questions_as_fit(lab):
    many(lab, 20)
    limit = budgeted(lab, 500)
    told = lab.lines[-1]
    assert 0 < limit < 20
    cost = cost_of(lab, limit)
    assert cost <= 500 < cost_of(lab, limit + 1)
    assert told == f"{limit} train questions cost {cost} of 500 teacher tokens"


def test_a_budget_for_everything_takes_every_question_there_is(lab):
    many(lab, 20)
    assert budgeted(lab, 10**6) == 20
    assert budgeted(lab, 10**6, train_limit=5) == 5


def test_each_round_gets_its_share(lab):
    many(lab, 20)
    order = lab.order("single-teacher", (*NO_EXAM, "rounds=2"))
    limit = with_budget(order, Budget(1000), None, lab.lines.append, quiet).train_limit
    assert limit == budgeted(lab, 500)


def test_a_recipe_that_asks_nobody_takes_as_many_questions_as_the_others(lab):
    asks_nobody = {"recipe": "answers-only"}
    assert budgeted(lab, 10, most=3, **asks_nobody) == 3
    assert budgeted(lab, 10, most=3, train_limit=2, **asks_nobody) == 2
    assert budgeted(lab, 10, train_limit=5, **asks_nobody) == 5
    assert budgeted(lab, 10, **asks_nobody) is None
    assert not lab.db.exists()


def test_a_budget_too_small_for_one_question_is_refused(lab):
    with pytest.raises(UsageError, match="does not pay for one question") as refused:
        budgeted(lab, 1)
    assert "--budget-tokens" in refused.value.hint


def test_questions_are_added_until_they_give_the_lessons_wanted(lab):
    many(lab, 40)
    order = with_lessons(lab.order("single-teacher", NO_EXAM), 12, quiet)
    assert 12 <= order.train_limit < 24
    found = lab.run("single-teacher", NO_EXAM, until="select", train_limit=order.train_limit)
    assert found["lessons"] >= 12


def test_more_lessons_than_questions_give_take_them_all(lab):
    order = with_lessons(lab.order("single-teacher", NO_EXAM), 100, quiet)
    assert order.train_limit == 8


# -- teachers in turn -----------------------------------------------------------------------------

IN_TURN = (*NO_EXAM, "teach.turns=true", "teach.about=unsolved", "teachers=[]")


@pytest.fixture
def unlike(lab):
    """Three teachers with weights of their own."""
    reply = r"Each item has its own number for a code, here \\1. The answer is \\1."
    rule = f"[[rule]]\nwhen = 'code of item (\\d+)'\nreplies = [\"{reply}\"]\n"
    return tuple(script(lab.folder, name, f"# {name}\n{rule}") for name in ("one", "two", "three"))


def in_turn(lab, budget, order_on, teachers):
    settings = (*IN_TURN, f"teach.order_on={order_on}")
    order = lab.order("single-teacher", settings, teachers=teachers)
    return with_budget(order, Budget(budget), None, lab.lines.append, quiet)


def test_the_calls_that_order_the_teachers_are_in_the_budget(lab, unlike):
    many(lab, 30)
    limits = []
    for order_on in (2, 6):
        limit = in_turn(lab, 1200, order_on, unlike).train_limit
        limits.append(limit)
        settings = (*IN_TURN, f"teach.order_on={order_on}")
        found = lab.run("single-teacher", settings, "teach", train_limit=limit, teachers=unlike)
        outcome = found["steps"][-1]["outcome"]
        assert outcome["ordered_on"] == order_on
        assert outcome["rationale"] >= 3 * order_on
        with Store.open(lab.db) as store:
            assert 1100 < teacher_tokens(store, found["run"]) <= 1200
    # what is spent on the order is not there for more questions
    assert 30 > limits[0] > limits[1] > 6


def test_a_budget_that_does_not_pay_for_the_order_is_refused_with_a_smaller_one(lab, unlike):
    many(lab, 30)
    with pytest.raises(UsageError, match="rests on 20") as refused:
        in_turn(lab, 800, 20, unlike)
    [number] = re.findall(r"--set teach.order_on=(\d+)", refused.value.hint)
    assert in_turn(lab, 800, int(number), unlike).train_limit >= int(number)
