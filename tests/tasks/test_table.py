"""A table is any JSON Lines or CSV file with a column for the question and one for the answer."""

from __future__ import annotations

import json
from fractions import Fraction

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


def refusal(read, content, name="t.jsonl", **columns):
    """The message that refuses a table, without its folder, and the hint."""
    with pytest.raises(BadDataset) as refused:
        read(name, content, **columns)
    return refused.value.message.rpartition("/t.")[2], refused.value.hint


def lines(*rows):
    """JSON lines with a question and an answer, and choices if given."""
    names = ("question", "answer", "choices")
    return "\n".join(json.dumps(dict(zip(names, row, strict=False))) for row in rows)


def notes(write, content, name="t.jsonl", **columns):
    return Table("mine", **columns).read(write(name, content)).notes


def test_the_kinds_of_all_answers_are_counted_and_the_rarer_are_named_by_line(write):
    answers = [("a?", 1), ("b?", "Rome"), ("c?", 2), ("d?", "no"), ("e?", "3"), ("f?", "Oslo")]
    counted, advice = notes(write, lines(*answers))
    assert counted == "answers: 3 numbers, 2 texts: lines 2, 6; 1 yes or no: line 4"
    assert "--answer-kind number" in advice
    assert notes(write, lines(("a?", 1))) == ("answers: 1 number",)
    array = json.dumps([{"question": "a?", "answer": 1}, {"question": "b?", "answer": "x"}])
    assert notes(write, array, "t.json")[0] == "answers: 1 number, 1 text: item 2"


def test_of_many_rare_answers_ten_lines_are_named(write):
    rows = [(f"Number {n}?", n) for n in range(20)] + [(f"Text {n}?", f"t{n}") for n in range(15)]
    assert notes(write, lines(*rows))[0].endswith("28, 29, 30 and 5 more")


@pytest.mark.parametrize("gold_kind", [None, "text"])
def test_every_kind_that_the_user_gives_is_kept_with_the_question(read, gold_kind):
    versions = lines(("Newest?", "1.10"), ("Oldest?", "1.9"), ("First?", "1"))
    questions = read("t.jsonl", versions, gold_kind=gold_kind)
    newest = next(question for question in questions if question.text == "Newest?")
    grades = [Table().grade(newest, f"The answer is {reply}.").grade for reply in ("1.10", "1.1")]
    is_right = [grade is Grade.RIGHT for grade in grades]
    assert is_right == ([True, False] if gold_kind else [True, True])


def test_a_row_that_is_not_of_the_given_kind_is_refused_and_the_others_are_named(read):
    rows = [("a?", "5"), ("b?", "5 to 6"), ("c?", "6"), ("d?", "Rome"), ("e?", "x")]
    message, hint = refusal(read, lines(*rows), gold_kind="number")
    assert message == "jsonl line 2: the answer '5 to 6' is not a number answer; lines 4, 5 too"
    assert hint == "mend the row, or leave --answer-kind out"


@pytest.mark.parametrize(
    ("rows", "answers"),
    [
        ([("How many?", "5"), ("How  MANY?", "6")], "'5' and '6'"),
        ([("How many?", "5"), ("Else?", "5"), ("How many?", "five hundred")], "'5' and '500'"),
        ([("Caf\u00e9?", "yes"), ("Cafe\u0301?", "no")], "'yes' and 'no'"),
        ([("Which?", "A", ["x", "y"]), ("Which?", "A", ["y", "x"])], "'x' and 'y'"),
    ],
)
def test_two_answers_of_one_question_are_refused_with_both_lines(read, rows, answers):
    message, _ = refusal(read, lines(*rows))
    assert message.endswith(f"asks the same as line 1, and the answers are {answers}")
    assert message.startswith(f"jsonl line {len(rows)}: ")


def test_one_answer_that_is_written_in_two_ways_is_one_answer(read):
    rows = [("How much?", "12,5"), ("How much?", "12.50"), ("How much?", "25/2")]
    assert [question.gold for question in read("t.jsonl", lines(*rows))] == ["12.5"]
    same = [("Which?", "B", ["x", "y"]), ("Which?", "y", ["y", "x"])]
    assert {question.gold for question in read("t.jsonl", lines(*same))} == {"A", "B"}


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (["5"], "'answer' must be one text or number, and is a list"),
        ({"value": 5}, "'answer' must be one text or number, and is an object"),
        (None, "'answer' must be a text"),
        ("", "'answer' must be a text that is not empty"),
        ("a\0b", "holds a NUL character"),
    ],
)
def test_what_is_no_single_answer_is_refused(read, answer, problem):
    message, _ = refusal(read, lines(("a?", "5"), ("b?", answer)))
    assert message.startswith(f"jsonl line 2: {problem}")


def test_json_numbers_keep_their_digits(read):
    content = """{"question": "a?", "answer": 2.50}
        {"question": "b?", "answer": 3e-07}
        {"question": "c?", "answer": 0.12345678901234567890123}
        {"question": "d?", "answer": -0.0}"""
    golds = {question.text: question.gold for question in read("t.jsonl", content)}
    assert (golds["a?"], golds["b?"], golds["d?"]) == ("2.5", "0.0000003", "0")
    digits = "12345678901234567890123"
    assert Fraction(golds["c?"]) == Fraction(int(digits), 10 ** len(digits))


def test_spaces_around_the_names_of_columns_do_not_count(read):
    (question,) = read("t.csv", 'question , answer\n "Figs, all told?", "1,250"\n')
    assert (question.text, question.gold) == ("Figs, all told?", "1250")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("q,answer\na?,5\n", "csv line 2: has no 'question'; its columns are 'q', 'answer'"),
        ("How many?,5\nWhy?,6\n", "has no 'answer'; its columns are 'How many?', '5'"),
        ("question,answer\na?,\n", "line 2: has no 'answer': the cell is empty"),
        ("question\na?\n", "line 2: has no 'answer'; its only column is 'question'"),
        ("question,answer,answer\na?,5,6\n", "csv line 1: has 2 columns called 'answer'"),
        ("question|answer\na?|5\n", "csv line 1: the cells stand apart by bars"),
        ("Answer,ANSWER,question\n1,2,a?\n", "'answer' may be 'Answer' and 'ANSWER'"),
        ('{"question": "a?", "answer": "5"}\n', "csv line 1: is JSON and not CSV"),
    ],
)
def test_what_is_wrong_with_the_columns_is_named(read, content, problem):
    message, _ = refusal(read, content, "t.csv")
    assert problem in message


def test_a_table_without_a_name_for_its_form_is_told_what_to_call_it(read):
    message, hint = refusal(read, "question,answer\na?,5\n", "t.txt")
    assert message.endswith("line 1: is not JSON, and the file's name does not end in .csv")
    assert hint.startswith("expected .jsonl, .json or .csv")
    assert len(read("t.txt", lines(("a?", 5)))) == 1


@pytest.mark.parametrize(
    ("solution", "gold", "rationale"),
    [
        ("2+6 = 8. Therefore, the answer is 8.", "8", "2+6 = 8. The answer is 8."),
        ("2+6 is $\\boxed{8}$.", "8", "2+6 is $8$. The answer is 8."),
        ("#### 9\nno, 2+6 = 8\n#### 8", "8", ""),
    ],
)
def test_the_reasoning_of_a_solution_is_kept_where_it_ends_right(read, solution, gold, rationale):
    (question,) = read("t.jsonl", lines(("a?", solution)))
    assert (question.gold, question.rationale) == (gold, rationale)


def test_an_import_says_that_a_percent_sign_was_left_out(write):
    rows = lines(("a?", "15%"), ("b?", "4"), ("c?", "So it is up.\n#### 7.5 %"))
    _, told = notes(write, rows)
    assert told == "15% is the number 15, a reply of 15 or 15% is right: lines 1, 3"
    assert notes(write, rows, gold_kind="text") == ("answers: 3 texts",)
