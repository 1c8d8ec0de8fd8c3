"""The transformers engine: requests to generations on the CPU or one GPU, batched, reproducible by
seed.

Reads a folder of safetensors and a tokenizer, and perhaps a LoRA adapter; writes nothing. Knows
nothing of tasks, recipes or the store. The decoding loop is our own (`decoding`): each request
draws from its own seed, so its reply does not depend on what it shares a batch with.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from localfair.engines.arrivals import Grouped
from localfair.engines.at_once import AtOnce, tells_of_memory
from localfair.engines.base import Opening
from localfair.engines.decoding import Batch, BatchRow, arranged
from localfair.engines.requests import prepared, refuse_constraint, refuse_too_long
from localfair.engines.streaming import Growing, Streamed
from localfair.engines.thinking import TAG_TOKENS, hidden_ids, with_opening
from localfair.engines.torch_sampling import drawing
from localfair.errors import EngineError
from localfair.models.chat import end_of_turn, load_tokenizer, prompt_ids, text_ids
from localfair.models.loading import load_causal_lm, with_adapter
from localfair.record.nouns import Generation, Request

if TYPE_CHECKING:
    from localfair.models import Model


@dataclass(frozen=True, slots=True)
class _Loaded:
    """What is loaded: the model with its adapter, its tokenizer, the tokens that end a turn, and
    those that a reply's text leaves out.
    """

    model: Any
    tokenizer: Any
    ends: frozenset[int]
    hidden: frozenset[int]


class TransformersEngine:
    """An `Engine` and a `Scorer`; its weights load at the first request."""

    def __init__(self, model: Model, opening: Opening) -> None:
        self.identity = opening.identity
        self._model = model
        self._opening = opening
        self._loaded: _Loaded | None = None
        self._at_once = AtOnce(f"the transformers engine of {model.name}", opening.batch)

    def generate(self, requests: Iterable[Request]) -> Iterator[Generation]:
        """See `Engine`.

        Greedy at temperature 0, else nucleus sampling; nothing is said of equal logits.
        """
        return Grouped(self._replies(list(requests)))

    def _replies(self, asked: list[Request]) -> Generator[list[Generation]]:
        """The replies that end with the same step, together."""
        if not asked:
            return
        loaded = self._load()
        for request in asked:
            refuse_constraint(request, "transformers")
        failed = self._opening.failed
        rows = prepared(asked, lambda request: self._row(loaded, request), failed)
        waiting = {id(row.note.request): row.note.request for row in rows}
        while waiting:
            if not rows:
                rows = [self._row(loaded, request) for request in waiting.values()]
            batch = Batch(loaded.model, min(self._at_once.most, len(rows)))
            try:
                for ended in batch.steps(rows):
                    for row in ended:
                        del waiting[id(row.note.request)]
                    yield [row.note.generation(row) for row in ended]
            except (MemoryError, RuntimeError) as error:
                rows = []  # what was begun is drawn anew, each from its own seed
                size = batch.size
                del batch
                self._halve(error, size)

    def stream(self, request: Request) -> Streamed:
        """See `Streamer`."""
        loaded = self._load()
        refuse_constraint(request, "transformers")
        row = self._row(loaded, request)
        growing = Growing(request.sampling.stop)
        batch = Batch(loaded.model, 1)
        try:
            for _ in batch.alone(row):
                yield growing.more(row.note.generation(row).text)
        except (MemoryError, RuntimeError) as error:
            self._halve(error, 1)
            raise
        generation: Generation = row.note.generation(row)
        yield growing.rest(generation.text)
        return generation

    def score(self, requests: Iterable[Request]) -> Iterator[Generation]:
        """See `Scorer`. A continuation is tokenised by itself and holds no end of turn."""
        return Grouped(self._scores(list(requests)))

    def _scores(self, asked: list[Request]) -> Generator[list[Generation]]:
        """The scores that one pass completes, together."""
        if not asked:
            return
        loaded = self._load()
        failed = self._opening.failed
        scorings = prepared(asked, lambda request: self._scoring(loaded, request), failed)
        rows = arranged([row for scoring in scorings for row in scoring.rows.values()])
        while scorings:
            complete = [scoring for scoring in scorings if not scoring.missing]
            scorings = [scoring for scoring in scorings if scoring.missing]
            if complete:
                yield [scoring.generation() for scoring in complete]
            batch = Batch(loaded.model, min(self._at_once.most, max(len(rows), 1)))
            try:
                rows = _score_some(batch, rows)
            except (MemoryError, RuntimeError) as error:
                size = batch.size
                del batch
                self._halve(error, size)

    def _halve(self, error: MemoryError | RuntimeError, size: int) -> None:
        """Run fewer at once, where memory was too short for `size`; else raise the error."""
        is_memory = isinstance(error, MemoryError | torch.OutOfMemoryError)
        if not is_memory and not tells_of_memory(str(error)):
            raise error
        self._at_once.halve(error, size)
        error.__traceback__ = None  # its frames hold the tensors
        _free_memory()

    def close(self) -> None:
        """See `Engine`."""
        self._loaded = None
        _free_memory()

    def _load(self) -> _Loaded:
        if self._loaded is None:
            folder = self._opening.folder()
            precision = self._opening.precision
            tokenizer = load_tokenizer(
                folder,
                self._model.chat_template,
                name=self.identity.model,
                settings=self._model.settings,
            )
            base = load_causal_lm(folder, precision)
            model = with_adapter(base, self._opening.adapter, precision)
            _refuse_windows(model.config)
            ends = _ends_of_turn(model, tokenizer)
            self._loaded = _Loaded(model.eval(), tokenizer, ends, hidden_ids(tokenizer))
        return self._loaded

    def _row(self, loaded: _Loaded, request: Request) -> BatchRow:
        ids = _prompt(loaded, request)
        most = request.sampling.max_tokens
        refuse_too_long(request, len(ids), most, self.identity, self._model.context)
        reply = _Reply(request, loaded)
        chooses = drawing(request)
        if request.logprobs:
            chooses = reply.noting(chooses)
        return BatchRow(ids, reply.ended, chooses, note=reply)

    def _scoring(self, loaded: _Loaded, request: Request) -> _Scoring:
        prompt = _prompt(loaded, request)
        texts = []
        for continuation in request.continuations:
            ids = text_ids(loaded.tokenizer, continuation)
            assert ids, "a continuation without a token"
            texts.append(ids)
        longest = max((len(ids) for ids in texts), default=0)
        refuse_too_long(request, len(prompt), longest, self.identity, self._model.context)
        return _Scoring(request, prompt, texts)


def _free_memory() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _prompt(loaded: _Loaded, request: Request) -> list[int]:
    enable_thinking = request.sampling.enable_thinking
    return prompt_ids(loaded.tokenizer, request.messages, enable_thinking, request.about)


@dataclass(slots=True)
class _Reply:
    """A request's reply in the making: when it ends, and what it reads."""

    request: Request
    loaded: _Loaded
    logprobs: list[float] = field(default_factory=list)

    def noting(self, chooses: Callable[[Tensor], int] | None) -> Callable[[Tensor], int]:
        """`chooses`, or greedy, that also notes the log-probability of what it chose."""

        def choose(logits: Tensor) -> int:
            token = chooses(logits) if chooses else int(logits.argmax())
            self.logprobs.append(logits.float().log_softmax(-1)[token].item())
            return token

        return choose

    def ended(self, row: BatchRow) -> bool:
        """Whether the reply ends with its newest token."""
        if len(row.reply) >= self.request.sampling.max_tokens:
            return True
        return row.reply[-1] in self.loaded.ends or self._stopped(row.reply)

    def _stopped(self, reply: list[int]) -> bool:
        """Whether a stop string stands in the newest tokens."""
        stops = self.request.sampling.stop
        if not stops:
            return False
        # a token is a byte at least, and a character that is not whole yet four at most
        longest = max(len(stop.encode()) for stop in stops)
        newest = self._text(reply[-longest - 4 :])
        return any(stop in newest for stop in stops)

    def _text(self, ids: list[int]) -> str:
        shown = [token for token in ids if token not in self.loaded.hidden]
        return _decoded(self.loaded.tokenizer, shown)

    def generation(self, row: BatchRow) -> Generation:
        """The finished reply, cut before its first stop string."""
        text = self._text(row.reply)
        positions = [text.find(stop) for stop in self.request.sampling.stop]
        cut = min((position for position in positions if position >= 0), default=None)
        stopped = cut is not None or row.reply[-1] in self.loaded.ends
        reply = Generation(
            request=self.request,
            text=text[:cut],
            finish="stop" if stopped else "length",
            prompt_tokens=len(row.ids),
            completion_tokens=len(row.reply),
            seconds=time.perf_counter() - row.began,
            logprobs=tuple(self.logprobs),
        )
        return with_opening(reply, _decoded(self.loaded.tokenizer, row.ids[-TAG_TOKENS:]))


class _Scoring:
    """A score request's continuations.

    Those with the same inputs share a row (five digits: one row).
    """

    def __init__(self, request: Request, prompt: list[int], texts: list[list[int]]) -> None:
        self.request = request
        self.prompt = prompt
        self.texts = texts
        self.logprobs: dict[int, float] = {}
        self.rows: dict[tuple[int, ...], BatchRow] = {}
        for text in texts:
            ids = self._inputs(text)
            row = BatchRow(ids, lambda row: True, wanted=len(text), note=self)
            self.rows.setdefault(tuple(ids), row)

    def _inputs(self, text: list[int]) -> list[int]:
        """What is read to score a continuation: all but its last token."""
        return [*self.prompt, *text[:-1]]

    @property
    def missing(self) -> bool:
        """Whether a continuation has no log-probability yet."""
        return len(self.logprobs) < len(self.texts)

    def take(self, row: BatchRow, logits: Tensor) -> None:
        """Read each continuation with this row's inputs off its (L, V) logits."""
        scores = logits.float().log_softmax(-1)
        for i, text in enumerate(self.texts):
            if self._inputs(text) == row.ids:
                of_tokens = scores[range(len(text)), text]
                self.logprobs[i] = of_tokens.double().sum().item()

    def generation(self) -> Generation:
        """The request's answer, once nothing is missing."""
        return Generation(
            request=self.request,
            text="",
            finish="stop",
            prompt_tokens=len(self.prompt),
            completion_tokens=sum(len(text) for text in self.texts),
            seconds=time.perf_counter() - min(row.began for row in self.rows.values()),
            logprobs=tuple(self.logprobs[i] for i in range(len(self.texts))),
        )


def _score_some(batch: Batch, rows: list[BatchRow]) -> list[BatchRow]:
    """Score the next rows that fit one pass; returns those that are left."""
    if not rows:
        return []
    together = batch.first(rows)
    wanted = [row.wanted for row in together]
    logits = batch.prefill(together, 0, wanted)
    for row, of_row in zip(together, torch.split(logits, wanted), strict=True):
        row.note.take(row, of_row)
    return rows[len(together) :]


def _decoded(tokenizer: Any, ids: list[int]) -> str:
    text: str = tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
    return text


def _ends_of_turn(model: Any, tokenizer: Any) -> frozenset[int]:
    """Every token that ends a turn, as the generation config, the tokenizer and the template
    say.
    """
    configured = model.generation_config.eos_token_id
    ends = {tokenizer.eos_token_id, end_of_turn(tokenizer)}
    ends |= set(configured) if isinstance(configured, list) else {configured}
    return frozenset(token for token in ends if token is not None)


def _refuse_windows(config: object) -> None:
    """Raise EngineError for a model with other layers than full attention: our cache keeps every
    token for each.
    """
    layers = set(getattr(config, "layer_types", None) or ["full_attention"])
    if layers != {"full_attention"} or getattr(config, "use_sliding_window", False):
        raise EngineError(
            f"the transformers engine runs full attention only, not {sorted(layers)}",
            "use a GGUF of this model with another engine",
        )
