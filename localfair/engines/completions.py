"""A request as the JSON of an OpenAI-compatible server, and that server's JSON as a generation.

Pure; knows nothing of sockets or processes. Servers differ in what they take beside OpenAI's own
fields, and what they do not know they ignore. So each dialect is spelled out: `llamacpp`, `vllm`,
or any other.
"""

from __future__ import annotations

import json
from typing import Literal

from localfair.engines.answers import (
    Json,
    is_cut,
    is_given_up,
    log_probability,
    only_choice,
    read_from,
    text_of,
    thinking_of,
    token_count,
)
from localfair.engines.requests import draw_seed
from localfair.errors import EngineError, ReplyError
from localfair.machine.http import KEPT
from localfair.record.nouns import Generation, Request

# How many of the likeliest tokens a chat server is asked to list, by dialect; 20 is OpenAI's most.
LISTED = {"llamacpp": 1000, "vllm": 20}
FORCED = 1e4  # a bias that leaves a token no rival


def drawing(request: Request, dialect: str) -> Json:
    """The fields that say how a reply is drawn: temperature, then nucleus, and nothing a server
    adds by itself.
    """
    sampling = request.sampling
    body: Json = {
        "max_tokens": sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "seed": draw_seed(request),
        "stream": False,
    }
    if sampling.stop:
        body["stop"] = list(sampling.stop)
    if dialect == "llamacpp":
        body["top_k"] = 0
        body["min_p"] = 0.0
        body["samplers"] = ["temperature", "top_p"]
    if dialect == "vllm":
        body["top_k"] = 0
        body["min_p"] = 0.0
        body["repetition_penalty"] = 1.0
    return body


def constrained(request: Request, dialect: str) -> Json:
    """The field that binds the reply's form; none where the request wants none.

    Raises EngineError when the request wants a grammar and the server takes none.
    """
    constraint = request.constraint
    if constraint is None:
        return {}
    if constraint.kind == "json_schema":
        return _bound_by_schema(json.loads(constraint.text), dialect)
    if dialect == "llamacpp":
        return {"grammar": constraint.text}
    if dialect == "vllm":
        return {"structured_outputs": {"grammar": constraint.text}}
    raise EngineError(
        f"{request.about or 'a request'} binds its reply by a grammar, which only llama.cpp's server and vLLM take",
        "leave the recipe's `constrained` off, or serve the model with one of them",
    )


def _bound_by_schema(schema: Json, dialect: str) -> Json:
    if dialect == "llamacpp":
        return {"json_schema": schema}
    if dialect == "vllm":
        return {"structured_outputs": {"json": schema}}
    named = {"name": "reply", "schema": schema, "strict": True}
    return {"response_format": {"type": "json_schema", "json_schema": named}}


def leaning(token: int | str) -> Json:
    """The field that makes llama.cpp's server write this token.

    The server reports the token's log-probability as it is without the bias. Of a step that ends
    the turn or writes half a character it reports nothing.
    """
    return {"logit_bias": [[token, FORCED]]}


def generation(
    request: Request, data: Json, seconds: float, who: str, raw: bytes = b""
) -> Generation:
    """The reply in a server's answer to /v1/completions or /v1/chat/completions.

    `who` is the server in errors, `raw` the answer as it came. A reply without a text that ended by
    itself is an empty one. Thinking stands before the content as the model wrote it. Raises
    ReplyError when the answer is no completion, when the server gave the request up, or when a
    bound reply that ended by itself is no JSON: the server ignored the constraint.
    """
    about = request.about or "a request"
    with read_from(who, about, raw):
        choice = only_choice(data)
        if is_given_up(choice):
            raise ReplyError(
                f"{who} gave up {about}",
                "run the same command again",
                raw=raw[:KEPT],
                retryable=True,
            )
        finish: Literal["stop", "length"] = "length" if is_cut(choice) else "stop"
        usage = data["usage"]
        content = text_of(choice)
        reply = Generation(
            request=request,
            text=thinking_of(choice, content) + content,
            finish=finish,
            prompt_tokens=token_count(usage["prompt_tokens"], "prompt_tokens"),
            completion_tokens=token_count(usage["completion_tokens"], "completion_tokens"),
            seconds=seconds,
            logprobs=written(choice) if request.logprobs else (),
        )
    _refuse_ignored(reply, content, who, raw)
    return reply


def written(choice: Json) -> tuple[float, ...]:
    """The log-probability of each token written, in either of the two forms that servers use.

    Raises Malformed, or a TypeError or KeyError where the form is another.
    """
    logprobs = choice.get("logprobs") or {}
    if "content" in logprobs:
        tokens = logprobs["content"] or ()
        return tuple(log_probability(token["logprob"]) for token in tokens)
    values = logprobs.get("token_logprobs") or ()
    return tuple(log_probability(value) for value in values if value is not None)


def _refuse_ignored(reply: Generation, content: str, who: str, raw: bytes) -> None:
    """Raise ReplyError for a reply that ended by itself and does not keep to its JSON schema."""
    request = reply.request
    if request.constraint is None or request.constraint.kind != "json_schema":
        return
    if reply.finish != "stop" or request.sampling.stop:
        return  # it was cut: half a JSON is what was asked for
    try:
        json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ReplyError(
            f"{who} ignored the JSON schema of {request.about or 'a request'}: {content[:60]!r}",
            "serve the model with llama.cpp's server or vLLM, or leave the recipe's `constrained` off",
            raw=raw[:KEPT],
        ) from error
