"""How a token is drawn from torch's logits: temperature, nucleus, a seed of the request's own.

It is the same method as llama.cpp's drawing (`llama_sampling`) and not the same function: the two
order equal logits otherwise, and bf16 logits are often equal. On random bf16 logits 2 to 60 % of
the tokens drawn by the one are not those drawn by the other (ours), so replies would change with
the function. Knows nothing of batches or models.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from localfair.engines.requests import draw_seed
from localfair.record.nouns import Request, Sampling

LIKELY = 256  # tokens that hold the nucleus nearly always; sorting only these is far quicker


def drawing(request: Request) -> Callable[[Tensor], int] | None:
    """How a request draws from (V,) logits, with a generator of its own.

    None where it is greedy.
    """
    if request.sampling.temperature <= 0:
        return None
    generator = torch.Generator().manual_seed(draw_seed(request, bits=63))
    return lambda logits: draw(logits, request.sampling, generator)


def draw(logits: Tensor, sampling: Sampling, generator: torch.Generator) -> int:
    """One token from (V,) logits at a temperature, within the smallest set of mass top_p.

    Nucleus sampling, arXiv 1904.09751. One uniform number is drawn, whatever the vocabulary.
    """
    probabilities = (logits.float().cpu() / sampling.temperature).softmax(-1).double()
    kept, tokens = _nucleus(probabilities, sampling.top_p)
    mass = kept.cumsum(0)
    drawn = torch.rand(1, generator=generator, dtype=torch.double) * mass[-1]
    index = torch.searchsorted(mass, drawn, right=True)
    last = len(tokens) - 1  # where rounding puts what was drawn beyond all mass
    return int(tokens[index.clamp(max=last)])


def _nucleus(probabilities: Tensor, top_p: float) -> tuple[Tensor, Tensor]:
    """The kept probabilities and their tokens.

    The vocabulary is sorted only where LIKELY are too few.
    """
    if top_p >= 1:
        return probabilities, torch.arange(len(probabilities))
    kept, tokens = probabilities.topk(min(LIKELY, len(probabilities)))
    if kept.sum() < top_p:
        kept, tokens = probabilities.sort(descending=True)
    count = int((kept.cumsum(0) < top_p).sum()) + 1
    return kept[:count], tokens[:count]
