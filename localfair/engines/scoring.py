"""Log-probabilities of given continuations through a server that can tell those of chosen next tokens.

A continuation's log-probability is the sum over its tokens, each after the prompt and those before it; what several
continuations ask after the same beginning is asked once (five digits: one question). Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from localfair.record.nouns import Generation, Request

Beginning = tuple[int, ...]


@dataclass(slots=True)
class Scoring:
    """A score request in the making: its prompt, its continuations' tokens, and what is known of them."""

    request: Request
    prompt: list[int]
    texts: list[list[int]]
    seconds: float = 0.0
    _found: dict[tuple[Beginning, int], float] = field(default_factory=dict)

    def wanted(self) -> dict[Beginning, list[int]]:
        """Beginning -> the next tokens whose log-probabilities after it are needed and not known yet."""
        asked: dict[Beginning, list[int]] = {}
        for beginning, token in self._steps():
            if (beginning, token) not in self._found and token not in asked.setdefault(
                beginning, []
            ):
                asked[beginning].append(token)
        return {beginning: tokens for beginning, tokens in asked.items() if tokens}

    def take(self, beginning: Beginning, logprobs: dict[int, float], seconds: float) -> None:
        """Note natural log-probabilities of tokens after a beginning; others than those wanted do no harm."""
        self._found |= {(beginning, token): value for token, value in logprobs.items()}
        self.seconds += seconds

    def generation(self) -> Generation:
        """The request's answer, once nothing is wanted any more."""
        sums = [
            sum(self._found[(*self.prompt, *text[:i]), token] for i, token in enumerate(text))
            for text in self.texts
        ]
        return Generation(
            request=self.request, text="", finish="stop", prompt_tokens=len(self.prompt),
            completion_tokens=sum(map(len, self.texts)), seconds=self.seconds, logprobs=tuple(sums),
        )  # fmt: skip

    def _steps(self) -> Iterable[tuple[Beginning, int]]:
        for text in self.texts:
            yield from (((*self.prompt, *text[:i]), token) for i, token in enumerate(text))
