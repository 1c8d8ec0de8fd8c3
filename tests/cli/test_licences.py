"""Terms travel with what was made under them: `localfair licences`, and `run --licences`."""

from __future__ import annotations

import json
import sqlite3

import pytest

from localfair.record.licences import is_non_commercial
from tests.cli.conftest import Desk, review
from tests.models.weights import gguf

CARD = """
name = "strict"
family = "llama"
licence = "llama-2"
licence_read_from = "the licence text"
output_terms = "not to improve any other model"
may_train = {may_train}
format = "gguf"
file = "strict.gguf"
"""
SMALL = ("--task", "arithmetic-1", "--train-limit", "4", "--test-limit", "2")


@pytest.fixture
def strict(desk: Desk) -> Desk:
    """A folder with a teacher whose terms forbid to train others."""
    gguf(desk.folder / "models/weights/strict.gguf")
    card(desk, "false")
    return desk


def card(desk: Desk, may_train: str) -> None:
    text = CARD.format(may_train=may_train).replace("may_train = none\n", "")
    (desk.folder / "models/strict.toml").write_text(text)


def fair(*more: str) -> tuple[str, ...]:
    student = ("--student", "models/weights/strict.gguf")
    return ("fair", *student, "--teacher", "strict", "--teacher", "strict", *SMALL, *more)


def test_a_teacher_whose_terms_forbid_it_is_refused_where_the_user_wants_it(strict: Desk) -> None:
    said = strict.says("run", *fair("--licences", "refuse"))
    assert said.code == 2
    assert said.error == (
        "the terms of strict forbid to train others on its replies: not to improve any other model"
    )
    assert not (strict.folder / "localfair.db").exists()


def test_the_workspace_can_say_it_once(strict: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCALFAIR_LICENCES", "refuse")
    assert "forbid" in strict.says("run", *fair()).error


@pytest.mark.parametrize("may_train", ["true", "none"])
def test_whose_terms_allow_it_or_were_never_read_may_teach(strict: Desk, may_train: str) -> None:
    card(strict, may_train)
    assert strict.says("plan", *fair("--licences", "refuse")[0:], "--json").code == 0


def test_nothing_is_refused_where_nobody_is_trained(strict: Desk) -> None:
    said = strict.says("plan", *fair("--licences", "refuse", "--set", "train.enabled=false"))
    assert said.code == 0


def test_a_run_keeps_what_the_cards_said(desk: Desk) -> None:
    assert desk.says(*review("--db", "lab.db")).code == 0
    said = desk.says("licences", "--db", "lab.db")
    assert "teacher   anna: none: a script" in said.out
    assert "data: generated, no file and no licence" in said.out
    found = json.loads(desk.says("licences", "--db", "lab.db", "--json").out)
    assert {model["model"] for model in found["models"]} == {"student", "anna", "bert"}
    assert found["forbidden"] == found["non_commercial"] == []
    report = desk.says("report", "--db", "lab.db")
    assert "\n  teacher   anna: none: a script; may train others: yes\n" in report.out
    assert json.loads(desk.says("report", "--db", "lab.db", "--json").out)["licences"] == found


def test_data_for_no_commercial_use_marks_what_learned_from_it(desk: Desk) -> None:
    assert desk.says(*review("--db", "lab.db")).code == 0
    with sqlite3.connect(desk.folder / "lab.db") as connection:
        connection.execute(
            "INSERT INTO sources (id, task, name, sha256, bytes, licence, imported) VALUES"
            " ('s', 'arithmetic-1', 'ASDiv.xml', 'aa', 1, 'CC BY-NC 4.0', 'now')"
        )
    said = desk.says("licences", "--db", "lab.db")
    assert "data      ASDiv.xml: CC BY-NC 4.0" in said.out
    mark = "for no commercial use: ASDiv.xml, and what learned from it"
    assert mark in said.out
    assert f"\n  {mark}\n" in desk.says("report", "--db", "lab.db").out
    found = json.loads(desk.says("report", "--db", "lab.db", "--json").out)["licences"]
    assert found["non_commercial"] == ["ASDiv.xml"]
    assert desk.says("report", "--db", "lab.db", "--html", "page.html").code == 0
    assert f'<p class="warn">{mark}</p>' in (desk.folder / "page.html").read_text()


@pytest.mark.parametrize(
    "licence", ["cc-by-nc-4.0", "CC BY-NC-SA", "non commercial", "Not for commercial use"]
)
def test_a_licence_says_of_itself_that_it_is_for_no_commercial_use(licence: str) -> None:
    assert is_non_commercial(licence)


@pytest.mark.parametrize(
    "licence", ["Apache-2.0", "Inc. licence", "commercial and non-commercial use", "unverified", ""]
)
def test_and_others_say_it_not(licence: str) -> None:
    assert not is_non_commercial(licence)


def test_an_unknown_run_is_one_line_and_a_hint(desk: Desk) -> None:
    assert desk.says(*review("--db", "lab.db")).code == 0
    said = desk.says("licences", "nope", "--db", "lab.db")
    assert (said.code, said.error) == (2, "there is no run 'nope' in lab.db")
