"""The student says which lessons it finds likely, where there is a choice."""

import json

from tests.lab import always, item, script
from tests.stages.test_select import UNREVIEWED, select
from tests.stages.test_select_own import asked

CRITICAL = r"""
[[rule]]
when = '.*code of item (\d+)'
replies = ['The answer is 1.']
scores = { "Short. The answer is 4011." = -1.0, "A longer one with more words. The answer is 4011." = -1.5 }
"""
LIKELY = (UNREVIEWED, "inquire.about=questions", "select.prefer=likely")
LIKELY = (*LIKELY, "select.per_question.feedback=0", "train.loss.feedback.weight=0")


def two_teachers(lab):
    lab.write_questions([item(4011, "train"), item(4012, "train"), item(1, "test")])
    return (
        always(lab.folder, "short", r"Short. The answer is \1."),
        always(lab.folder, "long", r"A longer one with more words. The answer is \1."),
    )


def test_the_lesson_with_the_highest_log_probability_a_token_is_taken(lab):
    teachers = two_teachers(lab)
    student = script(lab.folder, "critical", CRITICAL)
    for seed in range(4):  # whatever a draw would take: -1.5 over ten words beats -1 over five
        _, lessons = select(lab, *LIKELY, teachers=teachers, student=student, seed=seed)
        taken = [row["completion"] for row in lessons if "4011" in row["completion"]]
        assert taken == ["A longer one with more words. The answer is 4011."]


def test_lessons_of_one_likelihood_are_drawn_with_the_seed(lab):
    teachers = two_teachers(lab)
    even = always(lab.folder, "even", "The answer is 1.")
    taken = set()
    for seed in range(8):
        _, lessons = select(lab, *LIKELY, teachers=teachers, student=even, seed=seed)
        taken |= {row["completion"].split()[0] for row in lessons}
    assert taken == {"Short.", "A"}


def test_the_student_is_asked_only_where_there_is_a_choice(lab):
    options = {"until": "select", "teachers": two_teachers(lab)}
    options["student"] = script(lab.folder, "critical", CRITICAL)
    every = lab.run(settings=(*LIKELY, "select.per_question.rationale=2"), **options)
    assert asked(every, "select") == 0
    one = lab.run(settings=LIKELY, **options)
    assert asked(one, "select") == 2 * 2
    assert lab.run(settings=LIKELY, **options)["calls"] == 0
    assert lab.run(settings=LIKELY, seed=1, **options)["steps"][-1]["calls"] == 0


def test_more_questions_are_scored_alone(lab):
    options = {"settings": LIKELY, "until": "select", "teachers": two_teachers(lab)}
    options["student"] = script(lab.folder, "critical", CRITICAL)
    lab.run(train_limit=1, **options)
    assert asked(lab.run(**options), "select") == 2


def test_scores_are_kept_as_any_reply_is(lab):
    options = {"settings": LIKELY, "until": "select", "teachers": two_teachers(lab)}
    lab.run(student=script(lab.folder, "critical", CRITICAL), **options)
    rows = lab.rows("SELECT * FROM generations WHERE action = 'score'")
    assert {len(json.loads(row["continuations"])) for row in rows} == {1}
    linked = lab.column("SELECT row FROM run_rows WHERE noun = 'generation'")
    assert {row["id"] for row in rows} <= set(linked)


def test_a_tiny_student_scores_its_lessons(lab):
    found = lab.run(settings=LIKELY, until="select", teachers=two_teachers(lab))
    assert asked(found, "select") == 4
    scores = lab.rows("SELECT * FROM generations WHERE action = 'score'")
    assert all(json.loads(row["logprobs"])[0] < 0 for row in scores)
    assert all(row["completion_tokens"] > 0 for row in scores)


def test_own_answers_are_chosen_by_their_likelihood_too(lab):
    lab.write_questions([item(4011, "train"), item(1, "test")])
    replies = r"""
[[rule]]
when = '.*code of item (\d+)'
replies = ['Short. The answer is \1.', 'A longer one with more words. The answer is \1.']
scores = { "Short. The answer is 4011." = -1.0, "A longer one with more words. The answer is 4011." = -1.5 }
"""
    own = ("select.per_question.own=1", "exam.samples=12", "exam.sampling.max_tokens=40")
    none = ("select.per_question.rationale=0", "inquire.write.feedback.samples=1")
    _, lessons = select(lab, *LIKELY, *own, *none, student=script(lab.folder, "both", replies))
    taken = [row["completion"] for row in lessons if not row["dropped"]]
    assert taken == ["A longer one with more words. The answer is 4011."]
