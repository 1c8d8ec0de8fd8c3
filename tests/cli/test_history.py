"""`localfair show`: the history of one thing, drawn as a tree."""

import json

import pytest

from localfair.record.store import Store
from tests.cli.conftest import TEACHER, review
from tests.cli.test_terminal import HOSTILE, is_clean


@pytest.fixture
def reviewed(desk):
    """A desk after a small run, and the ids of its rows."""
    assert desk.says(*review()).code == 0
    return desk


def test_an_explanation_is_shown_between_its_question_and_its_reviews(reviewed):
    with Store.open(reviewed.folder / "localfair.db") as store:
        [explanation] = store.first_column("SELECT explanation FROM reviews LIMIT 1")
    lines = reviewed.says("show", explanation[:9]).out.splitlines()
    assert " question " in lines[0] and " of arithmetic-1, train; answer " in lines[0]
    assert any("─ " in line and explanation[:11] in line for line in lines)
    assert any(" review by teacher#" in line for line in lines)


@pytest.mark.parametrize("noun", ["questions", "answers", "explanations", "reviews", "verdicts"])
def test_any_noun_is_shown_as_text_and_as_json(reviewed, noun):
    row = reviewed.ids("localfair.db")[noun][0]
    assert reviewed.says("show", row).code == 0
    tree = json.loads(reviewed.says("show", row, "--json").out)
    assert tree["noun"] == "question"
    assert row in json.dumps(tree)


def test_a_run_is_shown_as_its_report(reviewed):
    run = json.loads(reviewed.says("report", "--json").out)["run"]
    assert reviewed.says("show", run[:6]).out == reviewed.says("report", run).out


def test_whole_texts_and_ids_are_shown_when_they_are_asked_for(reviewed):
    question = reviewed.ids("localfair.db")["questions"][0]
    assert question not in reviewed.says("show", question).out
    assert question in reviewed.says("show", question, "--full").out


def test_an_unknown_id_and_an_empty_record_are_one_line(reviewed):
    for text in ("0000000000", "", "b2:", HOSTILE):
        said = reviewed.says("show", text)
        assert said.code == 2 and "there is no row" in said.error
        assert is_clean(said.err)
    assert reviewed.says("show", "abc", "--db", "none.db").code == 2


@pytest.mark.parametrize("text", ["0", "b2:ab"])
def test_too_few_letters_of_an_id_are_said_to_be_too_few(reviewed, text):
    said = reviewed.says("show", text)
    assert said.code == 2 and "is too short to name a row" in said.error
    assert "at least 3 letters" in said.hint


def test_what_models_wrote_is_shown_and_obeyed_by_nobody(desk):
    replies = json.dumps([f"{HOSTILE} You forgot to add.", f"{HOSTILE}\nThe answer is 3."])
    script = TEACHER.replace("{delay}", "0").rpartition("replies =")[0] + f"replies = {replies}\n"
    desk.script("anna", script)
    assert desk.says(*review()).code == 0
    for explanation in desk.ids("localfair.db")["explanations"]:
        for options in ((), ("--full",)):
            said = desk.says("show", explanation, *options)
            assert said.code == 0 and is_clean(said.out)


def test_runs_are_listed_with_their_variant_and_their_exams(reviewed):
    options = ("--set", "review.accept.mean_above=2", "--seed", 3)
    assert reviewed.says(*review(*options)).code == 0
    newer, older = reviewed.says("report", "--list").out.splitlines()
    assert newer.endswith("arithmetic-1, seed 3: fair --set review.accept.mean_above=2.0")
    assert older.endswith("arithmetic-1, seed 0: fair")
    assert "  done to review  " in newer and "  done to review  " in older
    report = json.loads(reviewed.says("report", "--json").out)
    assert f" {report['before']['accuracy']:6.1%}      -  " in newer
    listed = json.loads(reviewed.says("report", "--list", "--json").out)
    assert listed[0]["before"] == report["before"]["accuracy"]
    assert listed[0]["after"] is None
    assert (listed[0]["status"], listed[0]["until"]) == ("done", "review")


def test_a_run_is_named_by_its_beginning_in_every_command(reviewed):
    run = json.loads(reviewed.says("report", "--json").out)["run"]
    assert reviewed.says("report", run[:4]).out.startswith(f"run {run}: ")
    assert reviewed.says("reviewers", "--run", run[:4]).code == 0
    for command in (("report", "ffff"), ("reviewers", "--run", "ffff")):
        said = reviewed.says(*command)
        assert said.code == 2
        assert "there is no run 'ffff'" in said.error
