"""A table is any JSON Lines or CSV file with a column for the question and one for the answer."""

from __future__ import annotations

import pytest

from localfair.errors import BadDataset, UsageError
from localfair.record.nouns import Grade
from localfair.tasks import get_task, table_task
from localfair.tasks.table import Table

CSV = (
    "q,a,options,part\n"
    '"How many, in all?",7,,train\n'
    "Which?,red,red|blue,test\n"
    "Is it?,True,,valid\n"
    '"Two\nlines?",New York,,test\n'
)


def read(tmp_path, name, content, **columns):
    path = tmp_path / name
    path.write_text(content)
    return Table("mine", **columns).read(path).questions


def test_csv_columns_can_have_any_name_and_each_question_its_own_kind(tmp_path):
    questions = read(tmp_path, "t.csv", CSV, question="q", answer="a", split="part")
    assert {q.gold: q.split for q in questions} == {
        "7": "train",
        "yes": "dev",
        "red": "test",
        "New York": "test",
    }


def test_csv_choices_stand_apart_by_a_bar(tmp_path):
    content = "question,answer,choices\nWhich?,red,red | blue\n"
    question = read(tmp_path, "t.csv", content)[0]
    assert (question.choices, question.gold) == (("red", "blue"), "A")


def test_every_gold_of_a_mixed_table_grades_right(tmp_path):
    content = (
        '{"question": "a?", "answer": 7}\n{"question": "b?", "answer": "3+4\\n#### 7"}\n'
        '{"question": "c?", "answer": true}\n{"question": "d?", "answer": "b", "choices": ["x", "y"]}\n'
        '{"question": "e?", "answer": "Paris"}\n'
    )
    questions = read(tmp_path, "t.jsonl", content)
    assert sorted(q.gold for q in questions) == ["7", "7", "B", "Paris", "yes"]
    for q in questions:
        assert Table().grade(q, f"The answer is {q.gold}.").grade is Grade.RIGHT


def test_without_a_split_column_the_hash_decides(tmp_path):
    lines = "".join(f'{{"question": "Number {n}?", "answer": {n}}}\n' for n in range(300))
    assert {q.split for q in read(tmp_path, "t.jsonl", lines)} == {"train", "dev", "test"}


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
def test_a_bad_row_is_named(tmp_path, name, content, where):
    with pytest.raises(BadDataset, match=where):
        read(tmp_path, name, content)


def test_an_imported_table_is_found_by_its_name():
    assert get_task("mine", imported=["mine"]).name == "mine"


def test_a_table_cannot_take_the_name_of_a_benchmark():
    with pytest.raises(UsageError):
        table_task("gsm8k")
