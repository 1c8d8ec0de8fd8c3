"""What the record can hold of what any engine replies."""

from dataclasses import replace

import pytest

from localfair.engines.storable import refuse_unstorable
from localfair.errors import ReplyError
from localfair.record.nouns import Generation
from tests.engines.asking import asked

GOOD = Generation(
    request=asked(1)[0],
    text="yes",
    finish="stop",
    prompt_tokens=3,
    completion_tokens=1,
    seconds=0.5,
)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"text": ""},
        {"text": "nul \x00 and \U0001f600"},
        {"text": "x" * 300_000},
        {"finish": "length", "seconds": 0},
        {"prompt_tokens": 0, "completion_tokens": 2**31 - 1},
        {"logprobs": (-0.5, 0)},
    ],
)
def test_a_reply_of_the_right_form_is_taken_also_an_empty_one(fields):
    refuse_unstorable(replace(GOOD, **fields))


@pytest.mark.parametrize(
    "fields",
    [
        {"text": None},
        {"text": ["a"]},
        {"text": 7},
        {"text": "half \ud83d a face"},
        {"finish": "because"},
        {"finish": None},
        {"prompt_tokens": 2**70},
        {"prompt_tokens": -1},
        {"completion_tokens": "3"},
        {"completion_tokens": True},
        {"completion_tokens": 1.5},
        {"seconds": float("nan")},
        {"seconds": -1.0},
        {"seconds": None},
        {"logprobs": (float("-inf"),)},
        {"logprobs": ("x",)},
    ],
)
def test_what_cannot_be_stored_as_it_is_fails_and_names_the_question(fields):
    with pytest.raises(ReplyError, match="q0: the reply has") as failed:
        refuse_unstorable(replace(GOOD, **fields))
    assert len(failed.value.message) < 200


def test_the_bytes_of_a_bad_text_are_kept_up_to_a_bound():
    with pytest.raises(ReplyError) as failed:
        refuse_unstorable(replace(GOOD, text="a\ud83d" + "b" * 2**20))
    assert failed.value.raw.startswith(b"a\xed\xa0\xbdbbb")
    assert len(failed.value.raw) == 2**16
