"""GSM8K's layout in small."""

from __future__ import annotations

import json

import pytest

from localfair.errors import BadDataset
from localfair.tasks import get_task

PROBLEM = {"question": "How many?", "answer": "3+4 = <<3+4=7>>7\n#### 7"}


def test_the_number_after_the_hashes_is_gold_and_the_reasoning_is_kept(write):
    question = get_task("gsm8k").read(write("train.jsonl", PROBLEM)).questions[0]
    assert question.gold == "7"
    assert question.rationale == "3+4 = 7. The answer is 7."
    assert question.key == "train-1"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (json.dumps(PROBLEM) + "\n{oops\n", "train.jsonl line 2: is not JSON"),
        ({"question": "x"}, "line 1: has no 'answer'"),
        ({"question": "x", "answer": "7"}, "line 1: 'answer' has no '####'"),
        ({"question": 5, "answer": "#### 7"}, "line 1: 'question' must be a text"),
        ({"question": "x", "answer": "#### many"}, "line 1: the answer 'many' is not a number"),
        ({"question": "x", "answer": "#### 5 or 6"}, "line 1: the answer '5 or 6' is not a number"),
        ({"question": "x", "answer": "#### 7 figs"}, "line 1: the answer '7 figs' is not a number"),
        ({"question": "x", "answer": "7 of 9\n#### "}, "line 1: the answer is empty"),
        ('"text"', "line 1: is not a JSON object"),
        ('{"question": "\\ud800", "answer": "#### 7"}', "line 1: holds a character"),
        ("9" * 5000, "line 1: holds a number or nesting too large"),
        ("", "line 1: the file is empty"),
    ],
)
def test_a_wrong_file_is_refused_with_its_line(refusal, content, problem):
    assert problem in refusal("gsm8k", "train.jsonl", content)


def test_bytes_that_are_not_text_name_their_line(tmp_path):
    path = tmp_path / "train.jsonl"
    path.write_bytes(b"{}\n\xff\xfe")
    with pytest.raises(BadDataset, match="line 2: is not UTF-8"):
        get_task("gsm8k").read(path)
