"""Tasks are found by their names, and every file that defines one is listed."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

import localfair.tasks
from localfair.errors import TaskError, UnknownTask, UsageError
from localfair.tasks import all_tasks, get_task, table_task

FILES = sorted(Path(localfair.tasks.__file__).parent.glob("*.py"))


def test_every_file_that_defines_tasks_is_listed():
    defining = [file.stem for file in FILES if "\nTASKS = (" in file.read_text()]
    assert len(defining) == 14
    listed = all_tasks()
    for file in defining:
        for task in import_module(f"localfair.tasks.{file}").TASKS:
            assert task in listed


def test_every_task_is_found_by_its_name_and_no_two_share_one():
    names = [task.name for task in all_tasks()]
    assert len(set(names)) == len(names) == 18
    assert [get_task(name).name for name in names] == names


def test_every_task_says_where_it_is_from_and_how_it_is_answered():
    for task in all_tasks():
        assert task.answer_format()
        assert task.licence
        assert task.public_source


def test_a_task_is_generated_or_has_files():
    with_files = [task for task in all_tasks() if not task.generated]
    assert len(with_files) == 11
    for task in with_files:
        with pytest.raises(TaskError):
            task.generate()


def test_an_unknown_task_gets_the_nearest_name():
    with pytest.raises(UnknownTask) as caught:
        get_task("gsm8")
    assert "gsm8k" in caught.value.hint


def test_an_imported_table_is_found_by_its_name():
    assert get_task("mine", imported=["mine"]).name == "mine"


def test_a_table_has_the_usual_columns_but_for_those_that_are_named():
    table = table_task("mine", answer="a")
    assert (table.name, table.question, table.answer) == ("mine", "question", "a")
    assert (table.choices, table.split) == (None, None)
    assert table_task(None).name == "table"


def test_a_table_cannot_take_the_name_of_a_benchmark():
    with pytest.raises(UsageError):
        table_task("gsm8k")
