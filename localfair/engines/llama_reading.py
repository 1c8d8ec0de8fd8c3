"""What llama.cpp is given to read, and what comes of it: a request's reply, or the scores of
continuations.

Reads logits and token ids; knows nothing of loading, slots or the queue.
"""

from __future__ import annotations

import time
from typing import Literal, Protocol

from localfair.engines.llama_context import Context, Slot
from localfair.engines.llama_sampling import Sampler, log_softmax, sampler
from localfair.engines.llama_vocabulary import Vocabulary
from localfair.engines.thinking import with_opening
from localfair.record.nouns import Generation, Request


class Reading(Protocol):
    """Tokens to be read in a slot, step by step.

    `wanted` of the last of them must show their logits.
    """

    request: Request
    prompt: list[int]

    @property
    def wanted(self) -> int: ...

    @property
    def length(self) -> int:
        """The most tokens that its sequence will hold."""
        ...

    def begin(self, vocabulary: Vocabulary) -> None:
        """Be seated in a slot, with nothing read yet."""
        ...

    def advance(self, context: Context, slot: Slot) -> bool:
        """Take what the last step showed of the slot; whether that was all."""
        ...

    def free(self) -> None:
        """Give back what llama.cpp lent. Idempotent."""
        ...


class Reply:
    """A request's reply in the making."""

    wanted = 1

    def __init__(self, request: Request, prompt: list[int]) -> None:
        self.request = request
        self.prompt = prompt
        self._started = 0.0
        self._vocabulary: Vocabulary | None = None
        self._sampler: Sampler | None = None
        self._text = b""
        self._tokens = 0
        self._logprobs: list[float] = []
        self._finish: Literal["stop", "length"] = "stop"

    @property
    def length(self) -> int:
        return len(self.prompt) + self.request.sampling.max_tokens

    def begin(self, vocabulary: Vocabulary) -> None:
        self._started = time.monotonic()
        self._text = b""
        self._tokens = 0
        self._logprobs.clear()
        self._vocabulary = vocabulary
        self._sampler = sampler(self.request, vocabulary.pointer)

    def advance(self, context: Context, slot: Slot) -> bool:
        """Draw the next token; whether the reply ended with it."""
        assert self._sampler is not None
        assert self._vocabulary is not None
        _, index = slot.shown[-1]
        token = self._sampler.choose(context, index)
        if self._vocabulary.ends(token):
            return True
        if self.request.logprobs:
            self._logprobs.append(float(log_softmax(context.logits(index))[token]))
        self._text += self._vocabulary.reply_piece(token)
        self._tokens += 1
        if self._stop_at() is not None:
            return True
        if self._tokens >= self.request.sampling.max_tokens:
            self._finish = "length"
            return True
        slot.next_token = token
        return False

    def free(self) -> None:
        sampler = self._sampler
        self._sampler = None  # before it is freed: see Context.free
        if sampler is not None:
            sampler.free()

    def generation(self) -> Generation:
        """The finished reply."""
        assert self._vocabulary is not None
        reply = Generation(
            request=self.request,
            text=self._text[: self._stop_at()].decode(errors="replace"),
            finish=self._finish,
            prompt_tokens=len(self.prompt),
            completion_tokens=self._tokens,
            seconds=time.monotonic() - self._started,
            logprobs=tuple(self._logprobs),
        )
        return with_opening(reply, self._vocabulary.prompt_end(self.prompt))

    def _stop_at(self) -> int | None:
        """Byte position of the first stop string in what has been written, or None."""
        positions = [self._text.find(stop.encode()) for stop in self.request.sampling.stop]
        return min((position for position in positions if position >= 0), default=None)


class SharedInputs:
    """Those of a score request's continuations that read the same tokens: five digits are one of
    these.
    """

    def __init__(self, request: Request, prompt: list[int]) -> None:
        self.request = request
        self.prompt = prompt
        self.started = 0.0
        self.done = False
        self.continuations: dict[int, list[int]] = {}  # index in the request -> tokens
        self.logprobs: dict[int, float] = {}  # index in the request -> their sum so far

    @property
    def wanted(self) -> int:
        return max(len(tokens) for tokens in self.continuations.values())

    @property
    def length(self) -> int:
        return len(self.prompt)

    def begin(self, vocabulary: Vocabulary) -> None:
        self.started = time.monotonic()
        self.logprobs.clear()

    def advance(self, context: Context, slot: Slot) -> bool:
        """Add up what the step showed of each continuation; whether all inputs are read."""
        for fed, index in slot.shown:
            scores = log_softmax(context.logits(index))
            for which, tokens in self.continuations.items():
                # all tokens but the last are inputs; these logits are those of the token after `fed`
                position = fed - (len(self.prompt) - len(tokens) + 1)
                if position >= 0:
                    known = self.logprobs.get(which, 0.0)
                    self.logprobs[which] = known + float(scores[tokens[position]])
        self.done = slot.fed == len(slot.prompt)
        return self.done

    def free(self) -> None:
        pass


def shared_inputs(
    request: Request, prompt: list[int], texts: list[list[int]]
) -> list[SharedInputs]:
    """What must be read to score the continuations `texts` (their tokens) after a prompt."""
    by_inputs: dict[tuple[int, ...], SharedInputs] = {}
    for which, tokens in enumerate(texts):
        inputs = [*prompt, *tokens[:-1]]
        shared = by_inputs.setdefault(tuple(inputs), SharedInputs(request, inputs))
        shared.continuations[which] = tokens
    return list(by_inputs.values())


def scored(parts: list[SharedInputs]) -> Generation:
    """The generation of a score request whose inputs have all been read."""
    request = parts[0].request
    shortest = min(parts, key=lambda part: len(part.prompt))
    logprobs: dict[int, float] = {}
    tokens = 0
    for part in parts:
        logprobs |= part.logprobs
        tokens += sum(len(continuation) for continuation in part.continuations.values())
    return Generation(
        request=request,
        text="",
        finish="stop",
        prompt_tokens=len(shortest.prompt) - shortest.wanted + 1,
        completion_tokens=tokens,
        seconds=time.monotonic() - min(part.started for part in parts),
        logprobs=tuple(logprobs[which] for which in range(len(request.continuations))),
    )
