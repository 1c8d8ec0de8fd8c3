"""What every engine asks of a request: does it fit, may its reply be bound, from which seed is it
drawn.

Pure. Knows nothing of models, tokenizers or servers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from localfair.engines.base import FailedRequest
from localfair.errors import PromptRefused, PromptTooLong, ReplyError, UsageError
from localfair.record.nouns import EngineIdentity, Request, content_id, seed_of

Prepared = TypeVar("Prepared")
# errors of one request, which say nothing of the others
ALONE = (PromptTooLong, PromptRefused, ReplyError)


def prepared(
    requests: Iterable[Request],
    prepare: Callable[[Request], Prepared],
    failed: FailedRequest | None,
) -> list[Prepared]:
    """What `prepare` makes of each request.

    A request that it refuses goes to `failed` with the error, and is left out; without `failed` the
    error is raised.
    """
    ready = []
    for request in requests:
        try:
            ready.append(prepare(request))
        except ALONE as error:
            if failed is None:
                raise
            failed(request, error)
    return ready


def refuse_too_long(
    request: Request, prompt: int, reply: int, identity: EngineIdentity, context: int
) -> None:
    """Raise PromptTooLong when prompt and reply, in tokens, do not fit a context of `context`
    tokens.
    """
    if prompt + reply > context:
        raise PromptTooLong(
            f"{request.about or 'a request'}: {prompt} tokens of prompt and {reply} of reply do not fit "
            f"the {context} tokens of {identity.model}",
            "use fewer demonstrations, a lower max_tokens, or a model with a longer context",
        )


def refuse_constraint(request: Request, engine: str) -> None:
    """Raise UsageError when a request wants its reply bound; for an engine that cannot do that."""
    if request.constraint is not None:
        raise UsageError(
            f"the {engine} engine cannot constrain a reply ({request.about or 'a request'})",
            "use an engine that can, or leave the constraint out",
        )


def draw_seed(request: Request, bits: int = 31) -> int:
    """The seed that a request's tokens are drawn from, so many bits of a hash.

    It depends on the request's seed and sample index: another index draws another reply.
    """
    return seed_of(content_id("draws", seed=request.seed, sample=request.sample), bits)
