"""The verbs for Python: lazily there, typed, and the same work as the command line's."""

import inspect

import pytest

import localfair
from localfair.cli import COMMANDS, verbs
from localfair.errors import UsageError
from tests.lab import FAST, Lab


def test_every_verb_is_documented_and_typed():
    assert localfair.__all__ == verbs.__all__
    for name in localfair.__all__:
        verb = getattr(localfair, name)
        assert verb is getattr(verbs, name)
        assert verb.__doc__
        assert all(p.annotation is not p.empty for p in inspect.signature(verb).parameters.values())
    assert set(localfair.__all__) <= set(dir(localfair))
    with pytest.raises(AttributeError, match="no attribute 'runn'"):
        _ = localfair.runn


def test_verbs_have_the_names_of_commands():
    assert set(localfair.__all__) - set(COMMANDS) == {
        "RunOptions",
        "findings",
        "import_table",
        "load",
    }


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
