"""Authors write about each distinct mistake, or about every question, as the recipe says."""

from tests.lab import always, item, script, scripted_student


def inquire(lab, *settings, **options):
    """The outcome of the inquiry into a scripted student's seven mistakes."""
    student = options.pop("student", None) or scripted_student(lab.folder)
    found = lab.run(settings=settings, until="inquire", student=student, **options)
    return found["steps"][-1]["outcome"]


def prompts(lab, kind):
    """What authors of a kind were asked, as text."""
    return lab.column(
        "SELECT g.messages FROM explanations e JOIN generations g ON g.id = e.generation "
        "WHERE e.kind = ?",
        kind,
    )


def test_every_author_writes_both_kinds_about_every_mistake(lab):
    outcome = inquire(lab)
    assert outcome == {"mistakes": 7, "feedback": 21, "rationale": 21, "rationales_right": 21}


def test_the_same_wrong_text_of_several_samples_is_one_mistake(lab):
    assert inquire(lab, "exam.samples=3")["mistakes"] == 7


def test_other_wrong_texts_are_mistakes_of_their_own(lab):
    rule = "[[rule]]\nwhen = ''\nreplies = ['The answer is 1.', 'The answer is 2.']\n"
    student = script(lab.folder, "wavering", rule)
    mistakes = inquire(lab, "exam.samples=8", student=student)["mistakes"]
    distinct = lab.rows("SELECT DISTINCT m.question, m.read FROM mistakes m")
    assert mistakes == len(distinct) > 8


def test_an_unreadable_answer_can_be_a_format_lesson_or_nothing(lab):
    lab.run(until="exam")
    unreadable = len(lab.rows("SELECT id FROM mistakes WHERE reason = 'unreadable'"))
    wrong = len(lab.rows("SELECT id FROM mistakes WHERE reason = 'wrong'"))
    nothing = lab.run(settings=("exam.unreadable_is=nothing",), until="inquire")
    formats = lab.run(settings=("exam.unreadable_is=format",), until="inquire")
    assert nothing["explanations"] == wrong * 6
    assert formats["explanations"] == wrong * 6 + unreadable * 3


def test_a_format_lesson_gets_a_rationale_and_no_feedback(lab):
    outcome = inquire(lab, "exam.unreadable_is=format")
    assert (outcome["mistakes"], outcome["feedback"], outcome["rationale"]) == (7, 15, 21)


def test_about_questions_every_question_is_answered_and_no_mistake_explained(lab):
    outcome = inquire(lab, "inquire.about=questions")
    assert outcome == {"questions": 8, "feedback": 0, "rationale": 24, "rationales_right": 24}
    assert lab.column("SELECT DISTINCT answer FROM explanations") == [None]


def test_each_sample_is_an_explanation_of_its_own(lab):
    assert inquire(lab, "inquire.write.rationale.samples=2")["rationale"] == 42
    replies = "SELECT COUNT(DISTINCT generation) FROM explanations WHERE kind = 'rationale'"
    assert lab.column(replies) == [42]


def test_a_feedback_is_written_with_the_gold_answer_and_a_rationale_without(lab):
    lab.write_questions([item(1, "train", "977"), item(2, "test"), item(3, "dev")])
    inquire(lab)
    assert all("977" in prompt for prompt in prompts(lab, "feedback"))
    assert not any("977" in prompt for prompt in prompts(lab, "rationale"))
    assert all("The answer is 1." in prompt for prompt in prompts(lab, "feedback"))
    assert not any("The answer is 1." in prompt for prompt in prompts(lab, "rationale"))


def test_the_recipe_decides_who_sees_the_gold_answer(lab):
    lab.write_questions([item(1, "train", "977"), item(2, "test"), item(3, "dev")])
    inquire(lab, "inquire.write.feedback.gold=false")
    assert not any("977" in prompt for prompt in prompts(lab, "feedback"))


def test_a_tailored_rationale_is_written_with_the_mistake_before_the_author(lab):
    lab.run("tailored", until="inquire", student=scripted_student(lab.folder))
    shown = prompts(lab, "rationale")
    assert len(shown) == 21
    assert all("The answer is 1." in text or "I do not know." in text for text in shown)


def test_a_rationale_carries_its_answer_check_and_a_feedback_none(lab):
    guess = always(lab.folder, "guess", "The answer is 2.")
    outcome = inquire(lab, "review.enabled=false", teachers=(guess,))
    assert outcome["rationales_right"] == 0
    rows = lab.tuples("SELECT DISTINCT kind, grade, read FROM explanations ORDER BY kind")
    assert rows == [
        ("feedback", None, None),
        ("rationale", "wrong", "2"),
    ]
    assert lab.rows("SELECT id FROM explanations WHERE answer IS NULL") == []


def test_a_mistake_is_what_was_answered_and_not_what_was_thought(lab):
    rule = "[[rule]]\nwhen = ''\nreplies = ['<think>2?</think>It is 1.', '<think>3?</think>It is 1.']\n"
    student = script(lab.folder, "thinking", rule)
    outcome = inquire(lab, "exam.samples=4", student=student)
    assert outcome["mistakes"] == 8
    asked = prompts(lab, "feedback")
    assert asked
    assert not any("think>" in messages for messages in asked)


def test_there_is_no_feedback_on_a_reply_that_never_came_to_an_answer(lab):
    student = always(lab.folder, "lost", "<think>It is 1. But wait")
    outcome = inquire(lab, student=student)
    assert (outcome["mistakes"], outcome["feedback"], outcome["rationale"]) == (8, 0, 24)
