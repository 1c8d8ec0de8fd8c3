"""How a token is drawn from llama.cpp's logits: constraint, temperature, nucleus, a seed of its
own.

Constraints are llama.cpp's work. Everything else is done here: its own chain copies and sorts the
whole vocabulary for every token, a fifth of what a step of 16 sequences costs on a CPU. Knows
nothing of sequences or files.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

import numpy
from llama_cpp import llama_cpp as low
from llama_cpp.llama_grammar import json_schema_to_gbnf
from numpy.typing import NDArray

from localfair.engines.llama_context import Context
from localfair.engines.requests import draw_seed
from localfair.errors import EngineError
from localfair.record.nouns import Constraint, Request, Sampling

RARE = 1e-4  # of the likeliest token's probability: nearly always, the nucleus holds no token that is less likely


@dataclass(frozen=True, slots=True)
class Sampler:
    """How one request draws: `choose(context, index)` is the token for an index of the last
    step's batch.
    """

    choose: Callable[[Context, int], int]
    free: Callable[[], None] = lambda: None


def sampler(request: Request, vocab: object) -> Sampler:
    """The sampler of a request, greedy at temperature 0. Free it.

    Raises EngineError when llama.cpp cannot follow the constraint.
    """
    if request.constraint is not None:
        return _chain(request.constraint, request, vocab)
    if request.sampling.temperature <= 0:
        return Sampler(lambda context, index: int(context.logits(index).argmax()))
    random = Random(draw_seed(request))
    return Sampler(lambda context, index: draw(context.logits(index), request.sampling, random))


def draw(logits: NDArray[numpy.float32], sampling: Sampling, random: Random) -> int:
    """One token from (V,) logits at a temperature, within the smallest set of mass top_p.

    Nucleus sampling, arXiv 1904.09751. One uniform number is drawn, whatever the vocabulary.
    """
    weights = numpy.exp((logits - logits.max()) / numpy.float32(sampling.temperature))
    tokens = _nucleus(weights, sampling.top_p)
    mass = weights[tokens].cumsum(dtype=numpy.float64)
    drawn = random.random() * mass[-1]
    index = int(numpy.searchsorted(mass, drawn, side="right"))
    last = len(tokens) - 1  # where rounding puts what was drawn beyond all mass
    return int(tokens[min(index, last)])


def _nucleus(weights: NDArray[numpy.float32], top_p: float) -> NDArray[numpy.intp]:
    """The kept tokens, the likeliest first."""
    if top_p >= 1:
        return numpy.arange(len(weights))
    needed = top_p * weights.sum(dtype=numpy.float64)
    candidates = nucleus_candidates(weights, needed)
    likeliest_first = numpy.argsort(-weights[candidates], kind="stable")
    ordered = candidates[likeliest_first]
    mass = weights[ordered].cumsum(dtype=numpy.float64)
    count = int(numpy.searchsorted(mass, needed)) + 1
    return ordered[:count]


def nucleus_candidates(weights: NDArray[numpy.float32], needed: float) -> NDArray[numpy.intp]:
    """The tokens that are sorted to find a nucleus of mass `needed`; the likeliest weighs 1.

    Those that are not RARE, and the whole vocabulary only where they are too few.
    """
    likely = numpy.flatnonzero(weights >= RARE)
    if weights[likely].sum(dtype=numpy.float64) < needed:
        return numpy.arange(len(weights))
    return likely


def _chain(constraint: Constraint, request: Request, vocab: object) -> Sampler:
    """llama.cpp's own samplers behind its grammar."""
    sampling = request.sampling
    grammar = _grammar(constraint, vocab)
    chain = low.llama_sampler_chain_init(low.llama_sampler_chain_default_params())
    low.llama_sampler_chain_add(chain, grammar)
    if sampling.temperature <= 0:
        low.llama_sampler_chain_add(chain, low.llama_sampler_init_greedy())
    else:
        low.llama_sampler_chain_add(chain, low.llama_sampler_init_temp(sampling.temperature))
        if sampling.top_p < 1:
            low.llama_sampler_chain_add(chain, low.llama_sampler_init_top_p(sampling.top_p, 1))
        low.llama_sampler_chain_add(chain, low.llama_sampler_init_dist(draw_seed(request)))
    return Sampler(
        choose=lambda context, index: low.llama_sampler_sample(chain, context.pointer, index),
        free=partial(low.llama_sampler_free, chain),
    )


def _grammar(constraint: Constraint, vocab: object) -> Any:
    """llama.cpp's sampler of a constraint. Raises EngineError when it cannot follow it."""
    text = constraint.text
    if constraint.kind == "json_schema":
        try:
            text = json_schema_to_gbnf(text)
        except (ValueError, KeyError, TypeError, AssertionError) as error:
            raise EngineError(
                f"not a JSON schema that llama.cpp can follow: {error}", "use a simpler one"
            ) from error
    grammar = low.llama_sampler_init_grammar(vocab, text.encode(), b"root")
    if not grammar:
        raise EngineError(
            "llama.cpp cannot read the grammar of a constraint", "its first rule is called `root`"
        )
    return grammar


def log_softmax(logits: NDArray[numpy.float32]) -> NDArray[numpy.float64]:
    """(V,) natural log-probabilities, in float64."""
    scores = logits.astype(numpy.float64)
    scores -= scores.max()
    normalised: NDArray[numpy.float64] = scores - numpy.log(numpy.exp(scores).sum())
    return normalised
