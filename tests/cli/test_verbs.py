"""The verbs for Python: lazily there, typed, and the same work as the command line's."""

import inspect
from dataclasses import replace

import pytest

import localfair
from localfair.cli import COMMANDS, verbs
from localfair.cli.export import export
from localfair.errors import UsageError
from tests.lab import FAST, Lab


def test_every_verb_is_documented_and_typed():
    assert localfair.__all__ == verbs.__all__
    for name in localfair.__all__:
        verb = getattr(localfair, name)
        assert verb is getattr(verbs, name)
        assert verb.__doc__ and not verb.__doc__.startswith(f"{name}(")
        assert all(p.annotation is not p.empty for p in inspect.signature(verb).parameters.values())
    assert set(localfair.__all__) <= set(dir(localfair))
    with pytest.raises(AttributeError, match="no attribute 'runn'"):
        _ = localfair.runn


def test_verbs_have_the_names_of_commands():
    exports = {f"export_{name}" for name in export.commands}
    others = {"RunOptions", "Equal", "Destination", "findings", "import_table", "load"}
    assert set(localfair.__all__) - set(COMMANDS) == exports | others


@pytest.fixture
def options(lab: Lab):
    usual = {
        "task": "table",
        "data": lab.data,
        "student": lab.student,
        "teachers": lab.teachers,
        "workspace": lab.folder,
        "db": lab.db,
        "settings": FAST,
    }
    return localfair.RunOptions(**usual)


def test_a_run_gives_its_findings_and_says_its_steps(options, lab):
    said = []
    found = localfair.exam("fair", options, say=said.append)
    assert found.status == "done"
    assert found.run == localfair.findings(lab.db).run
    assert said
    planned = localfair.plan("fair", options)
    assert planned.recorded > 0


def test_recipes_are_compared(options):
    with pytest.raises(UsageError, match="cannot both be equal"):
        localfair.compare(["untrained"], options, equal=localfair.Equal(tokens=1, lessons=1))
    compared = localfair.compare(["untrained"], replace(options, settings=()))
    [row] = compared.rows
    assert (row.variant, row.seed, row.lessons) == ("untrained", 0, 0)


def test_what_a_run_made_is_exported_where_it_is_said(lab, tmp_path):
    lab.run(until="select")
    lab.run(until="before", seed=1)  # a newer run without a lesson
    into = localfair.Destination(tmp_path / "out")
    path = localfair.export_lessons(lab.db, into=into)
    assert path.is_relative_to(tmp_path / "out") and path.read_text().count("\n") == 16
    for verb in (localfair.export_adapter, localfair.export_card, localfair.export_gguf):
        with pytest.raises(UsageError, match="trained no student"):
            verb(lab.db, into=into)
    assert localfair.export_lessons(lab.db, into=into) == path


def test_a_sheet_of_answers_is_graded(tmp_path):
    sheet = tmp_path / "answers.jsonl"
    sheet.write_text('{"id": 1, "text": "The answer is 7.", "gold": "7"}\n' * 2)
    grades = localfair.grade("gsm8k", sheet)
    assert [each["grade"] for each in grades] == ["right", "right"]
    with pytest.raises(UsageError, match="No such file"):
        localfair.grade("gsm8k", tmp_path / "none.jsonl")


def test_a_model_is_measured(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.script.toml").write_text('[[rule]]\nwhen = ""\nreplies = ["Yes."]')
    rates = localfair.bench("m.script.toml", batches=[2], db="my.db")
    assert [rate.batch for rate in rates] == [2]


def test_a_stage_that_a_recipe_lacks_is_refused(options):
    with pytest.raises(UsageError, match="has no soften step"):
        localfair.soften("fair", options)


def test_a_table_is_imported_and_a_model_is_asked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.csv").write_text("Question,Answer\na?,1\nb?,\n")
    dataset = localfair.import_table("mine.csv", "mine", db="my.db")
    assert len(dataset.questions) == 1
    assert len(dataset.skipped) == 1
    (tmp_path / "m.script.toml").write_text('[[rule]]\nwhen = ""\nreplies = ["Yes."]')
    assert localfair.ask("Is it?", model="m.script.toml") == {"m": "Yes."}
