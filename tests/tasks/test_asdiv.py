"""ASDiv's layout in small, and XML that must not be read."""

import pytest

from localfair.tasks import get_task

PROBLEM = """
<Problem ID="t-{number}" Grade="1" Source="x"><Body>Bo has 7 figs &amp; {number} pears.</Body>
<Question>How many fruits has he?</Question><Solution-Type>Addition</Solution-Type>
<Answer>{answer}</Answer><Formula>{formula}</Formula></Problem>"""


def corpus(*problems):
    found = [
        PROBLEM.format(number=number, answer=answer, formula=formula)
        for number, (answer, formula) in enumerate(problems, 1)
    ]
    body = "".join(found)
    return f'<?xml version="1.0" encoding="UTF-8"?><Corpus><ProblemSet>{body}</ProblemSet></Corpus>'


def test_body_question_answer_and_formula_are_read(write):
    dataset = get_task("asdiv").read(write("ASDiv.xml", corpus(("9 (fruits)", "7+2=9"))))
    (question,) = dataset.questions
    assert (question.key, question.gold) == ("t-1", "9")
    assert question.text == "Bo has 7 figs & 1 pears. How many fruits has he?"
    assert question.rationale == "7+2=9. The answer is 9."
    assert dataset.licence == "CC-BY-NC-4.0"


def test_what_has_no_single_number_is_left_out_and_counted(write):
    text = corpus(("9 (fruits)", "7+2=9"), ("3:4", ""), ("1 (a); 2 (b)", ""), ("Bo", ""))
    dataset = get_task("asdiv").read(write("ASDiv.xml", text))
    assert len(dataset.questions) == 1
    assert dataset.skipped_told.startswith("left out 3 of 4 items")
    assert dataset.skipped[0].endswith(
        "ASDiv.xml problem 2: the answer '3:4' is not a number answer"
    )


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        ("  7 (dollars) ", "7"),
        ("1/2 (pizza)", "0.5"),
        ("2 1/2 (cups)", "2.5"),
        ("-3 (degrees)", "-3"),
        ("1,250 (km)", "1250"),
        ("$12.50", "12.5"),
        ("12 (inches of snow)", "12"),
    ],
)
def test_an_answer_is_the_number_before_its_unit(write, answer, gold):
    text = "\ufeff" + corpus((answer, "")).replace("\n", "\r\n")
    (question,) = get_task("asdiv").read(write("ASDiv.xml", text)).questions
    assert question.gold == gold
    assert "\r" not in question.text


@pytest.mark.parametrize("answer", ["3:2", "2 r 1", "4; 6", "2 (boxes); 1 (left)", "8:15", "Yes"])
def test_an_answer_that_is_not_one_number_is_none(write, answer):
    text = corpus(("9 (fruits)", "7+2=9"), (answer, "")).replace(
        "<Solution-Type>", '<Solution-Type UnitTrans="Money">'
    )
    dataset = get_task("asdiv").read(write("ASDiv.xml", text))
    assert [question.gold for question in dataset.questions] == ["9"]
    assert f"the answer '{answer.partition(' (left)')[0]}" in dataset.skipped[0]


def test_a_quotient_with_a_remainder_stays_as_it_was_published(write):
    (question,) = get_task("asdiv").read(write("ASDiv.xml", corpus(("5", "47/6=7 r5")))).questions
    assert question.rationale == "47/6=7 r5. The answer is 5."


def test_a_formula_with_another_result_is_no_rationale(write):
    (question,) = get_task("asdiv").read(write("ASDiv.xml", corpus(("9", "7+1=8")))).questions
    assert question.rationale == ""


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "declares a document type"),
        ('<!doctype a SYSTEM "file:///etc/passwd"><a/>', "declares a document type"),
        ("<a><Problem></a>", "is not XML"),
        ("plain", "is not XML"),
        ("<a>&nothing;</a>", "is not XML"),
        ("<a/>", "holds no questions"),
        ("<a><Problem><Body>x</Body></Problem></a>", "problem 1: has no 'Answer'"),
    ],
)
def test_what_is_not_that_layout_is_refused(refusal, content, problem):
    assert problem in refusal("asdiv", "ASDiv.xml", content)
