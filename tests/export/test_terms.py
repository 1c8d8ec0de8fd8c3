"""Whose terms a run's lessons and student are under goes with everything that is exported of them."""

import json
import sqlite3

import pytest
import yaml
from gguf import GGUFReader

from localfair.export.card import card
from localfair.export.lessons import write
from localfair.export.once import Destination
from localfair.export.weights import export_adapter, export_merged
from localfair.record.licences import ledger
from localfair.record.store import Store
from localfair.report.findings import find_run
from tests.export.exporting import quiet

MARK = "for no commercial use: ASDiv.xml, and what learned from it"
FORBIDDEN = "lessons although it is forbidden: by strict"
ROW = r"| teacher | strict | llama-2 \| # mine | NO | not to improve any other model |"


@pytest.fixture(scope="module")
def marked(taught, tmp_path_factory):
    """The trained student, of a data set under CC BY-NC and a teacher whose terms forbid it."""
    lab = taught.copy(tmp_path_factory.mktemp("marked"))
    terms = {
        "role": "teacher",
        "model": "strict",
        "licence": "llama-2 |\n# mine",
        "outputs": "not to improve any other model",
        "may_train": False,
    }
    with sqlite3.connect(lab.db) as connection:
        connection.execute(
            "UPDATE runs SET settings = json_set(settings, '$.terms', json_array(json(?)))",
            [json.dumps(terms)],
        )
        connection.execute(
            "INSERT INTO sources (id, task, name, sha256, bytes, licence, imported) VALUES"
            " ('s', 'table', 'ASDiv.xml', 'aa', 1, 'CC BY-NC 4.0', 'now')"
        )
    return lab


@pytest.fixture
def terms(marked):
    with Store.open(marked.db) as store:
        return json.loads(json.dumps(ledger(store, find_run(store, None)).as_data()))


def front_matter(page):
    _, front, _ = page.split("---\n", 2)
    return yaml.safe_load(front)


def is_said_in(page):
    """Whether a page holds the teacher's terms, the data's licence and what follows."""
    assert MARK in page
    assert FORBIDDEN in page
    assert ROW in page.replace("\\|\\#", "\\|#").replace("\\#", "#")
    assert "| ASDiv.xml | CC BY-NC 4.0 | `aa` |" in page
    return True


@pytest.mark.parametrize("form", ["messages", "prompt-completion", "dataset"])
def test_lessons_carry_them_in_their_page_and_for_programs(marked, terms, tmp_path, form):
    if form == "dataset":
        pytest.importorskip("pyarrow")
    with Store.open(marked.db) as store:
        path = write(store, None, form, Destination(tmp_path))
    folder = path if path.is_dir() else path.parent
    page = (folder / "README.md").read_text()
    assert is_said_in(page)
    assert json.loads((folder / "licences.json").read_text()) == terms
    if form == "dataset":
        assert front_matter(page)["license_name"] == "non-commercial"


def test_an_adapter_carries_them(marked, terms, tmp_path):
    folder = marked.export(export_adapter, Destination(tmp_path)).export.path
    assert is_said_in((folder / "README.md").read_text())
    assert json.loads((folder / "localfair.json").read_text())["licences"] == terms


def test_merged_weights_carry_them(marked, terms, tmp_path):
    folder = marked.export(export_merged, Destination(tmp_path), 0, quiet).export.path
    page = (folder / "README.md").read_text()
    assert is_said_in(page)
    front = front_matter(page)
    assert front["licences"] == terms
    assert front["license"] == "other"


@pytest.mark.parametrize("format", ["f16", "lora"])
def test_a_gguf_its_modelfile_and_its_page_carry_them(marked, terms, tmp_path, format):
    path = marked.gguf(tmp_path, format).export.path
    assert is_said_in((path.parent / "USAGE.md").read_text())
    modelfile = (path.parent / "Modelfile").read_text()
    assert f"\n# {MARK}\n" in modelfile
    assert "\n# teacher strict: llama-2 |" in modelfile
    field = GGUFReader(path).get_field("localfair.licences")
    assert json.loads(field.contents()) == terms


def test_a_model_card_carries_them(marked, terms):
    with Store.open(marked.db) as store:
        page = card(store, None, marked.folder)
    assert is_said_in(page)
    assert front_matter(page)["licences"] == terms


def test_a_run_of_before_terms_were_kept_says_so(taught, tmp_path):
    lab = taught.copy(tmp_path)
    with sqlite3.connect(lab.db) as connection:
        connection.execute("UPDATE runs SET settings = json_remove(settings, '$.terms')")
    folder = lab.export(export_adapter, Destination(tmp_path)).export.path
    assert "begun before its models' terms were kept" in (folder / "README.md").read_text()
