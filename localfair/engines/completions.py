"""A request as the JSON of an OpenAI-compatible server, and that server's JSON as a generation.

Pure; knows nothing of sockets or processes. Servers differ in what they take beside OpenAI's own
fields, and what they do not know they ignore. So each dialect is spelled out: `llamacpp`, `vllm`,
or any other.
"""

from __future__ import annotations

import json
from typing import Any, Literal

from localfair.engines.requests import draw_seed
from localfair.errors import EngineDied, EngineError
from localfair.record.nouns import Generation, Request

Json = dict[str, Any]

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


def generation(request: Request, data: Json, seconds: float, who: str) -> Generation:
    """The reply in a server's answer to /v1/completions or /v1/chat/completions.

    What a server tells apart from the content as thinking stands before it as `<think>...</think>`,
    as the model wrote it: the record keeps the raw reply, and one place splits it for every engine.
    `who` is the server in errors. Raises EngineError when the answer is no completion, or when a
    bound reply that ended by itself is no JSON: the server ignored the constraint. Raises
    EngineDied when the server gave the request up.
    """
    try:
        choice = data["choices"][0]
        message = choice.get("message")
        content = choice["text"] if message is None else message["content"]
        prompt_tokens = int(data["usage"]["prompt_tokens"])
        completion_tokens = int(data["usage"]["completion_tokens"])
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise EngineError(
            f"{who} answers without {error}", "is it an OpenAI-compatible server?"
        ) from error
    reason = choice.get("finish_reason")
    if reason in ("abort", "error"):
        raise EngineDied(
            f"{who} gave up {request.about or 'a request'}", "run the same command again"
        )
    finish: Literal["stop", "length"] = "length" if reason == "length" else "stop"
    reply = Generation(
        request=request,
        text=_thinking(message or {}, content or "") + (content or ""),
        finish=finish,
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        seconds=seconds,
        logprobs=written(choice) if request.logprobs else (),
    )
    _refuse_ignored(reply, content or "", who)
    return reply


def _thinking(message: Json, content: str) -> str:
    """A chat message's thinking with its tags, "" for none.

    Thinking with no content after it was never left, and so is not closed. `reasoning_content` is
    the field's name in llama.cpp, SGLang and older vLLM, `reasoning` in vLLM and Ollama.
    """
    thinking = message.get("reasoning_content") or message.get("reasoning")
    if not isinstance(thinking, str):
        return ""
    closing = "\n</think>\n\n" if content.strip() else ""
    return f"<think>\n{thinking}{closing}"


def written(choice: Json) -> tuple[float, ...]:
    """The log-probability of each token written, in either of the two forms that servers use."""
    logprobs = choice.get("logprobs") or {}
    if "content" in logprobs:
        return tuple(float(token["logprob"]) for token in logprobs["content"] or ())
    values = logprobs.get("token_logprobs") or ()
    return tuple(float(value) for value in values if value is not None)


def _refuse_ignored(reply: Generation, content: str, who: str) -> None:
    """Raise EngineError for a reply that ended by itself and does not keep to its JSON schema."""
    request = reply.request
    if request.constraint is None or request.constraint.kind != "json_schema":
        return
    if reply.finish != "stop" or request.sampling.stop:
        return  # it was cut: half a JSON is what was asked for
    try:
        json.loads(content)
    except ValueError as error:
        raise EngineError(
            f"{who} ignored the JSON schema of {request.about or 'a request'}: {content[:60]!r}",
            "serve the model with llama.cpp's server or vLLM, or leave the recipe's `constrained` off",
        ) from error
