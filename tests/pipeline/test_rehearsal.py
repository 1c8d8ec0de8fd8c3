"""A run rehearsed: exact where the record answers, an upper bound where it does not yet."""

import pytest

from localfair.errors import UsageError
from localfair.pipeline.rehearsal import rehearse
from localfair.recipe.prompts import Prompts
from localfair.record.nouns import Request
from localfair.record.store import Store
from tests.lab import item, scripted_student
from tests.pipeline.counting import counted

WITHOUT_TRAINING = ("train.enabled=false",)


def by_step(rehearsed):
    return {each.step.id: each for each in rehearsed}


def calls(rehearsed):
    """By step: replies recorded, calls known, and calls that may come on top."""
    counts = {}
    for step in rehearsed:
        shares = step.shares.values()
        recorded = sum(share.recorded for share in shares)
        more = sum(share.more for share in shares)
        counts[step.step.id] = (recorded, len(step.unanswered()), more)
    return counts


def test_before_anything_is_asked_only_exams_are_known(lab):
    counts = calls(rehearse(lab.order()))
    assert counts["before"] == (0, 4, 0)
    assert counts["exam"] == (0, 8, 0)
    assert counts["inquire"] == (0, 0, 8 * 6)
    assert counts["review"] == (0, 0, 8 * 12)
    assert counts["after"] == (0, 4, 0)


def test_an_exam_beyond_the_runs_questions_is_known_whole(lab):
    counts = calls(rehearse(lab.order(settings=("exam.beyond=4",), train_limit=3)))
    assert counts["exam"] == (0, 7, 0)


def test_what_may_come_is_handed_from_step_to_step(lab):
    steps = by_step(rehearse(lab.order()))
    assert [steps[name].unknown for name in ("exam", "inquire", "review", "select")] == [
        8,
        48,
        48,
        48,
    ]
    assert (steps["train"].lessons, steps["train"].more_lessons) == (0, 48)


@pytest.mark.parametrize(("own", "lessons"), [("all", 48), ("2", 16), ("7", 48)])
def test_a_question_gives_so_many_own_answers_as_are_taken(lab, own, lessons):
    settings = (f"select.per_question.own={own}", "exam.samples=6")
    steps = by_step(rehearse(lab.order(settings=settings)))
    assert steps["exam"].unknown == 48
    assert steps["select"].unknown == steps["review"].unknown + lessons


def test_each_engine_of_a_step_has_a_share(lab):
    shares = by_step(rehearse(lab.order()))["inquire"].shares
    assert sorted(identity.model for identity in shares) == ["t0", "t1", "t2"]
    assert {share.more for share in shares.values()} == {8 * 2}


def test_what_the_record_answers_is_known_and_bounds_the_rest(lab):
    student = scripted_student(lab.folder)
    lab.run(until="exam", student=student)
    order = lab.order(settings=WITHOUT_TRAINING, student=student)
    counts = calls(rehearse(order))
    assert counts["exam"] == (8, 0, 0)
    assert counts["inquire"] == (0, 7 * 6, 0)
    assert counts["review"] == (0, 0, 7 * 12)


def test_several_reviews_of_one_explanation_may_make_one_verdict(lab):
    student = scripted_student(lab.folder)
    lab.run(until="inquire", student=student)
    settings = ("review.exhaustive=true", *WITHOUT_TRAINING)
    review = by_step(rehearse(lab.order(settings=settings, student=student)))["review"]
    assert len(review.waiting()) == 7 * 12
    assert review.unknown == 7 * 6


def test_explanations_of_the_same_words_are_reviewed_by_one_request_and_may_all_be_learned(lab):
    student = scripted_student(lab.folder)
    lab.run(until="inquire", student=student)
    texts = lab.rows(
        "SELECT DISTINCT e.question, e.kind, g.text FROM explanations e "
        "JOIN generations g ON g.id = e.generation"
    )
    settings = ("review.exhaustive=true", *WITHOUT_TRAINING)
    steps = by_step(rehearse(lab.order(settings=settings, student=student)))
    assert len(steps["review"].unanswered()) < 7 * 12
    assert len(texts) < steps["select"].unknown == 7 * 6


def test_a_rehearsal_ends_where_the_run_would(lab):
    assert [each.step.id for each in rehearse(lab.order(), until="exam")] == ["before", "exam"]


def test_no_round_that_may_come_is_left_out(lab):
    rounds = [each.round for each in rehearse(lab.order("tailored", ("rounds=3",)))]
    assert sorted(set(rounds)) == [0, 1, 2, 3, 4]


def test_the_best_epoch_may_ask_every_epoch_all_of_dev(lab):
    lab.write_questions([item(1, "train"), item(2, "test"), item(3, "dev"), item(4, "dev")])
    settings = ("train.best_epoch={}", "train.epochs=3")
    assert calls(rehearse(lab.order(settings=settings)))["train"] == (0, 0, 3 * 2)


def test_a_mentors_soft_labels_are_bounded_by_the_lessons_that_may_come(lab):
    order = lab.order("mentor-kd", ("teach.write.rationale.samples=1",), mentor=lab.student)
    soften = by_step(rehearse(order))["soften"]
    # 8 questions, one rationale of each of 3 teachers and 3 of the mentor
    assert (soften.lessons, soften.more_lessons) == (0, 8 * 3 + 8 * 3)


def test_an_adapter_of_the_record_is_found_and_its_last_exam_too(lab):
    lab.run(train_limit=2)
    rehearsed = rehearse(lab.order(train_limit=2))
    train = by_step(rehearsed)["train"]
    assert train.trained
    assert (train.lessons, train.more_lessons) == (4, 0)
    assert calls(rehearsed)["after"] == (4, 0, 0)


def test_an_adapter_that_is_to_be_trained_has_answered_nothing(lab):
    lab.run(train_limit=2)
    rehearsed = rehearse(lab.order(settings=("train.epochs=1",), train_limit=2))
    assert not by_step(rehearsed)["train"].trained
    assert calls(rehearsed)["after"] == (0, 4, 0)


def test_a_rehearsal_leaves_no_record_behind(lab):
    rehearse(lab.order())
    assert not lab.db.exists()


def test_a_rehearsal_writes_nothing_into_the_record(lab):
    student = scripted_student(lab.folder)
    lab.run(until="exam", student=student)
    before = lab.db.read_bytes()
    rehearse(lab.order(student=student), until="select")
    assert lab.db.read_bytes() == before


def test_what_a_run_would_refuse_is_refused(lab):
    with pytest.raises(UsageError, match="at least one teacher"):
        rehearse(lab.order(teachers=()))


def test_a_finished_run_is_rehearsed_without_building_a_request(lab):
    lab.run()
    with counted(Prompts.render, Request.id) as built:
        known = rehearse(lab.order())
    assert set(built.values()) == {0}
    with Store.open(lab.db, create=True) as store, store.transaction():
        store.db.execute("DELETE FROM done_steps")
    anew = rehearse(lab.order())
    assert calls(known) == calls(anew)
    for one, other in zip(known, anew, strict=True):
        assert (one.lessons, one.more_lessons, one.trained) == (
            other.lessons,
            other.more_lessons,
            other.trained,
        )


def test_what_follows_a_changed_step_is_rehearsed_anew(lab):
    lab.run(until="select")
    with counted(Prompts.render) as built:
        counts = calls(rehearse(lab.order(settings=("review.exhaustive=true",))))
    assert counts["inquire"] == (48, 0, 0)
    assert counts["review"][0] > 0
    assert built["Prompts.render"] > 0
