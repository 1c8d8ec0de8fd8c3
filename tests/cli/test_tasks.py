"""`localfair tasks`: list, show and import, over a real database."""

from __future__ import annotations

import json
import sys

import pytest
from click.testing import CliRunner

from localfair.cli.tasks import tasks
from localfair.errors import (
    BadDataset,
    LocalfairError,
    MissingDependency,
    TaskError,
    UsageError,
)
from localfair.record.store import Store
from localfair.tasks import all_tasks


def run(*arguments):
    result = CliRunner().invoke(tasks, [str(argument) for argument in arguments])
    if isinstance(result.exception, LocalfairError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def db(tmp_path):
    return tmp_path / "record.db"


def test_list_names_every_task():
    names = [line.split()[0] for line in run("list").splitlines()]
    assert names == [task.name for task in all_tasks()]


def test_list_says_where_the_questions_come_from():
    assert "https://github.com/arkilpatel/SVAMP" in run("list")
    assert "arithmetic-1      number    generated" in run("list")


def test_show_makes_an_example_of_a_generated_task():
    text = run("show", "arithmetic-1")
    assert "train 1800, dev 200, test 600" in text
    assert "The answer is " in text


def test_show_reads_a_published_task_from_its_files(tmp_path):
    problem = {"question": "How many?", "answer": "3+4 = 7\n#### 7"}
    path = tmp_path / "test.jsonl"
    path.write_text(json.dumps(problem))
    text = run("show", "gsm8k", path)
    assert "train 0, dev 0, test 1" in text
    assert "How many?\n\nanswer: 7\nrationale: 3+4 = 7. The answer is 7." in text


def test_show_without_files_says_what_is_known_without_them():
    text = run("show", "gsm8k")
    assert "licence: MIT" in text
    assert "splits" not in text


def test_importing_twice_stores_once(db):
    assert "2600 new" in run("import", "arithmetic-1", "--db", db)
    assert "0 new" in run("import", "arithmetic-1", "--db", db)
    with Store.open(db) as store:
        assert len(store.questions("arithmetic-1", "test")) == 600


def test_a_table_is_stored_under_the_name_it_is_given(tmp_path, db):
    table = tmp_path / "t.csv"
    table.write_text("q,a,part\nOne?,1,train\nTwo?,2,test\n")
    columns = ("--question-column", "q", "--answer-column", "a", "--split-column", "part")
    run("import", "table", table, "--db", db, "--as", "mine", *columns)
    with Store.open(db) as store:
        assert store.tasks() == ["mine"]
        assert [question.gold for question in store.questions("mine", "test")] == ["2"]


def test_the_choices_of_a_table_may_stand_in_any_column(tmp_path, db):
    table = tmp_path / "t.csv"
    table.write_text("question,answer,options,split\nWhich?,red,blue|red,test\n")
    run("import", "table", table, "--db", db, "--choices-column", "options")
    with Store.open(db) as store:
        (question,) = store.questions("table", "test")
    assert (question.choices, question.gold) == (("blue", "red"), "B")


def test_what_cannot_be_imported_is_refused(tmp_path, db):
    with pytest.raises(TaskError, match="needs its files"):
        run("import", "gsm8k", "--db", db)
    with pytest.raises(UsageError, match="--as renames a table"):
        run("import", "gsm8k", tmp_path, "--db", db, "--as", "mine")
    assert not db.exists()


@pytest.fixture
def mixed(tmp_path):
    """A table of three numbers and a text."""
    table = tmp_path / "mixed.csv"
    table.write_text("question,answer,split\nA?,007,test\nB?,8,test\nC?,9,test\nD?,10,test\n")
    return table


def test_import_and_show_say_what_the_answers_were_read_as(mixed, db):
    expected = "answers: 3 numbers, 1 text: line 2"
    assert expected in run("import", "table", mixed, "--db", db)
    assert expected in run("show", "table", mixed)


def test_the_kind_of_every_answer_can_be_given(mixed, db):
    text = run("import", "table", mixed, "--db", db, "--answer-kind", "text")
    assert "answers: 4 texts" in text
    with pytest.raises(BadDataset, match="line 2: the answer '007' is not a number answer"):
        other = ("--as", "other", "--answer-kind", "number", "--strict")
        run("import", "table", mixed, "--db", db, *other)
    with Store.open(db) as store:
        assert store.tasks() == ["table"]
        assert {question.key for question in store.questions("table", "test")} == {
            "1",
            "2:text",
            "3:text",
            "4:text",
        }


def test_questions_that_are_stored_keep_the_kind_of_their_answers(mixed, db):
    run("import", "table", mixed, "--db", db)
    with pytest.raises(UsageError, match="table: 3 of the questions are stored with another kind"):
        run("import", "table", mixed, "--db", db, "--answer-kind", "text")
    run("import", "table", mixed, "--db", db, "--answer-kind", "text", "--as", "texts")


def test_a_task_of_its_own_knows_the_kind_of_its_answers(db):
    with pytest.raises(UsageError, match="--answer-kind is for a table"):
        run("import", "arithmetic-1", "--db", db, "--answer-kind", "text")


def test_faulty_rows_are_left_out_and_counted_unless_strict(tmp_path, db):
    table = tmp_path / "t.csv"
    table.write_text("Question;Answer\nA?;1\nB?;\nC?;2\n")
    result = CliRunner().invoke(tasks, ["import", "table", str(table), "--db", str(db)])
    assert result.exit_code == 0
    assert "warning: left out 1 faulty row: line 3" in result.stderr
    with pytest.raises(BadDataset, match="line 3: has no 'answer'"):
        run("import", "table", table, "--db", db, "--strict")


def test_a_folder_keeps_its_splits_and_small_ones_are_warned_of(tmp_path, db):
    for name, count in (("train", 3), ("dev", 1), ("test", 2)):
        rows = [json.dumps({"question": f"{name} {n}?", "answer": n}) for n in range(count)]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(rows))
    line = ["import", "table", str(tmp_path), "--db", str(db), "--as", "mine"]
    result = CliRunner().invoke(tasks, line)
    assert "mine: train 3, dev 1, test 2, 6 new" in result.stdout
    assert "warning: test has 2 questions" in result.stderr
    assert "warning: dev has 1 question:" in result.stderr


def test_list_shows_the_tables_of_a_database(tmp_path, db):
    table = tmp_path / "t.csv"
    table.write_text("question,answer,split\nA?,1,train\nB?,2,test\n")
    run("import", "table", table, "--db", db, "--as", "mine")
    last = run("list", "--db", db).splitlines()[-1]
    assert last.startswith("mine ")
    assert last.endswith("any       a table of your own: train 1, dev 0, test 1")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (("table",), "a table needs its file"),
        (("gsm8k", "a", "b"), "'gsm8k' is read from one path"),
        (("nothing",), "there is no task 'nothing'"),
        (("table", "missing.csv"), "No such file"),
    ],
)
def test_what_names_nothing_to_import_is_refused(db, line, problem):
    with pytest.raises(LocalfairError, match=problem):
        run("import", *line, "--db", db)
    assert not db.exists()


def test_a_generator_without_its_package_names_the_extra(db, monkeypatch):
    monkeypatch.setitem(sys.modules, "reasoning_gym", None)
    monkeypatch.setitem(sys.modules, "reasoning_gym.factory", None)
    with pytest.raises(MissingDependency, match="reasoning-gym") as refused:
        run("import", "reasoning-gym", "chain_sum", "--db", db)
    assert "localfair[gym]" in refused.value.hint
    assert not db.exists()


def test_a_generator_makes_a_table(db):
    pytest.importorskip("reasoning_gym")
    out = run("import", "reasoning-gym", "chain_sum", "--size", "40", "--as", "sums", "--db", db)
    assert "answers: 40 numbers" in out
    with Store.open(db) as store:
        assert store.tasks() == ["sums"]
