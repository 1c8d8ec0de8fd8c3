"""Who of several authors is asked about a question, and after whom: those that solved questions like it.

Everybody was asked about the first questions. Of these the most alike to a question decide: who
solved none of them is not asked about it, and who solved more of them per token goes first. After
the k-nearest-neighbours router of RouterBench (arXiv 2403.12031, section 4.1), with words where that
takes embeddings (ours). Pure: questions and an order in, seats out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import log, sqrt

from localfair.record.made import Turns
from localfair.record.nouns import Question
from localfair.tasks.leakage import whole

Weights = Mapping[str, float]  # of a text's words


class Router:
    """Says by question which seats are asked, in their order.

    measured: the questions that everybody was asked about. nearest: how many of them decide; with 0
    every seat is asked, in the order of `turns`.
    """

    def __init__(self, turns: Turns, measured: Sequence[Question], nearest: int) -> None:
        self._teachers = turns.teachers
        self._measured = [question.id for question in measured]
        self._nearest = nearest
        texts = [whole(question).split() for question in measured]
        self._rarity = _rarity(texts)
        self._weights = [self._weighed(text) for text in texts]

    def seats(self, question: Question) -> list[str]:
        """Seats' ids; none where nobody solved a question like it."""
        if not self._nearest:
            return [teacher.seat for teacher in self._teachers]
        near = set(self._alike(question))
        rates: dict[str, Fraction] = {}
        for teacher in self._teachers:
            solved = len(near.intersection(teacher.solved))
            if solved:
                rates[teacher.seat] = Fraction(solved, max(1, teacher.tokens))
        return sorted(rates, key=lambda seat: rates[seat], reverse=True)

    def _alike(self, question: Question) -> list[str]:
        """The ids of the nearest measured questions; of equally near ones the earlier."""
        weights = self._weighed(whole(question).split())
        likeness = {
            measured: _product(weights, others)
            for measured, others in zip(self._measured, self._weights, strict=True)
        }
        by_likeness = sorted(likeness, key=lambda measured: likeness[measured], reverse=True)
        return by_likeness[: self._nearest]

    def _weighed(self, words: Sequence[str]) -> Weights:
        """How much each word counts in a text: tf-idf, of length 1 (Salton and Buckley, 1988)."""
        counts = Counter(word for word in words if word in self._rarity)
        weights = {word: count * self._rarity[word] for word, count in counts.items()}
        length = sqrt(sum(weight**2 for weight in weights.values()))
        return {word: weight / length for word, weight in weights.items()}


def _rarity(texts: Sequence[Sequence[str]]) -> Weights:
    """By word, the logarithm of the share of texts without it, smoothed by one text."""
    texts_with = Counter(word for text in texts for word in set(text))
    return {word: log((1 + len(texts)) / count) for word, count in texts_with.items()}


def _product(one: Weights, other: Weights) -> float:
    return sum(weight * other.get(word, 0.0) for word, weight in one.items())
