"""Which lessons share a batch, and how rows of unequal length become one tensor.

Reads lengths or question ids and gives batches of indices, drawn anew each epoch from the seed and the epoch alone:
a training that was interrupted draws the same again, whatever random numbers were used in between. Writes nothing;
knows nothing of losses. What is padding is said by lengths, never by a token id: a pad id may be a real token too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor
from transformers.trainer_pt_utils import get_length_grouped_indices

Drawn = list[list[int]]


class Batches:
    """A batch sampler: `draw(generator)` gives an epoch's batches of indices, as many in every epoch."""

    drop_last = False

    def __init__(self, draw: Callable[[torch.Generator], Drawn], size: int, seed: int) -> None:
        self.draw, self.batch_size, self.seed, self.epoch = draw, size, seed, 0
        self.sampler = (
            self  # where accelerate looks for `set_epoch` when it has wrapped a batch sampler
        )

    def set_epoch(self, epoch: int) -> None:
        """The next iteration draws the batches of this epoch."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[list[int]]:
        return iter(self.draw(torch.Generator().manual_seed(self.seed * 100_003 + self.epoch)))

    def __len__(self) -> int:
        return len(self.draw(torch.Generator()))


def by_length(lengths: Sequence[int], size: int, generator: torch.Generator) -> Drawn:
    """Batches of lessons of like length, in a random order (transformers' own grouping)."""
    order = get_length_grouped_indices(list(lengths), size, generator=generator)
    batches = [order[i : i + size] for i in range(0, len(order), size)]
    return [batches[i] for i in _shuffled(len(batches), generator)]


def one_a_question(questions: Sequence[str], size: int, generator: torch.Generator) -> Drawn:
    """Batches of at most `size` in which no question stands twice (tailored learning, arXiv 2310.13332, code).

    As few as can be: each batch takes the questions that have most lessons left, ties at random. Where one
    question has more lessons than there would be batches, batches are smaller than `size`.
    """
    left: dict[str, list[int]] = defaultdict(list)
    for i in _shuffled(len(questions), generator):
        left[questions[i]].append(i)
    batches: Drawn = []
    while left:
        names = list(left)
        ties = dict(zip(names, _shuffled(len(names), generator), strict=True))
        chosen = sorted(names, key=lambda q: (-len(left[q]), ties[q]))[:size]
        batches.append([left[question].pop() for question in chosen])
        left = {question: lessons for question, lessons in left.items() if lessons}
    return [batches[i] for i in _shuffled(len(batches), generator)]


def _shuffled(count: int, generator: torch.Generator) -> list[int]:
    order: list[int] = torch.randperm(count, generator=generator).tolist()
    return order


def padded(rows: Sequence[Sequence[int]], filler: int) -> Tensor:
    """(rows, longest), each row padded on the right."""
    longest = max(map(len, rows))
    return torch.tensor([[*row, *[filler] * (longest - len(row))] for row in rows])


def filled(rows: Sequence[Sequence[int]]) -> Tensor:
    """(rows, longest) of 1 where `padded` holds a row's own and 0 where it is padding."""
    lengths = torch.tensor([len(row) for row in rows])
    return (torch.arange(int(lengths.max())) < lengths[:, None]).long()
