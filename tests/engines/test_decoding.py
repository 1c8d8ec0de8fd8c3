"""How prompts are laid beside one another in a batch. What they say is test_transformers' to ask."""

import pytest

pytest.importorskip("transformers")

from localfair.engines import decoding
from localfair.engines.decoding import Batch, BatchRow, arranged
from localfair.models.loading import load_causal_lm

LONG = list(range(3, 3 + decoding.SHARED))


def row(ids, reply=3):
    return BatchRow(list(ids), lambda row: len(row.reply) >= reply)


def test_rows_that_begin_alike_are_neighbours_long_ones_first_and_know_what_they_share():
    one, other, longer = row([*LONG, 1]), row([5, 6]), row([*LONG, 2, 2])
    assert arranged([one, other, longer]) == [longer, one, other]
    assert [longer.prefix, one.prefix, other.prefix] == [len(LONG), len(LONG), 0]


def test_a_short_common_beginning_is_not_computed_apart():
    rows = arranged([row([5, 6, 7]), row([5, 6, 8])])
    assert [each.prefix for each in rows] == [0, 0]


def test_a_token_of_every_prompt_is_left_to_compute():
    rows = arranged([row([*LONG, 1]), row([*LONG, 1])])
    assert [each.prefix for each in rows] == [len(LONG), len(LONG)]


def test_a_prompt_that_is_alone_shares_nothing():
    assert arranged([row(LONG)])[0].prefix == 0


@pytest.fixture(scope="module")
def model(tiny_folder):
    return load_causal_lm(tiny_folder, "fp32").eval()


@pytest.mark.parametrize("size", [1, 2, 5])
def test_a_reply_does_not_depend_on_how_many_run_together(model, size):
    prompts = [[*LONG, n] for n in range(3, 8)] + [[4, 5, n] for n in range(3, 6)]
    alone = [reply_of(model, prompt) for prompt in prompts]
    rows = [row(prompt, reply=4) for prompt in prompts]
    finished = list(Batch(model, size).replies(rows))
    assert sorted(map(id, finished)) == sorted(map(id, rows))
    assert [each.reply for each in rows] == alone


def reply_of(model, prompt):
    (finished,) = Batch(model, 1).replies([row(prompt, reply=4)])
    return finished.reply


def test_a_row_leaves_as_soon_as_it_has_ended(model):
    short, long = row([4, 5, 6], reply=1), row([4, 5, 7], reply=30)
    finished = Batch(model, 2).replies([long, short])
    assert next(finished) is short
    assert len(long.reply) < 30
    assert next(finished) is long


def test_a_prefill_takes_rows_of_one_prefix_and_no_more_tokens_than_its_bound(model):
    rows = arranged([row([*LONG, 1, n]) for n in range(3, 7)] + [row([5])])
    assert len(Batch(model, 8).first(rows)) == 4
    assert len(Batch(model, 8, tokens=2).first(rows)) == 2
