"""A request as the JSON of an OpenAI-compatible server, and that server's JSON as a generation.

Pure; knows nothing of sockets or processes. Servers differ in what they take beside OpenAI's own fields, and
what they do not know they ignore, so each dialect is spelled out: `llamacpp`, `vllm`, or any other.
"""

from __future__ import annotations

import json
from typing import Any

from localfair.engines.requests import seed_of
from localfair.errors import EngineDied, EngineError
from localfair.record.nouns import Generation, Request

# likeliest tokens that a chat server is asked to list; others: 20, OpenAI's most
LISTED = {"llamacpp": 1000, "vllm": 20}
FORCED = 1e4  # a bias that leaves a token no rival


def drawing(request: Request, dialect: str) -> dict[str, Any]:
    """How a reply is drawn: temperature, then nucleus, and nothing that a server would add by itself."""
    sampling = request.sampling
    body: dict[str, Any] = {
        "max_tokens": sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "seed": seed_of(request),
        "stream": False,
    }
    if sampling.stop:
        body["stop"] = list(sampling.stop)
    if dialect == "llamacpp":
        body |= {"top_k": 0, "min_p": 0.0, "samplers": ["temperature", "top_p"]}
    if dialect == "vllm":
        body |= {"top_k": 0, "min_p": 0.0, "repetition_penalty": 1.0}
    return body


def constrained(request: Request, dialect: str) -> dict[str, Any]:
    """The field that binds the reply's form. Raises EngineError where the server takes no grammar."""
    constraint = request.constraint
    if constraint is None:
        return {}
    schema = json.loads(constraint.text) if constraint.kind == "json_schema" else None
    if dialect == "llamacpp":
        return {"grammar": constraint.text} if schema is None else {"json_schema": schema}
    if dialect == "vllm":
        return {
            "structured_outputs": {"grammar": constraint.text}
            if schema is None
            else {"json": schema}
        }
    if schema is None:
        raise EngineError(
            f"{request.about or 'a request'} binds its reply by a grammar, which only llama.cpp's server and vLLM take",
            "leave the recipe's `constrained` off, or serve the model with one of them",
        )
    named = {"name": "reply", "schema": schema, "strict": True}
    return {"response_format": {"type": "json_schema", "json_schema": named}}


def leaning(token: int | str) -> dict[str, Any]:
    """Makes llama.cpp's server write this token, whose log-probabilities it reports as they are without the bias.

    Of a step that ends the turn or writes half a character it reports nothing.
    """
    return {"logit_bias": [[token, FORCED]]}


def generation(request: Request, data: dict[str, Any], seconds: float, who: str) -> Generation:
    """The reply in a server's answer to /v1/completions or /v1/chat/completions.

    Raises EngineError when a bound reply that ended by itself is no JSON: the server ignored the constraint.
    """
    try:
        choice, usage = data["choices"][0], data["usage"]
        text = choice["message"]["content"] if "message" in choice else choice["text"]
        counts = {k: int(usage[k]) for k in ("prompt_tokens", "completion_tokens")}
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise EngineError(
            f"{who} answers without {error}", "is it an OpenAI-compatible server?"
        ) from error
    if choice.get("finish_reason") in ("abort", "error"):
        raise EngineDied(
            f"{who} gave up {request.about or 'a request'}", "run the same command again"
        )
    made = Generation(
        request=request, text=text or "", finish="length" if choice.get("finish_reason") == "length" else "stop",
        **counts, seconds=seconds, logprobs=written(choice) if request.logprobs else (),
    )  # fmt: skip
    _refuse_ignored(made, who)
    return made


def written(choice: dict[str, Any]) -> tuple[float, ...]:
    """The log-probability of each token written, in either of the two forms that servers use."""
    found = choice.get("logprobs") or {}
    if "content" in found:
        return tuple(float(token["logprob"]) for token in found["content"] or ())
    return tuple(float(value) for value in found.get("token_logprobs") or () if value is not None)


def _refuse_ignored(made: Generation, who: str) -> None:
    constraint, sampling = made.request.constraint, made.request.sampling
    if (
        constraint is None
        or constraint.kind != "json_schema"
        or made.finish != "stop"
        or sampling.stop
    ):
        return
    try:
        json.loads(made.text)
    except ValueError as error:
        raise EngineError(
            f"{who} ignored the JSON schema of {made.request.about or 'a request'}: {made.text[:60]!r}",
            "serve the model with llama.cpp's server or vLLM, or leave the recipe's `constrained` off",
        ) from error
