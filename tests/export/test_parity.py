"""The parity exam asks the trained student and its export the same questions,
never those of test.
"""

import pytest

from localfair.errors import UsageError
from localfair.export.once import Destination
from localfair.export.parity import Parity, exam_step, parity_questions
from localfair.export.weights import export_merged
from tests.export.exporting import quiet

pytest.importorskip("llama_cpp")
DEV = 20


def test_a_merged_folder_says_the_very_words_of_the_trained(taught, tmp_path):
    parity = taught.export(export_merged, Destination(tmp_path), 32, quiet).parity
    assert (parity.split, parity.questions) == ("dev", DEV)
    assert parity.same_text == parity.same_grade == DEV
    assert parity.reference_right == parity.engine_right


# How bits round depends on the processor's instructions and on how many threads share a sum, and one
# other token changes a whole reply of so small a student: 17 to 20 of 20 grades were the same in f16,
# 14 to 20 in eight bits. Their probabilities are held in test_gguf.
@pytest.mark.parametrize(("format", "share"), [("f16", 0.7), ("q8_0", 0.5)])
def test_the_trained_and_the_gguf_agree_on_dev(taught, tmp_path, format, share):
    parity = taught.gguf(tmp_path, format, limit=32).parity
    assert (parity.split, parity.questions) == ("dev", DEV)
    assert parity.same_grade >= share * DEV


def test_a_parity_is_a_row_of_the_record(taught, tmp_path):
    exported = taught.gguf(tmp_path, limit=4)
    (row,) = taught.rows("SELECT * FROM parities WHERE export = ?", exported.export.id)
    assert (row["split"], row["questions"]) == ("dev", 4)
    assert row["same_grade"] == exported.parity.same_grade
    assert row["same_text"] == exported.parity.same_text
    assert (row["reference"], row["engine"]) == ("transformers/fp32", "llama_cpp/gguf")


def test_a_parity_tells_what_the_export_changes_with_its_interval():
    counts = {"same_grade": 6, "same_text": 5, "reference_right": 6, "engine_right": 5}
    examined = Parity(split="dev", questions=8, both_right=5, **counts)
    change = examined.change()
    assert (change.gained, change.lost, change.difference) == (0, 1, -1 / 8)
    assert "change -12.5% [95% -47.1% to +24.0%]" in str(examined)
    assert str(examined).endswith("8 questions: only a change of 75 points or more could show")


def test_the_exam_is_the_runs_last_one_of_its_student_made_greedy(taught):
    with taught.opened() as (_, student):
        step = exam_step(student)
    assert step.id == "after"
    assert (step.sampling.temperature, step.sampling.top_p) == (0.0, 1.0)
    assert step.sampling.max_tokens == 8


def test_at_most_so_many_questions_are_asked(taught):
    with taught.opened() as (store, student):
        split, questions = parity_questions(store, student, 3)
    assert (split, len(questions)) == ("dev", 3)


def test_without_dev_parity_asks_train_questions_that_no_lesson_came_from(taught, tmp_path):
    with taught.copy(tmp_path).opened() as (store, student):
        store.db.execute("DELETE FROM questions WHERE split = 'dev'")
        with pytest.raises(UsageError, match="every train question is a lesson"):
            parity_questions(store, student, 32)
        store.db.execute("DELETE FROM adapter_lessons WHERE position = 0 OR position > 1")
        split, questions = parity_questions(store, student, 32)
    assert split == "train"
    assert 0 < len(questions) < 8


def test_parity_never_reads_test(taught, tmp_path):
    taught.gguf(tmp_path, limit=32)
    tested = taught.rows("SELECT DISTINCT key FROM questions WHERE split = 'test'")
    asked = taught.rows("SELECT about FROM generations WHERE engine = 'llama_cpp/gguf'")
    about_test = {f"question {question['key']} of table" for question in tested}
    assert about_test and asked
    assert about_test.isdisjoint(generation["about"] for generation in asked)
