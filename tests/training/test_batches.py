"""Which lessons share a batch, and how rows of unequal length become one tensor."""

import torch

from localfair.training.batches import Batches, by_length, filled, one_a_question, padded


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_no_two_lessons_of_one_question_share_a_batch(taught):
    questions = [example.question for example in taught]
    for seed in range(5):
        batches = one_a_question(questions, 3, generator(seed))
        assert sorted(lesson for batch in batches for lesson in batch) == list(range(16))
        assert len(batches) == 6  # sixteen in threes: not one more than need be
        for batch in batches:
            asked = {questions[lesson] for lesson in batch}
            assert len(asked) == len(batch) <= 3


def test_a_question_with_many_lessons_makes_smaller_batches():
    batches = one_a_question(["a"] * 5 + ["b", "c"], 4, generator())
    assert len(batches) == 5
    assert max(len(batch) for batch in batches) <= 3


def test_lessons_of_like_length_share_a_batch_and_each_stands_once():
    lengths = [7, 90, 8, 91, 9, 92, 10, 93] * 40
    batches = by_length(lengths, 4, generator())
    assert sorted(lesson for batch in batches for lesson in batch) == list(range(320))
    padding = 0
    for batch in batches:
        of_batch = [lengths[lesson] for lesson in batch]
        padding += max(of_batch) * len(of_batch) - sum(of_batch)
    assert padding < 0.1 * sum(lengths)  # of a shuffle: nine tenths of it


def test_an_epoch_draws_its_own_batches_whatever_was_drawn_before():
    def draw(generator):
        return [torch.randperm(20, generator=generator).tolist()]

    batches = Batches(draw, 20, seed=1)
    first = list(batches)
    batches.set_epoch(1)
    assert list(batches) != first
    batches.set_epoch(0)
    assert list(batches) == first


def test_rows_are_padded_on_the_right_and_padding_is_told_by_length_and_not_by_an_id():
    rows = [(1, 0, 2, 2), (1, 2)]
    assert padded(rows, 0).tolist() == [[1, 0, 2, 2], [1, 2, 0, 0]]
    assert filled(rows).tolist() == [[1, 1, 1, 1], [1, 1, 0, 0]]
