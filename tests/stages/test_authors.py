"""A repair shows the student's attempt, is checked and learned as a rationale, and nothing else is
repaired than reasoning.
"""

import json

from localfair.recipe.fences import marks_in
from localfair.record.store import Store
from tests.lab import always, script, scripted_student

REPAIR = "inquire.write={ repair = {} }"
CHECKED = "review.mode=none"


def inquire(lab, *settings, until="inquire", **options):
    """The outcome of the last step, by a scripted student."""
    usual = {"student": scripted_student(lab.folder), "teachers": lab.teachers[:1]}
    found = lab.run(settings=(REPAIR, *settings), until=until, **usual | options)
    return found["steps"][-1]["outcome"]


def prompts(lab):
    """What authors were asked, as text, with what each explanation is about."""
    return lab.tuples(
        "SELECT g.messages, a.grade, r.text FROM explanations e "
        "JOIN generations g ON g.id = e.generation LEFT JOIN answers a ON a.id = e.answer "
        "LEFT JOIN generations r ON r.id = a.generation"
    )


def test_every_mistake_is_repaired_and_the_record_knows_it_as_a_rationale_about_that_mistake(lab):
    outcome = inquire(lab)
    assert outcome == {
        "mistakes": 7,
        "feedback": 0,
        "rationale": 0,
        "rationales_right": 0,
        "repair": 7,
        "repairs_right": 7,
    }
    rows = lab.tuples("SELECT DISTINCT kind, grade, answer IS NOT NULL FROM explanations")
    assert rows == [("rationale", "right", 1)]


def test_the_author_sees_the_attempt_inside_marks_and_the_exams_format(lab):
    inquire(lab)
    for messages, _, attempt in prompts(lab):
        contents = [content for _, content in json.loads(messages)]
        (mark,) = marks_in(contents)
        assert f"<<<{mark}\n{attempt}\n{mark}>>>" in contents[-1]
        assert "Keep the steps that are right" in contents[-1]


def test_the_gold_answer_is_shown_where_the_recipe_says_so(lab):
    inquire(lab)
    assert not any("The right answer is" in messages for messages, _, _ in prompts(lab))
    inquire(lab, "inquire.write.repair.gold=true")
    assert sum("The right answer is" in messages for messages, _, _ in prompts(lab)) == 7


def test_demonstrations_stand_before_the_attempt(lab):
    inquire(lab, "inquire.write.repair.demonstrations=2")
    assert all(messages.count("Solution: Read it.") == 2 for messages, _, _ in prompts(lab))


def test_each_sample_is_a_repair_of_its_own(lab):
    assert inquire(lab, "inquire.write.repair.samples=3")["repair"] == 21


def test_where_only_the_format_is_wrong_a_rationale_is_asked_for_instead(lab):
    outcome = inquire(lab, "exam.unreadable_is=format")
    assert (outcome["repair"], outcome["rationale"]) == (5, 2)
    asked = {grade: "attempt" in messages for messages, grade, _ in prompts(lab)}
    assert asked == {"wrong": True, "unreadable": False}


def test_a_reply_that_never_came_to_an_answer_is_not_repaired(lab):
    student = always(lab.folder, "lost", "<think>It is 1. But wait")
    outcome = inquire(lab, student=student)
    assert (outcome["repair"], outcome["rationale"]) == (0, 8)


def test_beside_a_rationale_none_is_asked_for_twice(lab):
    settings = ("inquire.write={ repair = {}, rationale = {} }", "exam.unreadable_is=format")
    outcome = inquire(lab, *settings)
    assert (outcome["repair"], outcome["rationale"]) == (5, 7)


def test_of_several_attempts_at_an_unsolved_question_one_is_repaired(lab):
    rule = "[[rule]]\nwhen = ''\nreplies = ['The answer is 1.', 'The answer is 2.', 'No idea.']\n"
    student = script(lab.folder, "wavering", rule)
    settings = ("inquire.about=unsolved", "exam.samples=8", "exam.sampling.temperature=1")
    outcome = inquire(lab, *settings, "exam.unreadable_is=format", student=student)
    assert (outcome["unsolved"], outcome["repair"], outcome["rationale"]) == (8, 8, 0)
    assert outcome["still_unsolved"] == 0
    assert len(lab.column("SELECT DISTINCT question FROM explanations")) == 8


def test_a_repair_that_does_not_reach_the_answer_is_rejected(lab):
    careless = always(lab.folder, "careless", "You wrote 1. The answer is 2.")
    inquire(lab, CHECKED, until="review", teachers=(careless,))
    assert lab.tuples("SELECT DISTINCT accepted, reason FROM verdicts") == [
        (0, "answer check: wrong")
    ]


def test_the_lesson_of_a_repair_is_a_rationale_with_the_exams_own_prompt(lab):
    inquire(lab, CHECKED, until="select")
    with Store.open(lab.db) as store:
        exam = dict(
            store.db.execute(
                "SELECT a.question, g.messages FROM answers a JOIN generations g "
                "ON g.id = a.generation WHERE a.split = 'train'"
            )
        )
        lessons = store.rows("SELECT * FROM lessons WHERE dropped IS NULL")
    assert len(lessons) == 7
    assert {lesson["kind"] for lesson in lessons} == {"rationale"}
    assert all(lesson["prompt"] == exam[lesson["question"]] for lesson in lessons)
    sources = lab.column("SELECT COUNT(*) FROM lesson_sources WHERE noun = 'answer'")
    assert sources == [7]
