"""Log-probabilities of given continuations through a server that can tell those of chosen next
tokens.

A continuation's log-probability is the sum over its tokens, each after the prompt and the tokens
before it. What several continuations ask after the same beginning is asked once: five digits are
one question. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from localfair.record.nouns import Generation, Request

Beginning = tuple[int, ...]


@dataclass(slots=True)
class Scoring:
    """A score request in the making: its prompt, its continuations' tokens, and what is known of
    them.

    failed: one of its calls failed, so nothing more is wanted.
    """

    request: Request
    prompt: list[int]
    texts: list[list[int]]
    seconds: float = 0.0
    failed: bool = False
    _known: dict[tuple[Beginning, int], float] = field(default_factory=dict)

    def wanted(self) -> dict[Beginning, list[int]]:
        """Beginning -> the next tokens whose log-probabilities after it are needed and not known
        yet.
        """
        wanted: dict[Beginning, list[int]] = {}
        if self.failed:
            return wanted
        for text in self.texts:
            for beginning, token in self._steps(text):
                if (beginning, token) in self._known:
                    continue
                tokens = wanted.setdefault(beginning, [])
                if token not in tokens:
                    tokens.append(token)
        return wanted

    def take(self, beginning: Beginning, logprobs: Mapping[int, float], seconds: float) -> None:
        """Note natural log-probabilities of tokens after a beginning.

        Others than those wanted do no harm.
        """
        for token, logprob in logprobs.items():
            self._known[beginning, token] = logprob
        self.seconds += seconds

    @property
    def is_complete(self) -> bool:
        """Whether all that was wanted is known."""
        return not self.failed and not self.wanted()

    def generation(self) -> Generation:
        """The request's answer, once nothing is wanted any more."""
        logprobs = []
        for text in self.texts:
            logprobs.append(sum(self._known[step] for step in self._steps(text)))
        return Generation(
            request=self.request,
            text="",
            finish="stop",
            prompt_tokens=len(self.prompt),
            completion_tokens=sum(len(text) for text in self.texts),
            seconds=self.seconds,
            logprobs=tuple(logprobs),
        )

    def _steps(self, text: list[int]) -> Iterator[tuple[Beginning, int]]:
        """Each token of a continuation with all that stands before it."""
        for i, token in enumerate(text):
            yield (*self.prompt, *text[:i]), token
