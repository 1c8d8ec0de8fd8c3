"""How llama.cpp draws a token: temperature, nucleus, a seed of the request's own, and what a constraint allows.

Knows nothing of contexts, sequences or files.
"""

from __future__ import annotations

from typing import Any

import numpy
from llama_cpp import llama_cpp as low
from llama_cpp.llama_grammar import json_schema_to_gbnf
from numpy.typing import NDArray

from localfair.errors import BackendError
from localfair.records import Constraint, Request, content_id


def sampler(request: Request, vocab: Any) -> Any:
    """What the constraint allows, then temperature, then nucleus, then a draw from the request's own seed and
    sample; greedy at 0. Free it with `llama_sampler_free`. Raises BackendError for a constraint that is no grammar.
    """
    chain = low.llama_sampler_chain_init(low.llama_sampler_chain_default_params())
    sampling = request.sampling
    if request.constraint is not None:
        low.llama_sampler_chain_add(chain, _grammar(request.constraint, vocab))
    if sampling.temperature <= 0:
        low.llama_sampler_chain_add(chain, low.llama_sampler_init_greedy())
        return chain
    seed = int(content_id("draws", seed=request.seed, sample=request.sample)[3:], 16) % 2**31
    low.llama_sampler_chain_add(chain, low.llama_sampler_init_temp(sampling.temperature))
    if sampling.top_p < 1:
        low.llama_sampler_chain_add(chain, low.llama_sampler_init_top_p(sampling.top_p, 1))
    low.llama_sampler_chain_add(chain, low.llama_sampler_init_dist(seed))
    return chain


def _grammar(constraint: Constraint, vocab: Any) -> Any:
    try:
        text = json_schema_to_gbnf(constraint.text) if constraint.kind == "json_schema" else constraint.text
    except (ValueError, KeyError, TypeError, AssertionError) as error:
        raise BackendError(f"not a JSON schema that llama.cpp can follow: {error}", "use a simpler one") from error
    made = low.llama_sampler_init_grammar(vocab, text.encode(), b"root")
    if not made:
        raise BackendError("llama.cpp cannot read the grammar of a constraint", "its first rule is called `root`")
    return made


def log_softmax(logits: NDArray[numpy.float32]) -> NDArray[numpy.float64]:
    """(V,) natural log-probabilities, in float64."""
    scores = logits.astype(numpy.float64)
    scores -= scores.max()
    normalised: NDArray[numpy.float64] = scores - numpy.log(numpy.exp(scores).sum())
    return normalised
