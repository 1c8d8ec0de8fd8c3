"""Accepted explanations become lessons, as many as the recipe takes; what is dropped says why."""

from collections import Counter

import pytest

from localfair.errors import TaskError
from localfair.record.nouns import Message, Question
from localfair.stages.select import Draft, drop_repeats
from tests.lab import always, echo, item, scripted_student, teacher

QUOTED = r"What is the code of item 4012? Not asked. The answer is \1."
PLAIN = r"The answer is \1."
UNREVIEWED = "review.mode=none"


def select(lab, *settings, recipe="fair", **options):
    """The outcome of a select step after a scripted student's exam, and its lessons."""
    options.setdefault("student", scripted_student(lab.folder))
    found = lab.run(recipe, settings=settings, until="select", **options)
    lessons = lab.rows(
        'SELECT l.* FROM lessons l JOIN links r ON r."row" = l.id WHERE r.run = ? ORDER BY l.id',
        found["run"],
    )
    return found["steps"][-1]["outcome"], lessons


def kept(lessons, kind):
    return [row for row in lessons if row["kind"] == kind and not row["dropped"]]


def reasons(lessons):
    return Counter(row["dropped"] for row in lessons)


def sources(lab, kind):
    """The nouns that lessons of a kind came from."""
    return lab.column(
        "SELECT DISTINCT s.noun FROM lessons l JOIN lesson_sources s ON s.lesson = l.id "
        "WHERE l.kind = ? ORDER BY s.noun",
        kind,
    )


# -- how many -------------------------------------------------------------------------------------


def test_a_question_gives_one_lesson_of_each_kind(lab):
    outcome, lessons = select(lab)
    assert outcome == {
        "lessons": 14,
        "feedback": 7,
        "rationale": 7,
        "questions": 7,
        "dropped": 0,
        "contaminated": 0,
    }
    assert len({(row["question"], row["kind"]) for row in lessons}) == 14


def test_which_explanation_is_the_lesson_depends_on_the_seed_alone(lab):
    _, first = select(lab)
    _, again = select(lab)
    _, other = select(lab, seed=1)
    assert again == first
    assert other != first


def test_all_takes_every_explanation(lab):
    _, lessons = select(lab, "select.per_question.rationale=all", "select.unique=false")
    assert len(kept(lessons, "rationale")) == 21


def test_each_teacher_gives_one_lesson_a_question(lab):
    more = ("inquire.write.rationale.samples=2", "select.unique=false")
    _, lessons = select(lab, "select.per_question.rationale=each-teacher", *more)
    taken = Counter((row["question"], row["teacher"]) for row in kept(lessons, "rationale"))
    assert len(taken) == 7 * 3
    assert set(taken.values()) == {1}


def test_a_question_gives_what_it_has_where_more_are_wanted(lab):
    _, lessons = select(lab, "select.per_question.feedback=9", "select.unique=false")
    assert len(kept(lessons, "feedback")) == 21


def test_gold_answers_are_lessons_of_every_train_question(lab):
    outcome, lessons = select(lab, recipe="answers-only", student=lab.teachers[0])
    assert (outcome["lessons"], outcome["answer"]) == (8, 8)
    assert {row["completion"] for row in lessons} >= {"4011", "4013"}
    assert {row["teacher"] for row in lessons} == {None}
    assert sources(lab, "answer") == ["question"]


def test_beyond_a_number_of_lessons_questions_are_left_out_whole(lab):
    outcome, lessons = select(lab, "select.at_most=5")
    assert (outcome["lessons"], outcome["questions"], outcome["dropped"]) == (4, 2, 10)
    assert reasons(lessons) == {None: 4, "beyond the 5 lessons wanted": 10}
    learned = {row["question"] for row in lessons if not row["dropped"]}
    left_out = {row["question"] for row in lessons if row["dropped"]}
    assert not learned & left_out


def test_a_number_that_is_not_reached_drops_nothing(lab):
    assert select(lab, "select.at_most=14")[0]["dropped"] == 0


# -- which ----------------------------------------------------------------------------------------


def test_an_incomplete_questions_lessons_are_dropped_with_the_reason(lab):
    wrong = tuple(teacher(lab.folder, f"wrong{i}", answer="0") for i in range(2))
    dropped = {}
    for complete in ("true", "false"):
        _, lessons = select(
            lab,
            f"select.complete={complete}",
            teachers=wrong,
            student=lab.student,
        )
        dropped[complete] = {(row["kind"], row["dropped"]) for row in lessons}
    assert ("feedback", "no accepted rationale") in dropped["true"]
    assert dropped["false"] == {("feedback", None), ("rationale", None)}


def test_a_kind_that_nobody_was_asked_for_is_not_missed(lab):
    outcome, lessons = select(lab, "exam.unreadable_is=format", "select.complete=true")
    assert (outcome["feedback"], outcome["rationale"], outcome["dropped"]) == (5, 7, 0)
    assert {row["dropped"] for row in lessons} == {None}


def test_a_rejected_explanation_is_no_lesson(lab):
    wrong = always(lab.folder, "wrong", "The answer is 0.")
    outcome, lessons = select(lab, UNREVIEWED, teachers=(wrong,))
    assert outcome["lessons"] == outcome["feedback"] == 7
    assert kept(lessons, "rationale") == []


def test_what_was_never_reviewed_may_all_be_learned(lab):
    wrong = always(lab.folder, "wrong", "The answer is 0.")
    outcome, _ = select(lab, "review.enabled=false", teachers=(wrong,))
    assert outcome["rationale"] == 7
    assert "verdict" not in sources(lab, "rationale")


def test_the_same_lesson_twice_is_learned_once(lab):
    same = tuple(always(lab.folder, f"same{at}", PLAIN) for at in range(3))
    of_all = "select.per_question.rationale=all"
    _, lessons = select(lab, UNREVIEWED, of_all, teachers=same)
    assert reasons(lessons)["repeats another lesson"] == 14
    assert len(kept(lessons, "rationale")) == 7


def draft(completion, **more):
    question = Question(task="t", key="1", split="train", text="?", gold="7")
    usual = {
        "question": question,
        "kind": "rationale",
        "teacher": 0,
        "prompt": (),
        "completion": completion,
        "sources": (),
    }
    return Draft(**usual | more)


def test_a_lesson_is_repeated_up_to_white_space_in_its_own_prompt_and_kind():
    drafts = [
        draft("So it is 7."),
        draft("So  it is\n7.", teacher=1),
        draft("So it is 7.", prompt=(Message("user", "another"),)),
        draft("So it is 7.", kind="feedback"),
    ]
    repeated = [each.dropped for each in drop_repeats(drafts)]
    assert repeated == [None, "repeats another lesson", None, None]


def test_a_dropped_lesson_is_repeated_by_nothing_and_keeps_its_reason():
    drafts = [draft("So it is 7.").drop("beyond"), draft("So it is 7.", teacher=1)]
    assert [each.dropped for each in drop_repeats(drafts)] == ["beyond", None]
    assert drafts[0].drop("another reason").dropped == "beyond"


# -- what shares text with dev or test ------------------------------------------------------------


def test_a_completion_that_quotes_a_test_question_is_dropped_and_another_is_taken(lab):
    quoting = always(lab.folder, "quoting", QUOTED)
    clean = always(lab.folder, "clean", PLAIN)
    outcome, lessons = select(lab, UNREVIEWED, "select.decontaminate=7", teachers=(quoting, clean))
    shared = "shares 7 words with dev or test: what is the code of item 4012"
    assert reasons(lessons) == {None: 14, shared: 14}
    assert outcome["contaminated"] == outcome["dropped"] == 14
    assert {row["teacher"] for row in kept(lessons, "rationale")} == {1}


def test_texts_are_not_looked_at_where_the_recipe_says_so(lab):
    quoting = always(lab.folder, "quoting", QUOTED)
    outcome, _ = select(lab, UNREVIEWED, "select.decontaminate=0", teachers=(quoting,))
    assert (outcome["lessons"], outcome["contaminated"]) == (14, 0)


def test_of_a_question_that_stands_in_test_too_no_lesson_is_learned(lab):
    again = item(5, "test", "77") | {"question": "What is the code of ITEM 5"}
    lab.write_questions([item(5, "train"), item(6, "train"), again, item(7, "dev")])
    outcome, lessons = select(lab)
    assert reasons(lessons) == {None: 2, "the question stands in dev or test too": 2}
    assert (outcome["contaminated"], outcome["questions"]) == (2, 1)


def test_of_a_question_that_shares_words_with_a_test_question_no_lesson_is_learned(lab):
    longer = item(5, "train") | {"question": "What is the code of item 5 in the box?"}
    lab.write_questions([longer, item(6, "train"), item(5, "test"), item(7, "dev")])
    outcome, lessons = select(lab, "select.decontaminate=7")
    shared = "shares 7 words with dev or test: what is the code of item 5"
    assert reasons(lessons) == {None: 2, shared: 2}
    assert (outcome["contaminated"], outcome["questions"]) == (2, 1)


def test_no_limit_hides_a_test_question(lab):
    quoting = always(lab.folder, "quoting", QUOTED)
    limited = {"teachers": (quoting,), "test_limit": 1}
    outcome, _ = select(lab, UNREVIEWED, "select.decontaminate=7", **limited)
    assert outcome["contaminated"] == 14


# -- what a lesson is -----------------------------------------------------------------------------


def test_lessons_come_from_train_and_name_every_row_they_rest_on(lab):
    lab.run(until="select")
    assert set(lab.column("SELECT split FROM lessons")) == {"train"}
    assert sources(lab, "feedback") == [
        "answer",
        "explanation",
        "generation",
        "question",
        "verdict",
    ]


def test_a_rationale_lesson_is_prompted_as_the_exam_is(lab):
    lab.run(until="select")
    lessons = lab.tuples("SELECT DISTINCT question, prompt FROM lessons WHERE kind = 'rationale'")
    asked = lab.tuples(
        "SELECT a.question, g.messages FROM answers a JOIN generations g ON g.id = a.generation"
    )
    assert lessons
    assert set(lessons) <= set(asked)


def test_a_feedback_lesson_shows_the_mistake_that_it_is_about(lab):
    _, lessons = select(lab)
    for row in kept(lessons, "feedback"):
        assert "The answer is 1." in row["prompt"] or "I do not know." in row["prompt"]
    assert not any("The answer is 1." in row["prompt"] for row in kept(lessons, "rationale"))


def test_a_draft_is_known_by_all_of_it_and_of_its_sources():
    one = draft("So it is 7.")
    assert one.lesson().id == draft("So it is 7.").lesson().id
    others = [
        draft("So it is 8."),
        draft("So it is 7.", sources=(("question", "q"),)),
        one.drop("beyond"),
        one.taint("shared"),
    ]
    assert len({each.lesson().id for each in [one, *others]}) == 5


# -- what nobody may learn, whoever accepted it ---------------------------------------------------


def test_what_repeats_a_mark_is_dropped_where_nobody_reviews(lab):
    echoes = echo(lab.folder)
    outcome, lessons = select(lab, "review.enabled=false", teachers=(echoes,))
    assert (outcome["lessons"], outcome["dropped"], outcome["contaminated"]) == (7, 7, 0)
    assert reasons(lessons) == {None: 7, "repeats a mark around quoted text of its prompt": 7}


def test_an_empty_explanation_is_dropped_where_nobody_reviews(lab):
    silent = always(lab.folder, "silent", " ")
    outcome, lessons = select(lab, "review.enabled=false", teachers=(silent,))
    assert outcome["lessons"] == 0
    assert set(reasons(lessons)) == {"empty"}


def test_thinking_that_is_kept_is_looked_at_for_leaks_too(lab):
    leaks = r"<think>What is the code of item 4012? Not asked.</think>The answer is \1."
    author = always(lab.folder, "leaks", leaks)
    settings = (UNREVIEWED, "select.decontaminate=7", "review.accept.answer_check=true")
    dropped, _ = select(lab, *settings, teachers=(author,))
    assert dropped["contaminated"] == 0
    kept_thinking, _ = select(lab, *settings, "select.thinking=keep", teachers=(author,))
    assert kept_thinking["contaminated"] == 14


# -- the data set's own solutions -------------------------------------------------------------------


def gold_lessons(lab):
    """The outcome of the specialist's select, and its lessons."""
    settings = ("before.enabled=false",)
    return select(lab, *settings, recipe="specialist", student=lab.student, teachers=())


def test_a_data_sets_own_solutions_are_lessons_and_nobody_is_asked(lab):
    outcome, lessons = gold_lessons(lab)
    assert (outcome["lessons"], outcome["rationale"], outcome["dropped"]) == (8, 8, 0)
    assert {row["teacher"] for row in lessons} == {None}
    assert sources(lab, "rationale") == ["question"]
    assert all(row["completion"].startswith("Read it. The answer is 40") for row in lessons)
    assert lab.column("SELECT COUNT(*) FROM generations") == [0]


def test_the_prompt_of_a_gold_lesson_is_the_exams(lab):
    _, lessons = gold_lessons(lab)
    _, others = select(lab, recipe="single-teacher")
    assert {row["prompt"] for row in lessons} == {row["prompt"] for row in others}


def test_a_solution_whose_sums_do_not_hold_is_dropped_with_the_reason(lab):
    lab.write_questions(
        [
            item(1, "train", "2 + 3 = 5. #### 5"),
            item(2, "train", "2 + 2 = 5, and that is the code. #### 5"),
            item(3, "dev"),
            item(4, "test"),
        ]
    )
    _, lessons = gold_lessons(lab)
    assert reasons(lessons) == {None: 1, "a step of the gold rationale does not hold": 1}


def test_a_question_without_a_solution_gives_no_lesson(lab):
    lab.write_questions([item(1, "train", "Read it. #### 1"), item(2, "train"), item(3, "dev")])
    outcome, lessons = gold_lessons(lab)
    assert (outcome["lessons"], len(lessons)) == (1, 1)


def test_a_task_without_any_solution_is_refused_in_a_line(lab):
    lab.write_questions([item(1, "train"), item(2, "train"), item(3, "dev"), item(4, "test")])
    with pytest.raises(TaskError, match="no gold rationales") as refused:
        gold_lessons(lab)
    assert "per_question.gold=0" in refused.value.hint
