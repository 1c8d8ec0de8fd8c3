"""What an author wrote is rejected for its first false step before anybody is asked to review it."""

import json

import pytest

from localfair.pipeline.reading import verify_record
from localfair.record.nouns import Question
from localfair.stages.soundness import false_step
from localfair.tasks import get_task
from localfair.tasks.steps import shows_steps
from tests.lab import always, item

ARITHMETIC = get_task("arithmetic-1")
TABLE = get_task("table")
OBJECTS = get_task("shuffled-objects")
STEPS = ("review.accept.steps=true",)


def question(gold="12", text="How many?", choices=()):
    return Question(
        task="t", key="1", split="train", text=text, gold=gold, choices=choices, rationale=""
    )


@pytest.mark.parametrize("task", [ARITHMETIC, TABLE])
def test_the_first_false_sum_is_told_in_its_own_words(task):
    text = "There are 3 + 4 = 7 jars.\n7 x 2 = 15 lids, and 15 - 3 = 11.\nThe answer is 12."
    assert false_step(task, question(), text) == "'7 x 2 = 15 lids, and 15 - 3' does not hold"


@pytest.mark.parametrize("task", [ARITHMETIC, TABLE])
@pytest.mark.parametrize("text", ["3 + 4 = 7. The answer is 12.", "The answer is 12.", ""])
def test_a_text_without_a_false_sum_holds(task, text):
    assert false_step(task, question(), text) is None


def test_sums_of_a_question_with_another_kind_of_answer_are_not_judged():
    assert false_step(TABLE, question(gold="a violin"), "It is 2 + 2 = 5 strings.") is None


SWAPS = question(
    gold="the red ball",
    text=(
        "Ada and Ben play. Ada has the red ball and Ben has the blue ball. "
        "Ada and Ben swap balls. Then Ben and Ada swap balls. Who has what at the end?"
    ),
    choices=("the red ball", "the blue ball"),
)


def test_a_story_of_swaps_is_followed_swap_by_swap():
    told = "Ada has the blue ball. Then Ada has the red ball. The answer is the red ball."
    by_luck = "Ada likes red. The answer is the red ball."
    assert false_step(OBJECTS, SWAPS, told) is None
    assert false_step(OBJECTS, SWAPS, by_luck) == "does not follow the question step by step"


# -- the verdict ----------------------------------------------------------------------------------


def reviewed(lab, reply, *settings, **options):
    """The verdicts on rationales that all read `reply`, and how many reviews they got."""
    lab.write_questions([item(1, "train"), item(2, "train"), item(9, "test"), item(8, "dev")])
    student = always(lab.folder, "wrong", "The answer is 77.")
    teachers = tuple(always(lab.folder, f"says{number}", reply) for number in range(2))
    settings = ("inquire.about=questions", *settings)
    lab.run(settings=settings, student=student, teachers=teachers, until="review", **options)
    return lab.tuples("SELECT DISTINCT accepted, reason, valid, policy FROM verdicts")


def test_no_review_is_asked_of_what_a_check_rejects_and_the_verdict_says_what_is_false(lab):
    verdicts = reviewed(lab, r"2 + 2 = 5 apples.\nThe answer is \1.", *STEPS)
    assert {each[:3] for each in verdicts} == {
        (0, "step check: '2 + 2 = 5 apples.' does not hold", 0)
    }
    assert lab.rows("SELECT id FROM reviews") == []
    assert all(json.loads(policy)["accept"]["steps"] is True for *_, policy in verdicts)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("The answer is 34.", False),
        ("The answer is 34. Zoe ends up with 34 tomatoes.", False),
        ("34", False),
        ("", False),
        ("45 - 11 = 34. The answer is 34.", True),
        ("\\(36 \\div 6 = 6\\), so the answer is 6.", True),
        ("12 apples x 3 boxes = 36", True),
        ("Zoe loses eleven of her forty-five tomatoes, so thirty-four are left.", True),
        ("\\boxed{34}", False),
        ("D. The last letters of the names are d, a and e. The answer is dae.", True),
        ("45 减 11 等于 34，所以还剩下 34 个番茄。", True),
        ("Step 1.\nThe answer is 34.", False),
    ],
)
def test_an_answer_alone_shows_no_steps(text, shown):
    assert shows_steps(text) is shown


def test_a_right_answer_without_a_step_is_no_lesson_where_steps_are_to_be_shown(lab):
    [(accepted, reason, _, _)] = reviewed(
        lab, r"The answer is \1.", *STEPS, "review.accept.shows_steps=true"
    )
    assert (accepted, reason) == (0, "step check: an answer without a step")


def test_without_the_key_a_false_step_is_for_the_reviewers(lab):
    verdicts = reviewed(lab, r"2 + 2 = 5. The answer is \1.")
    assert {reason for _, reason, _, _ in verdicts} == {"0 valid of at least 1 reviews"}
    assert lab.rows("SELECT id FROM reviews") != []
    # verdicts of older records keep their ids
    assert all("steps" not in json.loads(policy)["accept"] for *_, policy in verdicts)


def test_a_verdict_on_steps_is_another_one_and_both_follow_from_what_they_rest_on(lab):
    reviewed(lab, r"2 + 2 = 4. The answer is \1.")
    reviewed(lab, r"2 + 2 = 4. The answer is \1.", *STEPS)
    assert len(lab.rows("SELECT id FROM verdicts")) == 2 * 4
    reviewed(lab, r"2 + 2 = 9. The answer is \1.", *STEPS)
    assert verify_record(lab.db).problems == []


def test_a_feedback_is_not_held_to_its_sums(lab):
    reply = r"You wrote 2 + 2 = 5. The answer is \1."
    student = always(lab.folder, "wrong", "The answer is 77.")
    teachers = (always(lab.folder, "says", reply),)
    settings = (*STEPS, "review.mode=none")
    lab.run(settings=settings, student=student, teachers=teachers, until="review")
    found = lab.tuples(
        "SELECT e.kind, v.accepted FROM verdicts v JOIN explanations e ON e.id = v.explanation"
    )
    assert set(found) == {("feedback", 1), ("rationale", 0)}
