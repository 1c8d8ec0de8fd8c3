"""Excel and Parquet: rows where their library is here, a line that names the extra where not."""

import datetime
import subprocess
import sys

import pytest

from localfair.errors import BadDataset
from localfair.tasks.table import Table

ROWS = [("Question", "Answer"), ("a?", 7), ("b?", 2.5), (None, None), ("c?", True), ("d?", "Rome")]


def golds(path):
    return {question.text: question.gold for question in Table().read(path).questions}


@pytest.fixture
def excel(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")

    def make(rows):
        book = openpyxl.Workbook()
        for row in rows:
            book.active.append(row)
        path = tmp_path / "t.xlsx"
        book.save(path)
        return path

    return make


def test_the_rows_of_a_sheet_are_read(excel):
    assert golds(excel(ROWS)) == {"a?": "7", "b?": "2.5", "c?": "yes", "d?": "Rome"}


def test_a_faulty_row_of_a_sheet_is_named_by_its_number(excel):
    path = excel([("question", "answer"), ("a?", 1), ("b?", None)])
    with pytest.raises(BadDataset, match=r"t\.xlsx row 3: has no 'answer'"):
        Table().read(path)
    assert ": row 3; the first" in Table(strict=False).read(path).skipped_told


def test_a_day_is_its_text(excel):
    path = excel([("question", "answer"), ("When?", datetime.date(2024, 5, 1))])
    assert golds(path)["When?"].startswith("2024-05-01")


def test_the_rows_of_a_parquet_file_are_read(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = [
        {"question": "a?", "answer": "B", "choices": {"text": ["x", "y"]}},
        {"question": "b?", "answer": "A", "choices": {"text": ["u", "v"]}},
    ]
    path = tmp_path / "t.parquet"
    parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    questions = Table(choices="choices.text").read(path).questions
    assert {(q.text, q.gold, q.choices) for q in questions} == {
        ("a?", "B", ("x", "y")),
        ("b?", "A", ("u", "v")),
    }


@pytest.mark.parametrize("name", ["t.xlsx", "t.parquet"])
@pytest.mark.parametrize("data", [b"", b"PK\x03\x04" + bytes(20), b"PAR1" + bytes(20), b"x" * 50])
def test_a_damaged_file_is_named(tmp_path, name, data):
    pytest.importorskip("openpyxl" if name == "t.xlsx" else "pyarrow")
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(BadDataset, match="cannot be read"):
        Table().read(path)


WITHOUT = """
import sys
from pathlib import Path
sys.modules.update({"openpyxl": None, "pyarrow": None, "pyarrow.parquet": None})
from localfair.errors import MissingDependency
from localfair.tasks.table import Table
try:
    Table().read(Path(sys.argv[1]))
except MissingDependency as error:
    print(error.message, error.hint)
"""


@pytest.mark.parametrize(("name", "package"), [("t.xlsx", "openpyxl"), ("t.parquet", "pyarrow")])
def test_without_its_library_the_extra_is_named(tmp_path, name, package):
    path = tmp_path / name
    path.write_bytes(b"x")
    said = subprocess.run(
        [sys.executable, "-c", WITHOUT, str(path)], capture_output=True, text=True, check=True
    ).stdout
    assert f"needs the package '{package}'" in said
    assert "pip install 'localfair[data]'" in said
