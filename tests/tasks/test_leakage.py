"""No lesson gives away a question that the student will be examined on."""

import json
import time

from localfair.record.nouns import Question
from localfair.tasks.leakage import completion_reason, held_out, question_reason, runs, words

LONG = "A farmer walks nine miles along the river and then sells forty one red apples at the old market"


def question(text, split="train", gold="1", choices=()):
    return Question(task="t", key=text[:20], split=split, text=text, gold=gold, choices=choices)


def test_thirteen_words_in_a_row_give_a_question_away_whatever_stands_between_them():
    held = held_out([question(LONG, "test")], [])
    near = (
        "Once, a FARMER walks nine miles -- along the river, and then sells forty-one red apples?"
    )
    run = "a farmer walks nine miles along the river and then sells forty one"
    assert question_reason(question(near), held) == f"shares 13 words with dev or test: {run}"
    assert completion_reason(f"Since {near}", held)
    assert question_reason(question(near.replace("river", "road")), held) is None


def test_a_short_question_is_compared_whole_with_its_choices():
    exam = question("Which is true?", "dev", choices=("x is 1", "x is 2"))
    held = held_out([exam], [])
    same = question("which is true", choices=("x is 1", "x is 2"))
    other = question("which is true", choices=("x is 1", "x is 3"))
    assert question_reason(same, held) == "the question stands in dev or test too"
    assert question_reason(other, held) is None


def test_phrases_that_many_train_questions_share_are_the_tasks_own():
    tail = "how many of them are there at the end of the whole long day if nothing is lost"
    train = [question(f"Item {n}: {tail}") for n in range(11)]
    exam = [question(f"Item 99: {tail}", "test")]
    assert question_reason(train[0], held_out(exam, train)) is None
    assert question_reason(train[0], held_out(exam, train[:10]))


def test_runs_have_the_length_asked_for():
    assert list(runs("a b, c", 2)) == ["a b", "b c"]
    assert list(runs("a b", 3)) == []
    assert words("It's 3.5%") == ["it", "s", "3", "5"]


def test_ten_thousand_questions_take_seconds():
    def long_text(number):
        return " ".join(f"w{number * 31 + position * 7}" for position in range(50))

    train = [question(long_text(number)) for number in range(10_000)]
    exams = [question(f"{q.text} more", "test") for q in train[:1000]]
    started = time.process_time()
    held = held_out(exams, train)
    reasons = [question_reason(q, held) for q in train]
    assert time.process_time() - started < 20
    assert all(reasons[:1000])


def rows_of(lab):
    """The questions of a laboratory's table."""
    return [json.loads(line) for line in lab.data.read_text().splitlines()]


def write_rows(lab, rows):
    lines = [json.dumps(row) + "\n" for row in rows]
    lab.data.write_text("".join(lines))


def spoil(lab):
    """The test asks one train question again, and another in almost the same long words."""
    rows = rows_of(lab)
    first, second, *_ = [row for row in rows if row["split"] == "train"]
    first["question"] = f"{LONG}. What is the code of item 4011?"
    near = f"{LONG}, they say. What is the code of item 5?"
    again = second["question"].replace("is the", "is: the")
    rows.append({"question": near, "answer": "5", "split": "test"})
    rows.append({"question": again, "answer": second["answer"], "split": "dev"})
    write_rows(lab, rows)


def contaminated(report):
    """How many lessons the last step of a run dropped."""
    return report["steps"][-1]["outcome"]["contaminated"]


def kept_ids(lab):
    kept = lab.rows("SELECT id FROM lessons WHERE dropped IS NULL")
    return {row["id"] for row in kept}


def test_lessons_of_such_questions_are_rows_with_the_reason(lab):
    spoil(lab)
    report = lab.run(until="select")
    assert contaminated(report) == 4
    assert report["lessons"] == 12
    dropped = lab.rows(
        "SELECT DISTINCT dropped FROM lessons WHERE dropped IS NOT NULL ORDER BY dropped"
    )
    assert [row["dropped"].split(":")[0] for row in dropped] == [
        "shares 13 words with dev or test",
        "the question stands in dev or test too",
    ]


def test_without_the_filter_the_other_lessons_keep_their_ids_and_nothing_is_asked_again(lab):
    spoil(lab)
    lab.run(until="select")
    kept = kept_ids(lab)
    report = lab.run(until="select", settings=("select.decontaminate=0",))
    assert report["lessons"] == 16
    assert report["backend_calls"] == 0
    assert kept < kept_ids(lab)


QUOTING = rf"""
[[rule]]
when = "code of item (\\d+)"
replies = ["{LONG}. The answer is \\1."]
"""


def test_a_completion_that_quotes_an_exam_leaves_its_place_to_one_that_does_not(lab):
    write_rows(lab, [*rows_of(lab), {"question": LONG, "answer": "5", "split": "test"}])
    quoting = lab.folder / "quoting.script.toml"
    quoting.write_text(QUOTING)
    settings = (
        "review.mode=none",
        "select.per_question.feedback=0",
        "train.loss.feedback.weight=0",
    )
    teachers = (str(quoting), lab.teachers[0])
    report = lab.run(until="select", settings=settings, teachers=teachers)
    assert report["lessons"] == 8
    assert contaminated(report) == 8
    texts = lab.rows("SELECT completion FROM lessons WHERE dropped IS NULL")
    assert not any(LONG in row["completion"] for row in texts)
