"""StrategyQA's layout in small."""

from __future__ import annotations

import pytest

from localfair.tasks import get_task

QUESTION = {"qid": "1", "question": "Is it?", "answer": False, "facts": ["It is not."]}


def test_the_authors_dev_file_is_test_and_facts_are_the_reasoning(write):
    question = get_task("strategyqa").read(write("dev.json", [QUESTION])).questions[0]
    assert question.gold == "no"
    assert question.split == "test"
    assert question.rationale == "It is not. The answer is no."


def test_a_question_may_have_no_facts(write):
    bare = {"qid": "1", "question": "Is it?", "answer": True}
    question = get_task("strategyqa").read(write("dev.json", [bare])).questions[0]
    assert (question.gold, question.rationale) == ("yes", "")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"answer": "yes"}, "item 1: 'answer' must be true or false"),
        ({"facts": "one"}, "item 1: 'facts' must be a list of texts"),
        ({"facts": [1]}, "item 1: 'facts' must be a list of texts"),
    ],
)
def test_a_wrong_file_is_refused_with_its_item(refusal, changes, problem):
    assert problem in refusal("strategyqa", "train.json", [QUESTION | changes])
