"""MultiArith's layout in small."""

import json

import pytest

from localfair.tasks import get_task

PROBLEM = {
    "iIndex": 7,
    "lAlignments": [1, 2],
    "lEquations": ["X=((12.0-4.0)/2.0)"],
    "lSolutions": [4.0],
    "sQuestion": "Ida had 12 figs, ate 4 and shared the rest with Bo. How many had each?",
}


def test_question_solution_and_equation_are_read(write):
    (question,) = get_task("multiarith").read(write("MultiArith.json", [PROBLEM])).questions
    assert (question.key, question.gold) == ("7", "4")
    assert question.text.startswith("Ida had 12 figs")
    assert question.rationale == "(12-4)/2 = 4. The answer is 4."


@pytest.mark.parametrize("equation", ["X=1.0+1.0=2.0", "X=((12.0-4.0)/4.0)", "X="])
def test_an_equation_that_comes_to_another_number_is_no_rationale(write, equation):
    other = PROBLEM | {"lEquations": [equation]}
    (question,) = get_task("multiarith").read(write("MultiArith.json", [other])).questions
    assert question.rationale == ""


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"lSolutions": []}, "item 1: 'lSolutions' must be a list of one"),
        ({"lSolutions": [1.0, 2.0]}, "item 1: 'lSolutions' must be a list of one"),
        ({"lSolutions": ["many"]}, "item 1: the answer 'many' is not a number answer"),
        ({"sQuestion": ""}, "item 1: 'sQuestion' must be a text"),
    ],
)
def test_a_wrong_item_is_named(refusal, change, problem):
    assert problem in refusal("multiarith", "MultiArith.json", [PROBLEM | change])


def test_a_wrong_item_among_others_is_left_out_and_counted(write):
    wrong = PROBLEM | {"lSolutions": []}
    dataset = get_task("multiarith").read(write("MultiArith.json", [PROBLEM, wrong]))
    assert len(dataset.questions) == 1
    assert "left out 1 of 2 items" in dataset.skipped_told


def test_items_that_repeat_a_question_are_counted(write):
    again = PROBLEM | {"iIndex": 8, "sQuestion": f" {PROBLEM['sQuestion']} "}
    dataset = get_task("multiarith").read(write("MultiArith.json", [PROBLEM, again]))
    assert len(dataset.questions) == 1
    assert dataset.warnings == ("1 item repeats a question: it is kept once",)


def test_the_file_as_windows_saves_it_is_read_alike(write):
    text = "\ufeff" + json.dumps([PROBLEM], indent=4).replace("\n", "\r\n") + "\r\n"
    (question,) = get_task("multiarith").read(write("MultiArith.json", text)).questions
    assert (question.key, question.gold) == ("7", "4")
