"""An endpoint: a model behind somebody else's server.

Which hosts may be asked, and what they report.

Reads `<workspace>/hosts.txt`, `LOCALFAIR_ENDPOINT_KEY` and what the server reports; writes nothing.
Knows nothing of cards or prompts. What a server reports of its weights cannot be verified: a card
can only hold it to reporting the same again.
"""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import SplitResult, urlsplit

from localfair.errors import EngineDied, EngineError, NetworkRefused, UsageError, nearest
from localfair.record.nouns import content_id

HOSTS = "hosts.txt"
SECONDS = 10.0  # a server that lists its models slower than this is taken for dead (ours)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModel:
    """What a server reports of itself and of one model.

    server: `llamacpp`, `vllm`, `ollama`, `lmstudio` or `unknown`.
    identity: the tagged hash of what it reports of the weights, whatever its address; empty when it
    reports nothing of them.
    context: the tokens that one request may have, None when it does not say.
    """

    server: str
    identity: str
    context: int | None


def allowed(url: str, hosts: frozenset[str]) -> str:
    """The root of the server at `url`, without `/v1`.

    Raises UsageError when the URL is no address of an HTTP server, NetworkRefused when its host is
    neither this machine nor in `hosts`.
    """
    parts = _split(url)
    if parts is None or not parts.hostname:
        raise UsageError(
            f"{url!r} is not the address of a server", "give it like http://127.0.0.1:8080"
        )
    host = parts.hostname
    if not is_loopback(host) and host not in hosts:
        raise NetworkRefused(
            f"{host} is not this machine, and the workspace does not allow it",
            f"write the line {host} into {HOSTS} in the workspace: prompts will be sent there",
        )
    return f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/").removesuffix("/v1")


def _split(url: str) -> SplitResult | None:
    """The parts of a URL; None when it is not HTTP, names a user, holds a query, or a character
    that no URL may hold.
    """
    if not (url.isascii() and url.isprintable()) or " " in url:
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    is_http = parts.scheme in ("http", "https")
    if not is_http or "@" in parts.netloc or parts.query or port == 0:
        return None
    return parts


def allowed_hosts(workspace: Path) -> frozenset[str]:
    """The hosts that the workspace's `hosts.txt` names, one a line; `#` begins a comment."""
    try:
        text = (workspace / HOSTS).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return frozenset()
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{workspace / HOSTS} is no UTF-8 text (byte {error.start})", "write one host a line"
        ) from error
    # only a line feed ends a line: a comment may hold U+2028, and what follows it is comment still
    names = [line.partition("#")[0].strip(" \t\r").lower() for line in text.split("\n")]
    return frozenset(name for name in names if name)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def fingerprint(url: str, served: str, identity: str) -> str:
    """What stands for the weights: the identity that the server reports, else address and name."""
    return identity or content_id("endpoint", url=url, served=served)


def key() -> str:
    """The key that endpoints are asked with, if they want one; it is written down nowhere."""
    return os.environ.get("LOCALFAIR_ENDPOINT_KEY", "")


def look(url: str, served: str) -> ServedModel:
    """Ask the server at `url` what it is and whether it serves `served`.

    Raises EngineDied when nobody answers, EngineError when it lists no models or wants a key,
    UsageError with the nearest name when it serves others.
    """
    listed = _items(_ask(url, "/v1/models"), "data")
    models = {model.get("id"): model for model in listed}
    # llama-server has one model and answers to whatever name it is called by
    if listed and listed[0].get("owned_by") == "llamacpp":
        return _llama_server(url, models.get(served, listed[0]))
    if served not in models:
        raise UsageError(
            f"the server at {url} has no model {served!r}", nearest(served, map(str, models))
        )
    if models[served].get("owned_by") == "vllm":
        return _vllm(models[served])
    tags = _items(_ask(url, "/api/tags", optional=True), "models")
    if tags:
        return _ollama(tags, served)
    loaded = _items(_ask(url, "/api/v0/models", optional=True), "data")
    if loaded:
        return _lm_studio(loaded, served)
    return ServedModel(server="unknown", identity="", context=None)


def _llama_server(url: str, model: dict[str, Any]) -> ServedModel:
    properties = _ask(url, "/props", optional=True)
    settings = properties.get("default_generation_settings") or {}
    context = settings.get("n_ctx")
    meta = dict(model.get("meta") or {})
    # the context is how the weights are served, not what they are
    meta.pop("n_ctx", None)
    if not meta:
        return ServedModel(server="llamacpp", identity="", context=context)
    identity = _identity(
        "llamacpp",
        file=PurePath(str(properties.get("model_path", ""))).name,
        meta=meta,
        chat_template=properties.get("chat_template"),
    )
    return ServedModel(server="llamacpp", identity=identity, context=context)


def _vllm(model: dict[str, Any]) -> ServedModel:
    identity = _identity("vllm", root=model.get("root"))
    return ServedModel(server="vllm", identity=identity, context=model.get("max_model_len"))


def _ollama(tags: list[dict[str, Any]], served: str) -> ServedModel:
    for tag in tags:
        if tag.get("name") in (served, f"{served}:latest"):
            digest = tag.get("digest")
            identity = _identity("ollama", digest=digest) if digest else ""
            return ServedModel(server="ollama", identity=identity, context=None)
    return ServedModel(server="ollama", identity="", context=None)


def _lm_studio(loaded: list[dict[str, Any]], served: str) -> ServedModel:
    for model in loaded:
        if model.get("id") == served:
            context = model.get("loaded_context_length")
            return ServedModel(server="lmstudio", identity="", context=context)
    return ServedModel(server="lmstudio", identity="", context=None)


def _identity(server: str, **reported: Any) -> str:
    return content_id("endpoint", server=server, **reported)


def _items(answer: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The objects in a list of the answer; none when it has no such list."""
    items = answer.get(name)
    if not isinstance(items, list):
        return []
    return [item for item in items if isinstance(item, dict)]


def _ask(url: str, path: str, *, optional: bool = False) -> dict[str, Any]:
    """The JSON object at a path; an empty one where there is none and it is optional.

    Raises EngineDied when nobody answers, EngineError when something else does.
    """
    from localfair.machine.http import Connection

    try:
        with Connection(url, key(), answer=SECONDS) as connection:
            reply = connection.ask(path)
        content = reply.json() if reply.status == 200 else None
    except (OSError, ValueError) as error:
        if optional:
            return {}
        raise EngineDied(
            f"nobody answers at {url}: {error}", "is the server running, and is it the right port?"
        ) from error
    if isinstance(content, dict):
        return content
    if optional:
        return {}
    raise _refusal(url, reply.status)


def _refusal(url: str, status: int) -> EngineError:
    if status in (401, 403):
        return EngineError(f"the server at {url} wants a key", "set LOCALFAIR_ENDPOINT_KEY to it")
    return EngineError(
        f"the server at {url} lists no models (status {status})", "is it an OpenAI-compatible one?"
    )
