"""A table's files: published splits are kept, and what is done about a missing one is said."""

import gzip
import json

import pytest

from localfair.errors import BadDataset
from localfair.tasks.table import Table
from localfair.tasks.table_files import part_of


def lines(*numbers):
    return "\n".join(json.dumps({"question": f"Item {n}?", "answer": n}) for n in numbers)


@pytest.fixture
def folder(tmp_path):
    """`folder(name=content, ...)` is a folder of files, `_` for the dot in a name."""

    def make(**files):
        for name, content in files.items():
            (tmp_path / name.replace("__", ".")).write_text(content)
        return tmp_path

    return make


def by_split(dataset):
    splits = {}
    for question in dataset.questions:
        splits.setdefault(question.split, set()).add(question.gold)
    return splits


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("train.jsonl", "train"),
        ("mine_TEST.csv.gz", "test"),
        ("validation-00000-of-00001.parquet", "dev"),
        ("val.json", "dev"),
        ("items.csv", None),
        ("train_test.csv", None),
        ("contest.csv", None),
    ],
)
def test_a_name_says_which_split_a_file_is(tmp_path, name, part):
    assert part_of(tmp_path / name) == part


def test_a_folder_keeps_the_published_splits(folder):
    path = folder(train__jsonl=lines(1, 2, 3), dev__jsonl=lines(4), test__jsonl=lines(5, 6))
    dataset = Table().read(path)
    assert by_split(dataset) == {"train": {"1", "2", "3"}, "dev": {"4"}, "test": {"5", "6"}}
    assert dataset.warnings == ()
    assert len(dataset.sources) == 3


def test_three_files_keep_the_published_splits_in_any_order(folder):
    path = folder(
        train__jsonl=lines(1, 2),
        valid__csv="Question;Answer\na?;4\n",
        test__tsv="question\tanswer\nb?\t5\n",
    )
    paths = [path / "test.tsv", path / "valid.csv", path / "train.jsonl"]
    assert by_split(Table().read_files(paths)) == {
        "train": {"1", "2"},
        "dev": {"4"},
        "test": {"5"},
    }


def test_a_train_file_by_itself_is_split_and_that_is_said(folder):
    path = folder(train__jsonl=lines(*range(40)))
    dataset = Table().read(path / "train.jsonl")
    assert set(by_split(dataset)) == {"train", "dev", "test"}
    assert dataset.warnings == (
        "no file is a test split: 3 in 10 questions of train are taken for test",
    )


def test_a_test_file_by_itself_is_the_test_split(folder):
    dataset = Table().read(folder(test__jsonl=lines(*range(9))) / "test.jsonl")
    assert set(by_split(dataset)) == {"test"}
    assert dataset.warnings == ("test.jsonl is the test split, as its name says",)


def test_a_published_test_file_beside_the_given_one_is_told(folder):
    path = folder(train__jsonl=lines(*range(9)), test__jsonl=lines(10))
    warnings = Table().read(path / "train.jsonl").warnings
    assert "test.jsonl beside it was not read: give the folder to keep its split" in warnings


def test_a_question_of_two_files_stays_in_test_and_that_is_said(folder):
    dataset = Table().read(folder(train__jsonl=lines(1, 2, 3), test__jsonl=lines(3, 4)))
    assert by_split(dataset)["test"] == {"3", "4"}
    assert "3" not in by_split(dataset)["train"]
    assert any(
        line.startswith("1 questions stand in more than one split") for line in dataset.warnings
    )


def test_a_split_column_goes_before_a_files_name_only_when_it_is_named(folder):
    content = "question,answer,split\na?,1,train\nb?,2,test\n"
    path = folder(train__csv=content, test__csv="question,answer\nc?,3\n")
    assert by_split(Table().read(path))["test"] == {"3"}
    assert by_split(Table(split="split").read(path / "train.csv"))["test"] == {"2"}


def test_of_a_folder_files_without_a_split_are_not_read_and_told(folder):
    path = folder(train__jsonl=lines(1), test__jsonl=lines(2), notes__csv="a,b\n1,2\n")
    assert Table().read(path).warnings == ("notes.csv was not read: its name says no split",)


def test_several_files_whose_names_say_nothing_are_refused(folder):
    path = folder(a__jsonl=lines(1), b__jsonl=lines(2))
    with pytest.raises(BadDataset, match=r"a\.jsonl, b\.jsonl: the name does not say"):
        Table().read(path)
    with pytest.raises(BadDataset, match="holds no data files"):
        empty = path / "empty"
        empty.mkdir()
        Table().read(empty)


@pytest.mark.parametrize("name", ["t.jsonl.gz", "t.jsonl"])
def test_a_file_packed_with_gzip_is_read(tmp_path, name):
    (tmp_path / name).write_bytes(gzip.compress(lines(1, 2).encode()))
    assert len(Table().read(tmp_path / name).questions) == 2


def test_damaged_gzip_is_named(tmp_path):
    path = tmp_path / "t.jsonl.gz"
    path.write_bytes(gzip.compress(lines(*range(50)).encode())[:-9])
    with pytest.raises(BadDataset, match="is not whole gzip"):
        Table().read(path)
