"""Which lessons share a batch, and what stands in one."""

import torch

from localfair.training.batches import Batches, by_length, one_a_question
from localfair.training.encode import Encoded
from localfair.training.losses import IGNORE
from localfair.training.trainer import Example, collate


def test_no_two_lessons_of_one_question_share_a_batch(taught):
    questions = [one.question for one in taught]
    for seed in range(5):
        batches = one_a_question(questions, 3, torch.Generator().manual_seed(seed))
        assert sorted(i for batch in batches for i in batch) == list(range(16))
        assert all(len({questions[i] for i in batch}) == len(batch) <= 3 for batch in batches)
        assert len(batches) == 6  # sixteen in threes: not one more than need be


def test_a_question_with_many_lessons_makes_smaller_batches():
    batches = one_a_question(["a"] * 5 + ["b", "c"], 4, torch.Generator().manual_seed(0))
    assert len(batches) == 5 and max(map(len, batches)) <= 3


def test_lessons_of_like_length_share_a_batch_and_each_stands_once():
    lengths = [7, 90, 8, 91, 9, 92, 10, 93] * 40
    batches = by_length(lengths, 4, torch.Generator().manual_seed(0))
    assert sorted(i for batch in batches for i in batch) == list(range(320))
    padding = sum(
        max(lengths[i] for i in batch) * len(batch) - sum(lengths[i] for i in batch)
        for batch in batches
    )
    assert padding < 0.1 * sum(lengths)  # of a shuffle: nine tenths of it


def test_an_epoch_draws_its_own_batches_whatever_was_drawn_before():
    batches = Batches(
        lambda generator: [torch.randperm(20, generator=generator).tolist()], 20, seed=1
    )
    first = list(batches)
    batches.set_epoch(1)
    assert list(batches) != first
    batches.set_epoch(0)
    assert list(batches) == first


def test_padding_is_told_by_length_and_not_by_an_id():
    rows = [
        Example(Encoded((1, 0, 2, 2), (IGNORE, 0, 2, 2)), "answer"),
        Example(Encoded((1, 2), (IGNORE, 2)), "answer"),
    ]
    batch = collate(rows, ("answer",))
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 1], [1, 1, 0, 0]]
    assert batch["labels"].tolist() == [[IGNORE, 0, 2, 2], [IGNORE, 2, IGNORE, IGNORE]]
