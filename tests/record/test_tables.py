"""A noun is the same after its row, and its id is in the row."""

from dataclasses import replace

import pytest

from localfair.record.made import (
    Adapter,
    Answer,
    Explanation,
    Lesson,
    Review,
    SoftKey,
    SoftLabel,
    Verdict,
)
from localfair.record.nouns import Constraint, Grade, Message, Sampling
from localfair.record.tables import (
    ADAPTERS,
    ANSWERS,
    EXPLANATIONS,
    LESSONS,
    QUESTIONS,
    REVIEWS,
    SEATS,
    SOFT_LABELS,
    TURNS,
    VERDICTS,
    generation_row,
    identity_of,
    reply_of,
    request_of,
)
from tests.record.samples import A_TURNS, ENGINE, SEAT, SOFT_LABEL_KEY, generation, question

ANSWER = Answer(
    question="q",
    split="train",
    seat="s",
    generation="g",
    grade=Grade.UNREADABLE,
    read=None,
    reader=2,
)
FEEDBACK = Explanation(
    kind="feedback",
    question="q",
    split="train",
    answer="a",
    seat="s",
    generation="g",
    grade=None,
    read=None,
    reader=2,
)
REVIEW = Review(
    explanation="e",
    author="s",
    seat="r",
    generation="g",
    score=None,
    same_weights=True,
    reader=2,
)
VERDICT = Verdict(
    explanation="e",
    policy="{}",
    reviews=("a", "b"),
    mean=4.5,
    valid=2,
    accepted=True,
    reason="mean 4.50 above 3",
    reader=2,
)
LESSON = Lesson(
    question="q",
    split="train",
    kind="rationale",
    teacher=None,
    prompt=(Message("system", "Be brief."), Message("user", "é?")),
    completion="7",
    weight=1.0,
    dropped="empty",
)
SOFT_LABEL = SoftLabel(
    key=SoftKey(**SOFT_LABEL_KEY), labels=1, indices=b"\x00\x01", logprobs=b"", created="now"
)
ADAPTER = Adapter(
    id="b2:a",
    role="student",
    base="f",
    parent=None,
    settings="{}",
    path="record-adapters/a",
    sha256="ab",
    steps=1,
    seconds=1.0,
    tokens=1,
    peak_memory=1,
    tokens_per_second=None,
    epochs=((1, 3, 4), (2, 4, 4)),
    created="now",
)


@pytest.mark.parametrize(
    ("table", "noun"),
    [
        (QUESTIONS, question(3)),
        (SEATS, SEAT),
        (ANSWERS, ANSWER),
        (EXPLANATIONS, FEEDBACK),
        (EXPLANATIONS, replace(FEEDBACK, kind="rationale", answer=None, grade=Grade.RIGHT)),
        (REVIEWS, REVIEW),
        (VERDICTS, VERDICT),
        (LESSONS, LESSON),
        (SOFT_LABELS, SOFT_LABEL),
        (ADAPTERS, ADAPTER),
        (TURNS, A_TURNS),
    ],
    ids=lambda value: getattr(value, "noun", ""),
)
def test_a_noun_is_the_same_after_its_row(table, noun):
    row = table.to_row(noun)
    assert row["id"] == noun.id
    assert table.of_row(row) == noun


def test_a_request_and_who_answered_it_are_the_same_after_their_row():
    asked = replace(
        generation(seed=3, sample=1, logprobs=True, about="question 3").request,
        sampling=Sampling(temperature=1.0, stop=("\n",), enable_thinking=False),
        constraint=Constraint("gbnf", 'root ::= "7"'),
    )
    answered = replace(generation(), request=asked, logprobs=(-0.5,))
    row = generation_row(ENGINE, answered)
    assert request_of(row) == asked
    assert identity_of(row) == ENGINE
    assert reply_of(row).constrained
    assert reply_of(row).logprobs == (-0.5,)


def test_a_lessons_id_is_made_of_its_sources_and_kept_when_it_is_read_without_them():
    lesson = replace(LESSON, sources=(("question", "q"),), id="")
    assert lesson.id != LESSON.id
    read = LESSONS.of_row(LESSONS.to_row(lesson))
    assert (read.id, read.sources) == (lesson.id, ())
