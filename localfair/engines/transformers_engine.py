"""The transformers engine: requests to generations on the CPU or one GPU, batched, reproducible by seed.

Reads a folder of safetensors and a tokenizer, and perhaps a LoRA adapter; writes nothing. Knows nothing of
tasks, recipes or the store. The decoding loop is our own (`decoding`): each request draws from its own
seed, so its reply does not depend on what it shares a batch with.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from localfair.engines.base import Opening
from localfair.engines.decoding import Batch, Row, arranged
from localfair.engines.requests import refuse_constraint, refuse_too_long, seed_of
from localfair.errors import EngineError
from localfair.models.chat import end_of_turn, load_tokenizer, prompt_ids
from localfair.models.loading import load_causal_lm, with_adapter
from localfair.record.nouns import Generation, Request, Sampling

if TYPE_CHECKING:
    from localfair.models import Model


@dataclass(frozen=True, slots=True)
class _Loaded:
    model: Any
    tokenizer: Any
    stops: frozenset[int]


class TransformersEngine:
    """An `Engine` and a `Scorer`; its weights load at the first request."""

    def __init__(self, model: Model, opening: Opening) -> None:
        self.identity = opening.identity
        self._model = model
        self._opening = opening
        self._loaded: _Loaded | None = None

    def generate(self, requests: Iterable[Request]) -> Iterator[Generation]:
        """See `Engine`. Greedy at temperature 0, else nucleus sampling; nothing is said of equal logits."""
        asked = list(requests)
        if not asked:
            return
        loaded = self._load()
        for request in asked:
            refuse_constraint(request, "transformers")
        rows = [self._row(loaded, request) for request in asked]
        for row in Batch(loaded.model, min(self._opening.batch, len(rows))).replies(rows):
            yield row.note.generation(row)

    def score(self, requests: Iterable[Request]) -> Iterator[Generation]:
        """See `Scorer`. A continuation is tokenised by itself and holds no end of turn."""
        asked = list(requests)
        if not asked:
            return
        loaded = self._load()
        scored = [self._scoring(loaded, request) for request in asked]
        rows = arranged([row for scoring in scored for row in scoring.rows.values()])
        batch = Batch(loaded.model, min(self._opening.batch, max(len(rows), 1)))
        while rows or scored:
            yield from (s.generation() for s in scored if not s.missing)
            scored = [s for s in scored if s.missing]
            rows = _score_some(batch, rows)

    def close(self) -> None:
        """See `Engine`."""
        self._loaded = None
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _load(self) -> _Loaded:
        if self._loaded is None:
            folder = self._opening.folder()
            precision = self._opening.precision
            tokenizer = load_tokenizer(folder, self._model.chat_template)
            base = load_causal_lm(folder, precision)
            model = with_adapter(base, self._opening.adapter, precision)
            _refuse_windows(model.config)
            self._loaded = _Loaded(model.eval(), tokenizer, _stops(model, tokenizer))
        return self._loaded

    def _row(self, loaded: _Loaded, request: Request) -> Row:
        ids = prompt_ids(loaded.tokenizer, request.messages)
        reply_tokens = request.sampling.max_tokens
        refuse_too_long(request, len(ids), reply_tokens, self.identity, self._model.context)
        reply = _Reply(request, loaded)
        chooses = _drawing(request)
        return Row(
            ids, reply.ended, reply.noting(chooses) if request.logprobs else chooses, note=reply
        )

    def _scoring(self, loaded: _Loaded, request: Request) -> _Scoring:
        prompt = prompt_ids(loaded.tokenizer, request.messages)
        texts = [
            loaded.tokenizer(c, add_special_tokens=False).input_ids for c in request.continuations
        ]
        assert all(texts), "a continuation without a token"
        longest = max(map(len, texts), default=0)
        refuse_too_long(request, len(prompt), longest, self.identity, self._model.context)
        return _Scoring(request, prompt, texts)


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

    def ended(self, row: Row) -> bool:
        sampling = self.request.sampling
        full = len(row.reply) >= sampling.max_tokens
        return full or row.reply[-1] in self.loaded.stops or self._stopped(row.reply)

    def _stopped(self, reply: list[int]) -> bool:
        """Whether a stop string stands in the newest tokens; a token is a byte at least."""
        stop = self.request.sampling.stop
        if not stop:
            return False
        tail = self._text(reply[-max(len(s.encode()) for s in stop) - 4 :])
        return any(s in tail for s in stop)

    def _text(self, ids: list[int]) -> str:
        text: str = self.loaded.tokenizer.decode(
            ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return text

    def generation(self, row: Row) -> Generation:
        text = self._text(row.reply)
        cuts = [at for s in self.request.sampling.stop if (at := text.find(s)) >= 0]
        stopped = bool(cuts) or row.reply[-1] in self.loaded.stops
        return Generation(
            request=self.request,
            text=text[: min(cuts, default=len(text))],
            finish="stop" if stopped else "length",
            prompt_tokens=len(row.ids),
            completion_tokens=len(row.reply),
            seconds=time.perf_counter() - row.began,
            logprobs=tuple(self.logprobs),
        )


class _Scoring:
    """A score request's continuations; those with the same inputs share a row (five digits: one row)."""

    def __init__(self, request: Request, prompt: list[int], texts: list[list[int]]) -> None:
        self.request, self.prompt, self.texts = request, prompt, texts
        self.logprobs: dict[int, float] = {}
        self.rows: dict[tuple[int, ...], Row] = {}
        for text in texts:
            ids = [*prompt, *text[:-1]]
            self.rows.setdefault(tuple(ids), Row(ids, lambda row: True, note=(self, len(text))))

    @property
    def missing(self) -> bool:
        return len(self.logprobs) < len(self.texts)

    def take(self, row: Row, logits: Tensor) -> None:
        """Read each continuation with this row's inputs off its (L, V) logits."""
        scores = logits.float().log_softmax(-1)
        for i, text in enumerate(self.texts):
            if [*self.prompt, *text[:-1]] == row.ids:
                self.logprobs[i] = scores[range(len(text)), text].double().sum().item()

    def generation(self) -> Generation:
        return Generation(
            request=self.request,
            text="",
            finish="stop",
            prompt_tokens=len(self.prompt),
            completion_tokens=sum(map(len, self.texts)),
            seconds=time.perf_counter() - min(row.began for row in self.rows.values()),
            logprobs=tuple(self.logprobs[i] for i in range(len(self.texts))),
        )


def _score_some(batch: Batch, rows: list[Row]) -> list[Row]:
    """Score the next batch of rows; returns those that are left."""
    if not rows:
        return []
    together = batch.first(rows)
    wanted = [row.note[1] for row in together]
    logits = batch.prefill(together, 0, wanted)
    for row, mine in zip(together, torch.split(logits, wanted), strict=True):
        row.note[0].take(row, mine)
    return rows[len(together) :]


def _drawing(request: Request) -> Callable[[Tensor], int] | None:
    """How a request draws its tokens: from a generator of its own, seeded by its seed and sample index."""
    if request.sampling.temperature <= 0:
        return None
    seed = seed_of(request, bits=63)
    generator = torch.Generator().manual_seed(seed)
    return lambda logits: draw(logits, request.sampling, generator)


def draw(logits: Tensor, sampling: Sampling, generator: torch.Generator) -> int:
    """One token from (V,) logits at a temperature, within the smallest set of mass top_p (nucleus sampling,
    arXiv 1904.09751); one uniform number is drawn, whatever the vocabulary."""
    probabilities = (logits.float().cpu() / sampling.temperature).softmax(-1).double()
    kept, tokens = _nucleus(probabilities, sampling.top_p)
    mass = kept.cumsum(0)
    drawn = torch.rand(1, generator=generator, dtype=torch.double) * mass[-1]
    at = torch.searchsorted(mass, drawn, right=True)
    return int(tokens[at.clamp(max=len(tokens) - 1)])


def _nucleus(probabilities: Tensor, top_p: float) -> tuple[Tensor, Tensor]:
    """The kept probabilities and their tokens. The full sort is made only where 256 tokens are too few."""
    if top_p >= 1:
        return probabilities, torch.arange(len(probabilities))
    kept, tokens = probabilities.topk(min(256, len(probabilities)))
    if kept.sum() < top_p:
        kept, tokens = probabilities.sort(descending=True)
    count = int((kept.cumsum(0) < top_p).sum()) + 1
    return kept[:count], tokens[:count]


def _stops(model: Any, tokenizer: Any) -> frozenset[int]:
    """Every token that ends a turn, as the generation config, the tokenizer and the template say."""
    said = model.generation_config.eos_token_id
    named = said if isinstance(said, list) else [said]
    found = {*named, tokenizer.eos_token_id, end_of_turn(tokenizer)}
    return frozenset(i for i in found if i is not None)


def _refuse_windows(config: Any) -> None:
    """Our cache keeps every token for every layer; other kinds of layers need another engine."""
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    if kinds != {"full_attention"} or getattr(config, "use_sliding_window", False):
        raise EngineError(
            f"the transformers engine runs full attention only, not {sorted(kinds)}",
            "use a GGUF of this model with another engine",
        )
