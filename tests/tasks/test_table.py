"""A table is any JSON Lines or CSV file with a column for the question and one for the answer."""

from __future__ import annotations

import pytest

from localfair.errors import BadDataset, TaskError
from localfair.record.nouns import Grade
from localfair.tasks.table import Table

CSV = (
    "q,a,options,part\n"
    '"How many, in all?",7,,train\n'
    "Which?,red,red|blue,test\n"
    "Is it?,True,,valid\n"
    '"Two\nlines?",New York,,test\n'
)


@pytest.fixture
def read(write):
    """`read(name, content, **columns)` is the questions of a table."""

    def read_table(name, content, **columns):
        return Table("mine", **columns).read(write(name, content)).questions

    return read_table


def test_csv_columns_can_have_any_name_and_each_question_its_own_kind(read):
    questions = read("t.csv", CSV, question="q", answer="a", split="part")
    assert {q.gold: q.split for q in questions} == {
        "7": "train",
        "yes": "dev",
        "red": "test",
        "New York": "test",
    }


def test_csv_choices_stand_apart_by_a_bar(read):
    content = "question,answer,choices\nWhich?,red,red | blue\n"
    question = read("t.csv", content)[0]
    assert (question.choices, question.gold) == (("red", "blue"), "A")


def test_every_gold_of_a_mixed_table_grades_right(read):
    content = (
        '{"question": "a?", "answer": 7}\n{"question": "b?", "answer": "3+4\\n#### 7"}\n'
        '{"question": "c?", "answer": true}\n{"question": "d?", "answer": "b", "choices": ["x", "y"]}\n'
        '{"question": "e?", "answer": "Paris"}\n'
    )
    questions = read("t.jsonl", content)
    assert sorted(q.gold for q in questions) == ["7", "7", "B", "Paris", "yes"]
    for q in questions:
        assert Table().grade(q, f"The answer is {q.gold}.").grade is Grade.RIGHT


def test_without_a_split_column_the_hash_decides(read):
    rows = [{"question": f"Number {n}?", "answer": n} for n in range(300)]
    questions = read("t.json", rows)
    assert {q.split for q in questions} == {"train", "dev", "test"}


@pytest.mark.parametrize(
    ("name", "content", "where"),
    [
        ("t.csv", "question,answer\na?,1\nb?,2,3\n", r"t\.csv line 3: has more cells"),
        ("t.csv", "question\na?\n", "line 2: has no 'answer'"),
        ("t.csv", 'question,answer\n"a?,1\n', "is not CSV"),
        ("t.csv", "question,answer,split\na?,1,holdout\n", "line 2: split 'holdout'"),
        ("t.jsonl", '{"question": "a?", "answer": null}', "line 1: 'answer'"),
        ("t.jsonl", '{"question": "a?", "answer": NaN}', "line 1: 'answer'"),
        (
            "t.jsonl",
            '{"question": "a?", "answer": "z", "choices": ["x", "y"]}',
            "line 1: .*one of the choices",
        ),
        ("t.jsonl", "[1]", "item 1: is not a JSON object"),
    ],
)
def test_a_bad_row_is_named(read, name, content, where):
    with pytest.raises(BadDataset, match=where):
        read(name, content)


def test_a_table_without_rows_is_refused(read):
    with pytest.raises(BadDataset, match="holds no questions"):
        read("t.csv", "question,answer\n")


def test_a_whole_solution_is_its_reasoning_and_its_answer(read):
    solution = '{"question": "a?", "answer": "3+4 = 7\\n#### 7"}'
    (question,) = read("t.jsonl", solution)
    assert (question.gold, question.rationale) == ("7", "3+4 = 7. The answer is 7.")


def test_a_column_that_was_named_must_be_there(read):
    content = "question,answer\na?,1\n"
    with pytest.raises(BadDataset, match="line 2: has no 'options'"):
        read("t.csv", content, choices="options")
    with pytest.raises(BadDataset, match="line 2: has no 'part'"):
        read("t.csv", content, split="part")


def test_a_table_is_never_generated_and_says_nothing_of_its_licence():
    assert not Table().generated
    assert Table().licence == "unverified"
    with pytest.raises(TaskError, match="needs a file"):
        Table().generate()
