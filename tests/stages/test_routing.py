"""Who solved none of the questions most alike to one is not asked about it."""

import json

import pytest

from localfair.errors import RecipeError
from localfair.pipeline.plan import plan
from localfair.pipeline.reading import verify_record
from localfair.record.made import Turn, Turns
from localfair.record.nouns import Question
from localfair.record.store import Store
from localfair.stages.routing import Router
from tests.lab import item, script, scripted_student
from tests.stages.test_turns import in_task_order, inquire, turns

RIVER = "How far does river {} run from its spring to the sea?"
COIN = "A coin shows heads. Person {} turns it over. Which side is up now?"


def question(text):
    return Question(task="table", key=text, split="train", text=text, gold="1", choices=())


RIVERS = [question(RIVER.format(number)) for number in range(3)]
COINS = [question(COIN.format(number)) for number in range(3)]
MEASURED = [RIVERS[0], COINS[0], RIVERS[1], COINS[1]]


def solved(*questions):
    return tuple(sorted(question.id for question in questions))


def turns_of(*teachers):
    return Turns(inputs="all", task="table", questions=4, teachers=teachers)


def router(*teachers, nearest=2):
    return Router(turns_of(*teachers), MEASURED, nearest)


SPECIALISTS = (
    Turn("rivers", 2, 100, solved(*MEASURED[::2])),
    Turn("coins", 2, 200, solved(*MEASURED[1::2])),
)


def test_each_kind_of_question_goes_to_who_solved_that_kind():
    routed = router(*SPECIALISTS)
    assert routed.seats(RIVERS[2]) == ["rivers"]
    assert routed.seats(COINS[2]) == ["coins"]


def test_a_kind_that_nobody_solved_goes_to_nobody():
    assert router(SPECIALISTS[0]).seats(COINS[2]) == []


def test_of_several_who_solved_more_of_them_for_a_token_goes_first():
    dear = Turn("dear", 4, 1000, solved(*MEASURED))
    cheap = Turn("cheap", 1, 100, solved(RIVERS[0]))
    routed = router(dear, cheap)
    assert routed.seats(RIVERS[2]) == ["cheap", "dear"]  # 1 in 100 before 2 in 1000
    assert routed.seats(COINS[2]) == ["dear"]


def test_of_equal_ones_the_earlier_turn_goes_first():
    same = [Turn(name, 2, 100, solved(*RIVERS[:2])) for name in ("b", "a")]
    assert router(*same).seats(RIVERS[2]) == ["b", "a"]


@pytest.mark.parametrize("nearest", [0, 4, 9])
def test_with_all_of_them_or_none_everybody_who_solved_any_is_asked(nearest):
    seats = router(*SPECIALISTS, nearest=nearest).seats(RIVERS[2])
    assert seats == ["rivers", "coins"]


def test_nearest_0_asks_also_who_solved_nothing():
    nobody = Turn("nobody", 0, 100)
    assert router(nobody, nearest=0).seats(RIVERS[2]) == ["nobody"]
    assert router(nobody).seats(RIVERS[2]) == []


def test_a_word_in_every_question_says_less_than_a_rare_one():
    """The likeness is in the rare word, however many common ones another question shares."""
    common = "is it so that the answer to it is"
    measured = [question(f"{common} {word}?") for word in ("basalt", "ebony", "cotton")]
    teacher = Turn("stones", 1, 10, solved(measured[0]))
    routed = Router(turns_of(teacher), measured, 1)
    assert routed.seats(question("basalt?")) == ["stones"]
    assert routed.seats(question("is it cotton?")) == []


def test_a_question_that_shares_no_word_goes_by_the_first_ones():
    assert router(*SPECIALISTS).seats(question("???")) == ["rivers", "coins"]


# -- in a run -------------------------------------------------------------------------------------

ROUTED = ("inquire.turns=true", "inquire.about=questions", "inquire.write={ rationale = {} }")
ROUTED = (*ROUTED, "inquire.order_on=6", "inquire.nearest=2")


def two_kinds(lab):
    """Six of each kind in turn, of which the first six say who knows what; a scripted teacher of
    each, and one that knows nothing.
    """
    rows = [item(8, "dev"), item(9, "test")]
    for number in range(4001, 4010):
        rows.append({"question": RIVER.format(number), "answer": str(number), "split": "train"})
        rows.append({"question": COIN.format(number), "answer": str(number), "split": "train"})
    lab.write_questions(rows)
    teachers = [knowing(lab, "rivers", "river"), knowing(lab, "coins", "Person")]
    return (*teachers, knowing(lab, "none", "nothing of"))


def knowing(lab, name, word):
    rules = (
        f"[[rule]]\nwhen = '{word} (\\d+)'\nreplies = ['It is known that 1 + 1 = 2. The answer is \\1.']\n"
        "[[rule]]\nwhen = ''\nreplies = ['It is known that 1 + 1 = 2. The answer is 0.']\n"
    )
    return script(lab.folder, name, rules)


def asked(lab):
    """By model, how many questions it wrote about."""
    return dict(
        lab.tuples(
            "SELECT s.model, COUNT(DISTINCT e.question) FROM explanations e JOIN seats s ON s.id = e.seat "
            "GROUP BY s.model"
        )
    )


def test_a_run_asks_each_teacher_about_what_it_knows(lab):
    outcome, found = inquire(lab, *ROUTED, teachers=two_kinds(lab))
    first = in_task_order(lab)[:6]
    with Store.open(lab.db) as store:
        texts = [each.text for each in store.questions("table", "train")]
    rivers = sum("river" in text for text in texts)
    assert 0 < sum("river" in text for text in texts[:6]) < 6
    assert asked(lab)["none"] == len(first)
    assert outcome["rationales_right"] == len(texts) == 18
    assert asked(lab)["rivers"] <= rivers + len(first)
    assert sum(asked(lab).values()) == 18 - 6 + 3 * 6  # beyond the first ones, one teacher each
    assert outcome["unasked"] == 0
    assert found["steps"][-1]["loads"] <= 6


def test_what_nobody_knows_is_left_to_the_student_and_said(lab):
    rivers, _, none = two_kinds(lab)
    outcome, _ = inquire(lab, *ROUTED, teachers=(rivers, none))
    assert outcome["unasked"] == outcome["still_unsolved"] - coins_of_the_first(lab) > 0


def coins_of_the_first(lab):
    with Store.open(lab.db) as store:
        return sum("coin" in each.text for each in store.questions("table", "train", 6))


def test_who_knew_what_is_frozen_and_a_finished_run_asks_nobody(lab):
    teachers = two_kinds(lab)
    inquire(lab, *ROUTED, teachers=teachers, train_limit=8)
    before = turns(lab)
    outcome, longer = inquire(lab, *ROUTED, teachers=teachers)
    assert turns(lab) == before
    assert longer["steps"][-1]["calls"] == 10
    again, found = inquire(lab, *ROUTED, teachers=teachers)
    assert (again, found["backend_calls"]) == (outcome, 0)
    [[recorded]] = lab.tuples("SELECT teachers FROM turns")
    with Store.open(lab.db) as store:
        first = {each.id for each in store.questions("table", "train", 6)}
    for _, right, _, *questions in json.loads(recorded):
        assert len(questions) == right
        assert set(questions) <= first
    assert verify_record(lab.db).problems == []


@pytest.mark.parametrize("limit", [4, 6, 18])
@pytest.mark.parametrize("begun", [None, 5, 8])
def test_a_run_asks_no_more_than_its_plan_says(lab, limit, begun):
    options = {"student": scripted_student(lab.folder), "teachers": two_kinds(lab)}
    if begun:
        lab.run(settings=ROUTED, until="inquire", train_limit=begun, **options)
    planned = plan(lab.order(settings=ROUTED, train_limit=limit, **options), until="inquire")
    most = sum(line.most_calls for line in planned.lines)
    loads = sum(line.loads for line in planned.lines if line.step == "inquire")
    found = lab.run(settings=ROUTED, until="inquire", train_limit=limit, **options)
    assert found["backend_calls"] <= most
    assert found["steps"][-1]["loads"] <= loads


def test_nearest_about_mistakes_is_an_error(lab):
    with pytest.raises(RecipeError, match="1 problem") as problem:
        lab.order(settings=(*ROUTED, "inquire.about=mistakes"))
    assert "nearest: it looks at the first questions" in problem.value.problems[0]
