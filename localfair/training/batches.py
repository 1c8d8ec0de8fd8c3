"""Which lessons share a batch, and how rows of unequal length become one tensor.

Reads lengths or question ids and gives batches of indices, drawn anew each epoch from the seed and
the epoch alone: a training that was interrupted draws the same again, whatever random numbers were
used in between. Writes nothing; knows nothing of losses. What is padding is said by lengths, never
by a token id: a pad id may be a real token too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor
from transformers.trainer_pt_utils import get_length_grouped_indices

Drawn = list[list[int]]  # an epoch's batches, each of indices of lessons
# between the seeds of two trainings' first epochs: a prime beyond any number of epochs
EPOCHS_APART = 100_003


class Batches:
    """A batch sampler: `draw(generator)` gives an epoch's batches, as many in every epoch."""

    drop_last = False

    def __init__(self, draw: Callable[[torch.Generator], Drawn], size: int, seed: int) -> None:
        self.draw = draw
        self.batch_size = size
        self.seed = seed
        self.epoch = 0
        # where accelerate looks for `set_epoch` when it has wrapped a batch sampler
        self.sampler = self

    def set_epoch(self, epoch: int) -> None:
        """The next iteration draws the batches of this epoch."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[list[int]]:
        generator = torch.Generator().manual_seed(self.seed * EPOCHS_APART + self.epoch)
        return iter(self.draw(generator))

    def __len__(self) -> int:
        return len(self.draw(torch.Generator()))


def by_length(lengths: Sequence[int], size: int, generator: torch.Generator) -> Drawn:
    """Batches of lessons of like length, in a random order (transformers' own grouping)."""
    order = get_length_grouped_indices(list(lengths), size, generator=generator)
    batches = [order[start : start + size] for start in range(0, len(order), size)]
    return _shuffled(batches, generator)


def one_a_question(questions: Sequence[str], size: int, generator: torch.Generator) -> Drawn:
    """Batches of at most `size` in which no question stands twice.

    Tailored learning (arXiv 2310.13332, the authors' code). As few as can be: each batch takes the
    questions that have most lessons left, ties at random. Where one question has more lessons than
    there would be batches, batches are smaller than `size`.
    """
    left: dict[str, list[int]] = defaultdict(list)  # lessons that are in no batch yet
    for lesson in _permutation(len(questions), generator):
        left[questions[lesson]].append(lesson)
    batches: Drawn = []
    while left:
        ties = dict(zip(left, _permutation(len(left), generator), strict=True))
        most_first = sorted(left, key=lambda question: (-len(left[question]), ties[question]))
        batch = []
        for question in most_first[:size]:
            batch.append(left[question].pop())
            if not left[question]:
                del left[question]
        batches.append(batch)
    return _shuffled(batches, generator)


def _shuffled(batches: Drawn, generator: torch.Generator) -> Drawn:
    return [batches[position] for position in _permutation(len(batches), generator)]


def _permutation(count: int, generator: torch.Generator) -> list[int]:
    order: list[int] = torch.randperm(count, generator=generator).tolist()
    return order


def padded(rows: Sequence[Sequence[int]], filler: int) -> Tensor:
    """(rows, longest), each row padded on the right."""
    longest = max(len(row) for row in rows)
    full = []
    for row in rows:
        padding = [filler] * (longest - len(row))
        full.append([*row, *padding])
    return torch.tensor(full)


def filled(rows: Sequence[Sequence[int]]) -> Tensor:
    """(rows, longest) of 1 where `padded` holds a row's own and 0 where it is padding."""
    lengths = torch.tensor([len(row) for row in rows])
    places = torch.arange(int(lengths.max()))
    return (places < lengths[:, None]).long()
