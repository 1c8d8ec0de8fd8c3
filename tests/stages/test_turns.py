"""Teachers are asked one after another, each only about what nobody before it answered right."""

import json

import pytest

from localfair.errors import CallsFailed
from localfair.pipeline.reading import verify_record
from localfair.pipeline.runs import run
from localfair.recipe.load import copy_recipe
from localfair.record.store import Store
from tests.lab import item, quiet, script, scripted_student

IN_TURN = (
    "inquire.turns=true",
    "inquire.about=unsolved",
    "inquire.write={ rationale = {} }",
    "inquire.order_on=3",
)


def knowing(lab, name, numbers, words=0):
    """A teacher that is right about the items whose numbers match, in so many words more."""
    more = "It is known that 1 + 1 = 2. " + "so " * words
    rules = (
        f"[[rule]]\nwhen = 'code of item ({numbers})'\nreplies = ['{more}The answer is \\1.']\n"
        "[[rule]]\nwhen = ''\nreplies = ['The answer is 0.']\n"
    )
    return script(lab.folder, name, rules)


def committee(lab):
    """The first is right about a few and says little, the second about all and says much, the
    third about none.
    """
    few = knowing(lab, "few", "401[1-4]|4020", words=1)
    return (knowing(lab, "none", "7"), knowing(lab, "all", r"\d+", words=200), few)


def inquire(lab, *settings, **options):
    """What came out of an inquiry in turn, by a scripted student."""
    usual = {"student": scripted_student(lab.folder), "teachers": committee(lab)}
    found = lab.run(settings=(*IN_TURN, *settings), until="inquire", **usual | options)
    return found["steps"][-1]["outcome"], found


def in_task_order(lab):
    with Store.open(lab.db) as store:
        return [question.id for question in store.questions("table", "train")]


def written(lab):
    """By model, the questions that it wrote about and whether it was right."""
    rows = lab.tuples(
        "SELECT s.model, e.question, e.grade FROM explanations e JOIN seats s ON s.id = e.seat"
    )
    by_model = {"none": {}, "all": {}, "few": {}}
    for model, question, grade in rows:
        by_model[model][question] = grade == "right"
    return by_model


def solved_by_student(lab):
    sql = "SELECT a.question FROM answers a JOIN seats s ON s.id = a.seat WHERE a.grade = 'right'"
    return set(lab.column(f"{sql} AND s.role = 'student' AND a.split = 'train'"))


def turns(lab):
    """The orders of the record: how many questions each rests on, and the models in their turns."""
    models = dict(lab.tuples("SELECT id, model FROM seats"))
    found = []
    for questions, teachers in lab.tuples("SELECT questions, teachers FROM turns"):
        order = [models[seat] for seat, *_ in json.loads(teachers)]
        found.append((questions, order))
    return found


# -- who is asked about what ----------------------------------------------------------------------


def test_a_later_teacher_gets_what_no_earlier_one_and_not_the_student_got_right(lab):
    outcome, _ = inquire(lab)
    order = in_task_order(lab)
    solved = solved_by_student(lab)
    by_model = written(lab)
    first = set(order[:3])
    left = set(order[3:]) - solved
    names = outcome["order"].split(", ")
    assert solved
    for name in names:
        assert set(by_model[name]) == first | left
        left = {question for question in left if not by_model[name][question]}
    assert outcome["still_unsolved"] == 0


def test_who_has_more_right_answers_for_a_token_goes_first(lab):
    outcome, _ = inquire(lab, "inquire.order_on=8")
    assert outcome["order"] == "few, all, none"
    assert outcome["ordered_on"] == 8
    assert turns(lab) == [(8, ["few", "all", "none"])]


def test_an_answer_without_a_step_earns_no_turn(lab):
    rules = "[[rule]]\nwhen = 'code of item (\\d+)'\nreplies = ['The answer is \\1.']\n"
    terse = script(lab.folder, "terse", rules)
    _, thorough, _ = committee(lab)
    outcome, _ = inquire(lab, teachers=(terse, thorough))
    assert outcome["order"] == "all, terse"
    assert outcome["rationales_right"] == outcome["rationale"]  # they are right nevertheless
    assert outcome["still_unsolved"] == 0


def test_of_equal_teachers_the_lower_seat_goes_first(lab):
    same = (knowing(lab, "b", "7"), knowing(lab, "a", "7"))
    outcome, _ = inquire(lab, teachers=same)
    assert outcome["order"] == "b, a"


def test_everybody_is_asked_about_the_first_questions_also_where_the_student_is_right(lab):
    inquire(lab, "inquire.order_on=8")
    everything = set(in_task_order(lab))
    assert all(set(questions) == everything for questions in written(lab).values())


def test_one_teacher_has_no_order_and_is_asked_what_the_student_did_not_solve(lab):
    outcome, _ = inquire(lab, teachers=committee(lab)[1:2])
    assert outcome == {
        "unsolved": 7,
        "feedback": 0,
        "rationale": 7,
        "rationales_right": 7,
        "still_unsolved": 0,
    }
    assert turns(lab) == []


def test_questions_in_turn_do_not_look_at_what_the_student_solved(lab):
    outcome, _ = inquire(lab, "inquire.about=questions")
    assert outcome["questions"] == 8
    assert solved_by_student(lab) <= set(written(lab)["few"])


def test_a_mistake_goes_to_the_next_teacher_until_its_question_is_solved(lab):
    outcome, _ = inquire(lab, "inquire.about=mistakes")
    assert outcome["mistakes"] == 7
    by_model = written(lab)
    first = set(in_task_order(lab)[:3])
    assert solved_by_student(lab).isdisjoint(by_model["few"])
    if outcome["order"].startswith("few"):
        right = {question for question, is_right in by_model["few"].items() if is_right}
        assert (right - first).isdisjoint(by_model["all"])


def test_unsolved_without_turns_goes_to_everybody(lab):
    outcome, _ = inquire(lab, "inquire.turns=false")
    assert outcome["unsolved"] == 7
    assert outcome["rationale"] == 7 * 3
    assert turns(lab) == []


def test_every_sample_of_the_student_counts(lab):
    rule = "[[rule]]\nwhen = 'code of item (\\d+)'\nreplies = ['It is \\1.', 'It is 1.']\n"
    student = script(lab.folder, "wavering", rule)
    outcome, _ = inquire(lab, "exam.samples=12", "exam.sampling.temperature=1", student=student)
    assert outcome["unsolved"] == 8 - len(solved_by_student(lab))
    assert len(solved_by_student(lab)) == 8


def test_without_an_exam_on_train_only_teachers_count(lab):
    outcome, _ = inquire(lab, "exam.enabled=false")
    assert outcome["unsolved"] == 8
    assert outcome["still_unsolved"] == 0


# -- the order is frozen --------------------------------------------------------------------------


def test_a_finished_inquiry_asks_nobody_and_keeps_its_order(lab):
    first, _ = inquire(lab)
    again, found = inquire(lab)
    assert (first, found["backend_calls"]) == (again, 0)
    with Store.open(lab.db, create=True) as store, store.transaction():
        store.db.execute("DELETE FROM done_steps")
    anew, found = inquire(lab)
    assert (first, found["backend_calls"]) == (anew, 0)
    assert len(turns(lab)) == 1


@pytest.mark.parametrize("limit", [2, 5])
def test_a_run_that_takes_more_questions_keeps_number_and_order_and_asks_only_for_those(lab, limit):
    shorter, _ = inquire(lab, train_limit=limit)
    before = {model: set(questions) for model, questions in written(lab).items()}
    frozen = turns(lab)
    assert frozen[0][0] == min(3, limit)
    longer, _ = inquire(lab)
    assert longer["order"] == shorter["order"]
    assert longer["ordered_on"] == shorter["ordered_on"] == min(3, limit)
    assert turns(lab) == frozen
    shared = set(in_task_order(lab)[:limit])
    for model, questions in written(lab).items():
        assert questions.keys() & shared == before[model]


def test_a_run_that_takes_fewer_questions_asks_nobody(lab):
    longer, _ = inquire(lab)
    shorter, found = inquire(lab, train_limit=2)
    assert found["backend_calls"] == 0
    assert shorter["order"] == longer["order"]


def test_another_question_to_the_teachers_is_another_order(lab):
    inquire(lab)
    inquire(lab, "inquire.order_on=4")
    inquire(lab, "inquire.sampling.temperature=0.1")
    assert sorted(questions for questions, _ in turns(lab)) == [3, 3, 4]


def test_a_later_round_measures_no_order_and_asks_about_what_is_left(lab):
    student = scripted_student(lab.folder)
    settings = ("rounds=2", "train.enabled=false", "review.mode=none", *IN_TURN)
    none, _, few = committee(lab)
    found = lab.run(settings=settings, student=student, teachers=(none, few))
    rounds = [step["outcome"] for step in found["steps"] if step["step"] == "inquire"]
    assert rounds[0]["order"] == rounds[1]["order"]
    assert rounds[1]["unsolved"] == rounds[0]["still_unsolved"]
    assert len(turns(lab)) == 1


SEED = (
    "inquire.about=questions",
    "inquire.write={ rationale = {} }",
    "inquire.turns=true",
    "inquire.order_on=3",
    "inquire.first=5",
)


def test_a_step_may_take_the_first_questions_alone(lab):
    outcome, _ = inquire(lab, *SEED)
    first = in_task_order(lab)[:5]
    by_model = written(lab)
    assert outcome["questions"] == 5
    assert set().union(*map(set, by_model.values())) == set(first)
    assert set(by_model["few"]) == set(first)  # who goes first is asked about all of them


def test_a_step_may_ask_about_some_of_what_is_unsolved(lab):
    outcome, _ = inquire(lab, "inquire.turns=false", "inquire.at_most=2")
    solved = solved_by_student(lab)
    unsolved = [question for question in in_task_order(lab) if question not in solved]
    assert outcome["unsolved"] == 2
    assert set().union(*map(set, written(lab).values())) == set(unsolved[:2])


def test_an_order_measured_by_an_earlier_step_holds_for_a_later_one(lab):
    recipe = copy_recipe("fair", "seeded", lab.folder) / "recipe.toml"
    text = recipe.read_text()
    seed = """[[round]]
id = "seed"
stage = "inquire"
about = "questions"
first = 5
turns = true
order_on = 3
write = { rationale = {} }

"""
    recipe.write_text(text.replace("[[round]]", seed + "[[round]]", 1))
    usual = {"student": scripted_student(lab.folder), "teachers": committee(lab)}
    found = lab.run(recipe="seeded", settings=IN_TURN, until="inquire", **usual)
    outcomes = {step["step"]: step["outcome"] for step in found["steps"]}
    assert outcomes["seed"]["order"] == outcomes["inquire"]["order"] == "few, all, none"
    assert turns(lab) == [(3, ["few", "all", "none"])]
    assert outcomes["inquire"]["unsolved"] <= 12 - 5  # what the seed solved is not asked again


def test_a_reply_that_is_missing_leaves_the_order_open(lab):
    lab.write_questions(
        [*(item(4000 + n, "train") for n in range(5)), item(9, "test"), item(8, "dev")]
    )
    rule = "[[rule]]\nwhen = ''\nreplies = ['The answer is 0.']\n"
    cramped = script(lab.folder, "cramped", f"context = 20\n{rule}")
    teachers = (cramped, committee(lab)[1])
    order = lab.order(settings=IN_TURN, teachers=teachers, student=scripted_student(lab.folder))
    with pytest.raises(CallsFailed):
        run(order, until="inquire", say=quiet, progress=quiet)
    assert turns(lab) == []
    assert written(lab)["all"]


def test_a_record_with_an_order_is_sound_and_a_changed_order_is_named(lab):
    inquire(lab, "inquire.order_on=8")
    assert verify_record(lab.db).problems == []
    with Store.open(lab.db, create=True) as store:
        [row] = store.rows("SELECT id, teachers FROM turns")
        backwards = json.dumps(json.loads(row["teachers"])[::-1])
        store.rewrite("turns", row["id"], {"teachers": backwards})
        store.db.conn.commit()
    problems = verify_record(lab.db).problems
    assert problems == [f"turns {row['id']} do not follow from right answers per token"]


def test_a_model_is_loaded_for_the_order_and_for_its_turn(lab):
    _, found = inquire(lab)
    assert found["steps"][-1]["loads"] <= 2 * 3
    _, longer = inquire(lab, "inquire.order_on=8", train_limit=8)
    assert longer["steps"][-1]["loads"] <= 3
