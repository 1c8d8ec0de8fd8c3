"""Grades go from a record into a CSV, and a table's tests are made again from it."""

import pytest

from localfair.report.permutation import permutation_p
from localfair.report.statistics import tango
from tests.record.old_versions import todays_record
from tests.scripts import recipe_script

grades = recipe_script("grades")

TABLE = """question,plain/0,plain/1,plain --set rounds=2/0,plain --set rounds=2/1
a,wrong,wrong,right,right
b,wrong,right,right,right
c,right,unreadable,right,wrong
d,right,right,right,
"""


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "grades.csv"
    path.write_text(TABLE)
    return path


def told(path, *first, capsys):
    grades.test(str(path), *first)
    return capsys.readouterr().out


def test_what_is_written_is_read_again(tmp_path):
    columns = {"plain/0": {"a": "right", "b": "wrong"}, "other, with a comma/0": {"b": "right"}}
    path = tmp_path / "grades.csv"
    with path.open("w", newline="") as file:
        grades.csv.writer(file).writerows(grades.written(columns))
    assert grades.read(path) == {
        "plain": {"0": {"a": "right", "b": "wrong"}},
        "other, with a comma": {"0": {"b": "right"}},
    }


def test_files_are_joined_by_question_and_column(table, tmp_path, capsys):
    other = tmp_path / "later.csv"
    other.write_text(
        "question,plain/0,later/0\ne,,right\nd,right,wrong\nc,right,\nb,wrong,\na,wrong,\n"
    )
    grades.join(str(table), str(other))
    first, *rows = capsys.readouterr().out.splitlines()
    assert first == "question,plain/0,plain/1,plain --set rounds=2/0,plain --set rounds=2/1,later/0"
    assert rows[3:] == ["d,right,right,right,,wrong", "e,,,,,right"]


def test_two_grades_of_one_answer_are_refused(table, tmp_path):
    other = tmp_path / "later.csv"
    other.write_text("question,plain/0\na,right\n")
    with pytest.raises(SystemExit, match=r"error: .*later.csv: plain/0 has other grades"):
        grades.join(str(table), str(other))


def test_each_seed_has_its_accuracy_and_both_are_one_claim(table, capsys):
    out = told(table, capsys=capsys)
    assert "seed 0: 2 of 4 right, 50.0%" in out
    assert "seed 1: 2 of 4 right, 50.0% [15.0%, 85.0%], 1 unreadable" in out
    assert "seed 1: 2 of 3 right" in out
    # a: both seeds gained, b: one of two, c: none, d: one seed alone has it, and nothing changed
    p = permutation_p([2, 1, 0, 0])
    assert "against plain: +37.5% [" in out
    assert f"p = {p:.2g}, by Holm {p:.2g}" in out


def test_another_variant_can_be_the_first(table, capsys):
    out = told(table, "plain --set rounds=2", capsys=capsys)
    assert "against plain --set rounds=2: -37.5% [" in out


def test_so_many_claims_are_tested_as_are_asked_for(tmp_path, capsys):
    path = tmp_path / "grades.csv"
    rows = [f"{number},wrong,right,right" for number in range(9)]
    path.write_text("\n".join(["question,plain/0,one/0,two/0", *rows]) + "\n")
    assert told(path, capsys=capsys).count("p = 0.0039, by Holm 0.0078") == 2
    out = told(path, "plain", "two", capsys=capsys)
    assert "p = 0.0039, by Holm 0.0039" in out
    assert "one" not in out


def test_one_seed_has_the_interval_of_two_proportions(tmp_path, capsys):
    path = tmp_path / "grades.csv"
    rows = [f"{number},wrong,right" for number in range(9)]
    path.write_text("\n".join(["question,plain/0,other/0", *rows, "9,right,wrong"]) + "\n")
    change = tango(9, 1, 10)
    out = told(path, capsys=capsys)
    assert f"+80.0% [{change[0]:+.1%}, {change[1]:+.1%}]" in out


def test_a_variant_without_a_common_seed_is_told_apart(tmp_path, capsys):
    path = tmp_path / "grades.csv"
    path.write_text("question,plain/0,other/1\na,right,right\n")
    assert "shares no seed and no question with plain" in told(path, capsys=capsys)


@pytest.mark.parametrize(
    "text",
    ["", "key,plain/0\na,right\n", "question,plain/0\na\n", "question,plain/0\na,yes\n"],
)
def test_another_file_is_one_line(tmp_path, text):
    path = tmp_path / "grades.csv"
    path.write_text(text)
    with pytest.raises(SystemExit, match="error: "):
        grades.test(str(path))


def test_no_file_no_variant_and_no_comparison_are_one_line(table, tmp_path):
    with pytest.raises(SystemExit, match="error: cannot read"):
        grades.test(str(tmp_path / "none.csv"))
    with pytest.raises(SystemExit, match="has no variant 'nobody'"):
        grades.test(str(table), "nobody")
    with pytest.raises(SystemExit, match="error: "):
        grades.write(str(todays_record(tmp_path)), "b2:none")
    with pytest.raises(SystemExit, match="error: "):
        grades.costs(str(todays_record(tmp_path)), "b2:none")
