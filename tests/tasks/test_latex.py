"""Answers that are LaTeX are graded by math-verify, and right only where it is sure both ways."""

from __future__ import annotations

import json
import threading

import pytest

from localfair.cli import main
from localfair.errors import BadDataset
from localfair.record.nouns import Grade
from localfair.tasks.golds import BadGold, question_kind, read_gold
from localfair.tasks.grading import grade
from localfair.tasks.table import Table

pytest.importorskip("math_verify")

HALF_SQUARE = r"\frac{x^2}{2}"


def graded(gold, text):
    return grade("latex", gold, text).grade


@pytest.mark.parametrize(
    ("gold", "text"),
    [
        (HALF_SQUARE, r"The answer is $\frac{x^2}{2}$."),
        (HALF_SQUARE, r"So \boxed{\dfrac{1}{2}x^2}."),
        (HALF_SQUARE, r"<think>x?</think>The answer is \(0.5x^{2}\)."),
        (r"\frac{3}{4}", r"\boxed{0.75}"),
        (r"2\sqrt{3}", r"The answer is $\sqrt{12}$."),
        ("(1, 2)", r"\boxed{(1,2)}"),
    ],
)
def test_an_equal_formula_is_right(gold, text):
    assert graded(gold, text) is Grade.RIGHT


@pytest.mark.parametrize(
    ("gold", "text"),
    [
        (HALF_SQUARE, r"The answer is $\frac{x^2}{3}$."),
        (HALF_SQUARE, r"\boxed{\frac{y^2}{2}}"),
        ("(1, 2)", r"\boxed{(2, 1)}"),
        (r"\frac{3}{4}", r"The answer is $\frac{4}{3}$."),
    ],
)
def test_another_formula_is_wrong(gold, text):
    assert graded(gold, text) is Grade.WRONG


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I do not know.",
        r"The answer is $\frac{x^2}{2}$ or $x^2$.",
        r"The answer is not $\frac{x^2}{2}$.",
        r"<think>The answer is $\frac{x^2}{2}$.",
        r"\boxed{}",
        r"\boxed{\frac{}{}",
    ],
)
def test_what_states_no_one_formula_is_unreadable(text):
    assert graded(HALF_SQUARE, text) is Grade.UNREADABLE


def test_a_gold_is_kept_as_it_is_written_and_one_that_is_no_formula_is_refused():
    assert read_gold(HALF_SQUARE, (), "latex").text == HALF_SQUARE
    with pytest.raises(BadGold):
        read_gold("???", (), "latex")


def test_a_table_of_formulas_is_imported_and_graded(tmp_path, capsys):
    path = tmp_path / "formulas.jsonl"
    rows = [("Halve it.", HALF_SQUARE), ("How much?", "7")]
    lines = [json.dumps({"question": question, "answer": gold}) for question, gold in rows]
    path.write_text("\n".join(lines))
    task = Table("mine", gold_kind="latex")
    questions = task.read(path).questions
    assert {question.gold for question in questions} == {HALF_SQUARE, "7"}
    for question in questions:
        assert question_kind(question) == "latex"
        assert task.grade(question, f"The answer is ${question.gold}$.").grade is Grade.RIGHT
    command = ["tasks", "import", "table", str(path), "--db", str(tmp_path / "a.db")]
    with pytest.raises(SystemExit) as ended:
        main([*command, "--answer-kind", "latex"])
    assert not ended.value.code
    assert "answers: 2 formulas" in capsys.readouterr().out


def test_a_row_that_is_no_formula_is_named(tmp_path):
    path = tmp_path / "formulas.csv"
    path.write_text("question,answer\na?,$x$\nb?,???\n")
    with pytest.raises(BadDataset, match="line 3"):
        Table("mine", gold_kind="latex").read(path)


def test_it_grades_the_same_beside_the_main_thread():
    grades = []
    text = r"The answer is $\frac{1}{2}x^2$."
    thread = threading.Thread(target=lambda: grades.append(graded(HALF_SQUARE, text)))
    thread.start()
    thread.join()
    assert grades == [Grade.RIGHT]


def test_without_the_package_one_line_says_what_to_install(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    path = tmp_path / "formulas.csv"
    path.write_text("question,answer\na?,$x$\n")
    with pytest.raises(SystemExit) as ended:
        main(["tasks", "import", "table", str(path), "--answer-kind", "latex"])
    assert ended.value.code
    assert "pip install 'localfair[latex]'" in capsys.readouterr().err
