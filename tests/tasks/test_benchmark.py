"""A benchmark reads its published files or makes its questions, and says what a wrong file should be."""

from __future__ import annotations

import pytest

from localfair.errors import BadDataset, TaskError
from localfair.record.nouns import Question
from localfair.tasks import get_task
from localfair.tasks.benchmark import Benchmark, Layout, checked_gold, concluded, prompt
from localfair.tasks.files import Row
from localfair.tasks.splits import Item


def items(file):
    """A question for each line."""
    return [Item(key=line, text=line, gold="1") for line in file.text.split()]


LAYOUT = Layout(
    files={"a.txt": "train", "b.txt": "dev", "c.txt": "test"},
    items=items,
    hint="expected a.txt, b.txt and c.txt",
)
LINES = Benchmark(
    name="lines",
    answer_kind="number",
    licence="MIT",
    public_source="nowhere",
    layout=LAYOUT,
)


def test_a_folder_gives_all_its_files(tmp_path):
    for name, text in (("a.txt", "one two"), ("b.txt", "three"), ("c.txt", "four")):
        (tmp_path / name).write_text(text)
    dataset = LINES.read(tmp_path)
    assert [source.name for source in dataset.sources] == ["a.txt", "b.txt", "c.txt"]
    assert {q.text: q.split for q in dataset.questions} == {
        "one": "train",
        "two": "train",
        "three": "dev",
        "four": "test",
    }
    assert dataset.licence == "MIT"


def test_a_folder_without_one_of_the_files_is_refused_and_the_file_named(write, tmp_path):
    write("a.txt", "one")
    with pytest.raises(BadDataset, match=r"has no b\.txt, c\.txt"):
        LINES.read(tmp_path)


def test_the_same_question_in_train_and_test_is_dropped_from_train(write, tmp_path):
    problem = {"question": "How many?", "answer": "#### 7"}
    write("train.jsonl", problem)
    write("test.jsonl", problem)
    dataset = get_task("gsm8k").read(tmp_path)
    assert [source.name for source in dataset.sources] == ["train.jsonl", "test.jsonl"]
    assert [q.split for q in dataset.questions] == ["test"]


def test_a_file_by_itself_is_the_part_its_name_says_and_any_other_is_split(write):
    assert [q.split for q in LINES.read(write("b.txt", "one")).questions] == ["dev"]
    many = " ".join(f"line{n}" for n in range(100))
    splits = {q.split for q in LINES.read(write("other.txt", many)).questions}
    assert splits == {"train", "dev", "test"}


def test_a_path_that_is_not_there_is_named(tmp_path):
    with pytest.raises(BadDataset, match="nowhere"):
        LINES.read(tmp_path / "nowhere")


def test_files_without_questions_are_refused(write):
    with pytest.raises(BadDataset, match="holds no questions"):
        get_task("svamp").read(write("SVAMP.json", "[]"))


def test_a_task_that_has_files_makes_no_questions_and_the_other_way_round(tmp_path):
    with pytest.raises(TaskError, match="needs its files"):
        LINES.generate()
    with pytest.raises(TaskError, match="reads no files"):
        get_task("arithmetic").read(tmp_path)


def test_a_prompt_is_the_text_and_lettered_choices():
    question = Question(
        task="t", key="1", split="test", text="Which?", gold="B", choices=("red", "blue")
    )
    assert prompt(question) == "Which?\nA. red\nB. blue"
    assert LINES.prompt(question) == prompt(question)


@pytest.mark.parametrize(
    ("reasoning", "text"),
    [
        ("3+4 = 7", "3+4 = 7. The answer is 7."),
        ("Is it 7?\n", "Is it 7? The answer is 7."),
        ("", "The answer is 7."),
    ],
)
def test_reasoning_is_closed_by_the_answer(reasoning, text):
    assert concluded(reasoning, "7") == text


def test_an_answer_of_another_kind_is_refused_with_its_place():
    row = Row("t.csv line 2", {}, "")
    assert checked_gold(row, "number", "1,234") == "1234"
    with pytest.raises(BadDataset, match="line 2: the answer 'many' is not a number answer"):
        checked_gold(row, "number", "many")
    with pytest.raises(BadDataset, match="'z' is not one of the choices"):
        checked_gold(row, "choice", "z", ("x", "y"))
