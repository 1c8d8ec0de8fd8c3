"""An endpoint: a model behind somebody else's server.

Which hosts may be asked, and what they report.

Reads `<workspace>/hosts.txt`, the keys of endpoints (`LOCALFAIR_ENDPOINT_KEY_<CARD>`, or
`LOCALFAIR_ENDPOINT_KEY` for a single server) and what the server reports; writes nothing.
Knows nothing of cards or prompts. What a server reports of its weights cannot be verified: a card
can only hold it to reporting the same again.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import SplitResult, urlsplit

from localfair.errors import EngineDied, EngineError, NetworkRefused, UsageError, nearest
from localfair.machine.bounds import OutOfBounds, read_bytes
from localfair.machine.keys import checked
from localfair.machine.terminal import one_line
from localfair.models.gguf_header import MOST_CONTEXT
from localfair.models.parsing import Malformed, whole_number
from localfair.record.nouns import content_id

HOSTS = "hosts.txt"
MOST_HOSTS = 2**20  # bytes
KEY_VARIABLE = "LOCALFAIR_ENDPOINT_KEY"
MOST_NAMES = 50  # of a server's models that an error chooses from
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
            f"{_without_secrets(url)!r} is not the address of a server",
            "give it like http://127.0.0.1:8080",
        )
    host = parts.hostname
    if not is_loopback(host) and host not in hosts:
        raise NetworkRefused(
            f"{host} is not this machine, and the workspace does not allow it",
            f"write the line {host} into {HOSTS} in the workspace: prompts will be sent there",
        )
    return f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/").removesuffix("/v1")


def _without_secrets(url: str) -> str:
    """A URL as an error may quote it: without a user, a password and a query."""
    without_user = re.sub("//.*@", "//...@", url, flags=re.S)
    before, query, _ = without_user.partition("?")
    return f"{before}?..." if query else before


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
    path = workspace / HOSTS
    try:
        text = read_bytes(path, MOST_HOSTS).decode("utf-8-sig")
    except FileNotFoundError:
        return frozenset()
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path} is no UTF-8 text (byte {error.start})", "write one host a line"
        ) from error
    except OutOfBounds as error:
        raise UsageError(f"{path} cannot be read: {error}", "write one host a line") from error
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


def key_of(card: str) -> str:
    """The key of a card's endpoint, "" for none; it is written down nowhere.

    The card's own variable, else the plain one. Raises UsageError for what can be no key.
    """
    own = key_variable(card)
    name = own if own in os.environ else KEY_VARIABLE
    return checked(os.environ.get(name, ""), name)


def key_variable(card: str) -> str:
    """The variable of one card's key: `LOCALFAIR_ENDPOINT_KEY_MY_SERVER` of `my-server`."""
    return f"{KEY_VARIABLE}_{re.sub('[^A-Z0-9]', '_', card.upper())}"


def key_hint(card: str) -> str:
    """Where a card's key is put."""
    return f"set {key_variable(card)} to the key it was started with"


def refuse_shared_key(urls: Mapping[str, str]) -> None:
    """Raise UsageError for a key that can be none, and when one key would go to several servers:
    each is nobody else's business.

    `urls` are the addresses of cards by name. A card with a variable of its own, even an empty one,
    is given no other's.
    """
    for card in urls:
        key_of(card)
    if not os.environ.get(KEY_VARIABLE, "").strip():
        return
    sharing = [card for card in urls if key_variable(card) not in os.environ]
    servers = {urlsplit(urls[card]).netloc for card in sharing}
    if len(servers) > 1:
        names = ", ".join(key_variable(card) for card in sorted(sharing))
        raise UsageError(
            f"{KEY_VARIABLE} is one key, and {len(servers)} servers would be given it",
            f"give each its own, or an empty one: {names}",
        )


def look(url: str, served: str, key: str = "") -> ServedModel:
    """Ask the server at `url` what it is and whether it serves `served`.

    Raises EngineDied when nobody answers, EngineError when it lists no models, wants a key or
    reports what no server would, UsageError with the nearest name when it serves others.
    """
    try:
        return _looked(_Asking(url, key), served)
    except (TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise EngineError(
            f"the server at {url} reports of itself what no such server would",
            "is it an OpenAI-compatible one?",
        ) from error


def _looked(server: _Asking, served: str) -> ServedModel:
    listed = _items(server.ask("/v1/models"), "data")
    models = {}
    for model in listed:
        if isinstance(model.get("id"), str):
            models[model["id"]] = model
    # llama-server has one model and answers to whatever name it is called by
    if listed and listed[0].get("owned_by") == "llamacpp":
        return _llama_server(server, models.get(served, listed[0]))
    if served not in models:
        names = [one_line(name, 80) for name in list(models)[:MOST_NAMES]]
        raise UsageError(
            f"the server at {server.url} has no model {served!r}", nearest(served, names)
        )
    if models[served].get("owned_by") == "vllm":
        return _vllm(models[served])
    tags = _items(server.ask("/api/tags", optional=True), "models")
    if tags:
        return _ollama(tags, served)
    loaded = _items(server.ask("/api/v0/models", optional=True), "data")
    if loaded:
        return _lm_studio(loaded, served)
    return ServedModel(server="unknown", identity="", context=None)


def _llama_server(server: _Asking, model: dict[str, object]) -> ServedModel:
    properties = server.ask("/props", optional=True)
    context = _context(_table(properties, "default_generation_settings").get("n_ctx"))
    meta = dict(_table(model, "meta"))
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


def _vllm(model: dict[str, object]) -> ServedModel:
    identity = _identity("vllm", root=model.get("root"))
    return ServedModel(
        server="vllm", identity=identity, context=_context(model.get("max_model_len"))
    )


def _ollama(tags: list[dict[str, object]], served: str) -> ServedModel:
    for tag in tags:
        if tag.get("name") in (served, f"{served}:latest"):
            digest = tag.get("digest")
            identity = _identity("ollama", digest=digest) if digest else ""
            return ServedModel(server="ollama", identity=identity, context=None)
    return ServedModel(server="ollama", identity="", context=None)


def _lm_studio(loaded: list[dict[str, object]], served: str) -> ServedModel:
    for model in loaded:
        if model.get("id") == served:
            context = _context(model.get("loaded_context_length"))
            return ServedModel(server="lmstudio", identity="", context=context)
    return ServedModel(server="lmstudio", identity="", context=None)


def _identity(server: str, **reported: Any) -> str:
    return content_id("endpoint", server=server, **reported)


def _context(reported: object) -> int | None:
    """A context as a card may hold it; None for what is none, as where a server does not say."""
    try:
        return whole_number(reported, "context", MOST_CONTEXT, 1)
    except Malformed:
        return None


def _table(answer: dict[str, object], name: str) -> dict[str, Any]:
    """The object at a key of the answer; an empty one when there is something else."""
    value = answer.get(name)
    return value if isinstance(value, dict) else {}


def _items(answer: dict[str, object], name: str) -> list[dict[str, Any]]:
    """The objects in a list of the answer; none when it has no such list."""
    items = answer.get(name)
    if not isinstance(items, list):
        return []
    return [item for item in items if isinstance(item, dict)]


@dataclass(frozen=True, slots=True)
class _Asking:
    """The server at `url`, asked with a key."""

    url: str
    key: str

    def ask(self, path: str, *, optional: bool = False) -> dict[str, Any]:
        """The JSON object at a path; an empty one where there is none and it is optional.

        Raises EngineDied when nobody answers, EngineError when something else does.
        """
        from localfair.machine.http import Connection, Unreachable

        try:
            with Connection(self.url, self.key, answer=SECONDS) as connection:
                reply = connection.ask(path)
            content = reply.json() if reply.status == 200 else None
        except (OSError, ValueError) as error:
            if optional:
                return {}
            if isinstance(error, Unreachable):
                hint = "is the server running, and is it the right port?"
                raise EngineDied(f"nobody answers at {self.url}: {error}", hint) from error
            problem = str(error).partition(":")[0]
            raise EngineDied(
                f"what answers at {self.url} is no such server: {problem}",
                "is it an OpenAI-compatible one, and is it the right port?",
            ) from error
        if isinstance(content, dict):
            return content
        if optional:
            return {}
        raise _refusal(self.url, reply.status)


def _refusal(url: str, status: int) -> EngineError:
    if status in (401, 403):
        return EngineError(
            f"the server at {url} wants a key, or another one",
            f"set {KEY_VARIABLE} to it, or {KEY_VARIABLE}_<CARD> for one card of several",
        )
    return EngineError(
        f"the server at {url} lists no models (status {status})", "is it an OpenAI-compatible one?"
    )
