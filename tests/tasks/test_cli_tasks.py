"""`localfair tasks`: list, show and import, over a real database."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from localfair.cli.tasks import tasks
from localfair.errors import LocalfairError, TaskError, UsageError
from localfair.record.store import Store
from localfair.tasks import all_tasks


def run(*arguments):
    result = CliRunner().invoke(tasks, [str(a) for a in arguments])
    if isinstance(result.exception, LocalfairError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def test_list_names_every_task():
    assert [line.split()[0] for line in run("list").splitlines()] == [
        task.name for task in all_tasks()
    ]


def test_show_makes_an_example_of_a_generated_task():
    shown = run("show", "arithmetic-1")
    assert "train 1800, dev 200, test 600" in shown
    assert "The answer is " in shown


def test_show_reads_a_published_task_from_its_files(published):
    assert "train 6739, dev 734, test 1319" in run("show", "gsm8k", published("gsm8k"))
    assert "licence: MIT" in run("show", "gsm8k")


def test_importing_twice_stores_once(tmp_path):
    assert "2600 new" in run("import", "arithmetic-1", "--db", tmp_path / "r.db")
    assert "0 new" in run("import", "arithmetic-1", "--db", tmp_path / "r.db")
    with Store.open(tmp_path / "r.db") as store:
        assert len(store.questions("arithmetic-1", "test")) == 600


def test_a_table_is_stored_under_the_name_it_is_given(tmp_path):
    (tmp_path / "t.csv").write_text("q,a,part\nOne?,1,train\nTwo?,2,test\n")
    columns = ("--question-column", "q", "--answer-column", "a", "--split-column", "part")
    run("import", "table", tmp_path / "t.csv", "--db", tmp_path / "r.db", "--as", "mine", *columns)
    with Store.open(tmp_path / "r.db") as store:
        assert store.tasks() == ["mine"]
        assert [q.gold for q in store.questions("mine", "test")] == ["2"]


def test_what_cannot_be_imported_is_said(tmp_path):
    with pytest.raises(TaskError, match="needs its files"):
        run("import", "gsm8k", "--db", tmp_path / "r.db")
    with pytest.raises(UsageError):
        run("import", "gsm8k", tmp_path, "--db", tmp_path / "r.db", "--as", "mine")
