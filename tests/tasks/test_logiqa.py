"""LogiQA's layout in small."""

from __future__ import annotations

import json

import pytest

from localfair.tasks import get_task

ITEM = (
    "\nb\nAll cats sleep.\nWhich is true?\nA.Cats run.\nB.Cats sleep.\nC.Dogs run.\nD.Dogs sleep.\n"
)


def test_eight_lines_are_an_item(write):
    path = write("Test.txt", ITEM + ITEM.replace("cats", "cows"))
    first, second = get_task("logiqa").read(path).questions
    assert (first.gold, second.gold) == ("B", "B")
    assert (first.key, second.key) == ("Test-1", "Test-2")
    assert first.text == "All cats sleep.\nWhich is true?"
    assert first.choices == ("Cats run.", "Cats sleep.", "Dogs run.", "Dogs sleep.")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("\nE\nx\ny\nA.a\nB.b\nC.c\nD.d\n", "line 2: 'E' is not an answer A to D"),
        ("\na\nx\ny\nA.a\nB.b\nD.d\nC.c\n", "line 7: is not option 'C'"),
        ("\na\nx\n", "line 1: the item has 3 lines"),
        (ITEM.strip("\n"), "line 1: "),
        ("x" + ITEM, "line 1: an item must start with a blank line"),
    ],
)
def test_a_wrong_file_is_refused_with_its_line(refusal, content, problem):
    assert problem in refusal("logiqa", "Test.txt", content)


@pytest.mark.parametrize(
    ("faulty", "problem"),
    [
        (ITEM.replace("C.Dogs run.\n", ""), "line 9: the item has 7 lines instead of 8"),
        (ITEM.replace("C.Dogs", "Dogs"), "line 15: is not option 'C'"),
        (ITEM.replace("\nb\n", "\nE\n"), "line 10: 'E' is not an answer A to D"),
        (ITEM.replace("Which", "And more.\nWhich"), "line 9: the item has 9 lines instead of 8"),
    ],
)
def test_a_faulty_item_is_left_out_and_costs_no_other(write, faulty, problem):
    others = [ITEM.replace("cats", name) for name in ("cows", "hens")]
    dataset = get_task("logiqa").read(write("Test.txt", ITEM + faulty + others[0] + others[1]))
    assert [question.key for question in dataset.questions] == ["Test-1", "Test-3", "Test-4"]
    assert dataset.skipped_told.startswith("left out 1 of 4 items, which cannot be asked")
    assert dataset.skipped[0].endswith(problem)


@pytest.mark.parametrize(
    ("name", "split"), [("Train.txt", "train"), ("Eval.txt", "dev"), ("Test.txt", "test")]
)
def test_any_of_the_three_files_alone_is_its_split(write, name, split):
    path = write(name, "".join(ITEM.replace("cats", f"cats {n}") for n in range(9)))
    for given in (path, path.parent):
        splits = {question.split for question in get_task("logiqa").read(given).questions}
        assert split in splits
        assert splits <= {split, "dev"}


def line(**changes):
    item = {
        "id": 7,
        "text": "All cats sleep. ",
        "question": "Which is true?",
        "options": ["Cats run.", "Cats sleep.", "Dogs run.", "Dogs sleep."],
        "answer": 1,
    }
    return json.dumps({**item, **changes})


def test_json_lines_are_the_same_questions(write):
    other = line(text="x", options=["(A)a", "(B)b", "(C)c", "(D)d"], answer="c")
    path = write("test.txt", f"\ufeff{line()}\r\n\r\n{other}\r\n")
    first, second = get_task("logiqa").read(path).questions
    assert first.text == "All cats sleep.\nWhich is true?"
    assert (first.gold, first.choices[1], first.split) == ("B", "Cats sleep.", "test")
    assert (second.gold, second.choices) == ("C", ("a", "b", "c", "d"))


def test_a_copy_with_other_names_for_its_parts_is_read(write):
    item = json.loads(line())
    renamed = {
        "context": item["text"],
        "query": item["question"],
        "options": item["options"],
        "correct_option": 3,
    }
    path = write("validation.jsonl", json.dumps(renamed))
    (question,) = get_task("logiqa").read(path.parent).questions
    assert (question.gold, question.split) == ("D", "dev")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"answer": 4}, "line 2: '4' is neither a place from 0 to 3 nor a letter"),
        ({"answer": None}, "line 2: "),
        ({"options": ["a", "b", "c"]}, "line 2: has 3 options instead of 4"),
        ({"options": "abcd"}, "line 2: 'options' must be a list"),
        ({"text": " "}, "line 2: 'text' must be a text"),
    ],
)
def test_a_faulty_line_is_left_out_and_costs_no_other(write, changes, problem):
    text = "\n".join([line(), line(**changes), line(text="y")])
    dataset = get_task("logiqa").read(write("train.jsonl", text))
    assert [question.key for question in dataset.questions] == ["train-1", "train-3"]
    assert problem in dataset.skipped[0]
