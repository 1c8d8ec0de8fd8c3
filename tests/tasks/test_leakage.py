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
    reason = question_reason(question(near), held)
    assert reason and reason.endswith(
        ": a farmer walks nine miles along the river and then sells forty one"
    )
    assert completion_reason(f"Since {near}", held)
    assert question_reason(question(near.replace("river", "road")), held) is None


def test_a_short_question_is_compared_whole_with_its_choices():
    held = held_out([question("Which is true?", "dev", choices=("x is 1", "x is 2"))], [])
    assert question_reason(question("which is true", choices=("x is 1", "x is 2")), held)
    assert question_reason(question("which is true", choices=("x is 1", "x is 3")), held) is None


def test_phrases_that_many_train_questions_share_are_the_tasks_own():
    tail = "how many of them are there at the end of the whole long day if nothing is lost"
    train = [question(f"Item {n}: {tail}") for n in range(11)]
    exam = [question(f"Item 99: {tail}", "test")]
    assert question_reason(train[0], held_out(exam, train)) is None
    assert question_reason(train[0], held_out(exam, train[:10]))


def test_runs_have_the_length_asked_for():
    assert list(runs("a b, c", 2)) == ["a b", "b c"] and list(runs("a b", 3)) == []
    assert words("It's 3.5%") == ["it", "s", "3", "5"]


def test_ten_thousand_questions_take_seconds():
    train = [question(" ".join(f"w{n * 31 + i * 7}" for i in range(50))) for n in range(10_000)]
    started = time.process_time()
    held = held_out([question(q.text + " more", "test") for q in train[:1000]], train)
    assert sum(question_reason(q, held) is not None for q in train) >= 1000
    assert time.process_time() - started < 20


def spoil(lab):
    """The test asks one train question again, and another in almost the same long words."""
    rows = [json.loads(line) for line in lab.data.read_text().splitlines()]
    train = [row for row in rows if row["split"] == "train"]
    train[0]["question"] = f"{LONG}. What is the code of item 4011?"
    rows.append(
        {
            "question": f"{LONG}, they say. What is the code of item 5?",
            "answer": "5",
            "split": "test",
        }
    )
    again = train[1]["question"].replace("is the", "is: the")
    rows.append({"question": again, "answer": train[1]["answer"], "split": "dev"})
    lab.data.write_text("\n".join(json.dumps(row) for row in rows) + "\n")


def test_lessons_of_such_questions_are_rows_with_the_reason_and_the_others_keep_their_ids(lab):
    spoil(lab)
    clean = lab.run(until="select")
    assert clean["steps"][-1]["outcome"]["contaminated"] == 4 and clean["lessons"] == 12
    dropped = lab.rows(
        "SELECT DISTINCT dropped FROM lessons WHERE dropped IS NOT NULL ORDER BY dropped"
    )
    assert [row["dropped"].split(":")[0] for row in dropped] == [
        "shares 13 words with dev or test", "the question stands in dev or test too"]  # fmt: skip
    kept = {row["id"] for row in lab.rows("SELECT id FROM lessons WHERE dropped IS NULL")}
    off = lab.run(until="select", settings=("select.decontaminate=0",))
    assert off["lessons"] == 16 and off["backend_calls"] == 0
    assert kept < {row["id"] for row in lab.rows("SELECT id FROM lessons WHERE dropped IS NULL")}


def test_a_completion_that_quotes_an_exam_leaves_its_place_to_one_that_does_not(lab):
    rows = [json.loads(line) for line in lab.data.read_text().splitlines()]
    rows.append({"question": LONG, "answer": "5", "split": "test"})
    lab.data.write_text("\n".join(json.dumps(row) for row in rows) + "\n")
    quoting = lab.folder / "quoting.script.toml"
    quoting.write_text(
        f"""[[rule]]\nwhen = "code of item (\\\\d+)"\nreplies = ["{LONG}. The answer is \\\\1."]\n"""
    )
    settings = (
        "review.mode=none",
        "select.per_question.feedback=0",
        "train.loss.feedback.weight=0",
    )
    found = lab.run(until="select", settings=settings, teachers=(str(quoting), *lab.teachers[:1]))
    assert found["lessons"] == 8 and found["steps"][-1]["outcome"]["contaminated"] == 8
    texts = lab.rows("SELECT completion FROM lessons WHERE dropped IS NULL")
    assert not any(LONG in row["completion"] for row in texts)
