"""The rows of a table: faulty ones are left out with their lines, repeats are one question."""

import json

import pytest

from localfair.errors import BadDataset
from localfair.tasks.table import Table


@pytest.fixture
def read(write):
    """`read(rows or text, **columns)` is a table that is read without being strict."""

    def read_table(content, name="t.jsonl", **columns):
        if not isinstance(content, str):
            content = "\n".join(json.dumps(row) for row in content)
        return Table("mine", strict=False, **columns).read(write(name, content))

    return read_table


def item(question, answer, **more):
    return {"question": question, "answer": answer, **more}


FAULTY = [
    item("a?", 1),
    item("b?", None),
    item("", 2),
    item("c?", ["3"]),
    item("d?", 4, choices=["x"]),
    item("e?", 5, split="holdout"),
    item("f?", 6),
]


def test_faulty_rows_are_left_out_with_their_lines_and_counted(read):
    dataset = read(FAULTY)
    assert sorted(question.gold for question in dataset.questions) == ["1", "6"]
    assert dataset.skipped_told.startswith(
        "left out 5 faulty rows: lines 2, 3, 4, 5, 6; the first: "
    )
    assert len(dataset.skipped) == 5


def test_strict_refuses_the_first_of_them(write):
    text = "\n".join(json.dumps(row) for row in FAULTY)
    with pytest.raises(BadDataset, match="line 2: 'answer' must be a text"):
        Table().read(write("t.jsonl", text))


@pytest.mark.parametrize(
    ("name", "content", "lines"),
    [
        (
            "t.jsonl",
            '{"question": "a?", "answer": 1}\n{oops\n{"question": "b?", "answer": 2}',
            "line 2",
        ),
        ("t.csv", "question,answer\na?,1\nb?,2,3\nc?\nd?,4\n", "lines 3, 4"),
        ("t.csv", "question;answer\na?;1\n;2\nb?;\nc?;1,5\n", "lines 3, 4"),
    ],
)
def test_a_line_of_another_form_is_a_faulty_row(read, name, content, lines):
    dataset = read(content, name)
    assert f": {lines}; the first: " in dataset.skipped_told
    assert len(dataset.questions) == 2


def test_rows_that_contradict_one_another_are_all_left_out(read):
    dataset = read([item("a?", 1), item("b?", 2), item("A?", 3), item("c?", 4)])
    assert sorted(question.gold for question in dataset.questions) == ["2", "4"]
    assert "lines 1, 3" in dataset.skipped_told


@pytest.mark.parametrize("content", [[item("a?", None)], [item("a?", 1), item("a?", 2)]])
def test_a_table_of_faulty_rows_alone_is_refused(read, content):
    with pytest.raises(BadDataset, match=r"line [12]: "):
        read(content)


def test_of_several_rationales_the_first_that_is_right_is_kept(read):
    chains = ["It is 8. The answer is 8.", "3 + 4 = 7. The answer is 7.", "7, clearly."]
    (question,) = read([item("a?", 7, chains=chains)], rationale="chains").questions
    assert question.rationale == "3 + 4 = 7. The answer is 7."
    (question,) = read([item("a?", 7, chain="Count them")], rationale="chain").questions
    assert question.rationale == "Count them. The answer is 7."


def test_rows_that_repeat_a_question_are_one_with_the_first_reasoning(read):
    rows = [item("a?", "7"), item("a?", "3+4 = 7 #### 7"), item("a?", "2+5 = 7 #### 7")]
    dataset = read(rows)
    (question,) = dataset.questions
    assert question.rationale == "3+4 = 7. The answer is 7."
    assert any(line.startswith("2 rows repeat a question") for line in dataset.warnings)


def test_a_rationale_that_is_no_text_is_a_fault(read):
    dataset = read([item("a?", 7, chain=[5]), item("b?", 8)], rationale="chain")
    assert dataset.skipped[0].endswith("line 1: 'chain' must be a text or a list of texts")


def test_units_are_left_out_where_all_answers_are_numbers_and_that_is_said(read):
    dataset = read([item("a?", "12 km"), item("b?", "7")], gold_kind="number")
    assert {question.gold for question in dataset.questions} == {"12", "7"}
    assert dataset.warnings == ("units are left out ('12 km' is the number 12): line 1",)


def test_columns_may_stand_inside_objects_and_lists(read):
    rows = [{"data": {"Question": "a?", "answers": ["7", "seven"]}}]
    columns = {"question": "data.question", "answer": "data.answers.0"}
    (question,) = read(rows, **columns).questions
    assert (question.text, question.gold) == ("a?", "7")
