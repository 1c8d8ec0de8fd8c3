"""An endpoint: a model that somebody else's server holds. Which hosts may be asked, and who the server says it is.

Reads `<workspace>/hosts.txt`, `LOCALFAIR_ENDPOINT_KEY` and what the server reports; writes nothing. Knows nothing of
cards or requests. What a server says of its weights cannot be verified: it is held to having said it before, no more.
"""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, NoReturn
from urllib.parse import urlsplit

from localfair.errors import EngineDied, EngineError, NetworkRefused, UsageError, nearest
from localfair.record.nouns import content_id

HOSTS = "hosts.txt"
SECONDS = 10.0  # a server that lists its models slower than this is taken for dead (ours)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What answers: `llamacpp`, `vllm`, `ollama`, `lmstudio` or `unknown`; the tokens one request may have, if it says.

    identity: the tagged hash of what it reports of the weights, whatever its address; empty when that tells nothing.
    """

    server: str
    identity: str
    context: int | None


def allowed(url: str, hosts: frozenset[str]) -> str:
    """The server's root, without `/v1`. Raises UsageError for no http URL, NetworkRefused for a host nobody allowed."""
    try:
        parts = urlsplit(url)
        good = (
            parts.scheme in ("http", "https")
            and parts.hostname
            and not (parts.username or parts.query)
        )
        good = good and parts.port != 0
    except ValueError:
        good = False
    if not good or not parts.hostname:
        raise UsageError(
            f"{url!r} is not the address of a server", "give it like http://127.0.0.1:8080"
        )
    if not is_loopback(parts.hostname) and parts.hostname not in hosts:
        raise NetworkRefused(
            f"{parts.hostname} is not this machine, and the workspace does not allow it",
            f"write the line {parts.hostname} into {HOSTS} in the workspace: prompts will be sent there",
        )
    return f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/").removesuffix("/v1")


def allowed_hosts(workspace: Path) -> frozenset[str]:
    """The hosts that the workspace's `hosts.txt` names, one a line; `#` begins a comment."""
    try:
        lines = (workspace / HOSTS).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return frozenset()
    return frozenset(name for line in lines if (name := line.partition("#")[0].strip().lower()))


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def fingerprint(url: str, served: str, identity: str) -> str:
    """What stands for the weights: the identity the server reports, else its address and the model's name there."""
    return identity or content_id("endpoint", url=url, served=served)


def key() -> str:
    """The key that endpoints are asked with, if they want one; it is written down nowhere."""
    return os.environ.get("LOCALFAIR_ENDPOINT_KEY", "")


def look(url: str, served: str) -> Seen:
    """Ask the server at `url` who it is and whether it serves `served`.

    Raises EngineDied when nobody answers, UsageError with the nearest name when it serves others.
    """
    listed = {m.get("id"): m for m in _items(_ask(url, "/v1/models"), "data")}
    one = next(iter(listed.values()), {})
    if one.get("owned_by") == "llamacpp":
        return _llamacpp(url, listed.get(served, one))
    if served not in listed:
        raise UsageError(
            f"the server at {url} has no model {served!r}", nearest(served, map(str, listed))
        )
    one = listed[served]
    if one.get("owned_by") == "vllm":
        return Seen(
            server="vllm",
            identity=_tagged("vllm", root=one.get("root")),
            context=one.get("max_model_len"),
        )
    tags = _items(_ask(url, "/api/tags", optional=True), "models")
    digest = next(
        (m.get("digest") for m in tags if m.get("name") in (served, f"{served}:latest")), None
    )
    if tags:
        return Seen(
            server="ollama",
            identity=_tagged("ollama", digest=digest) if digest else "",
            context=None,
        )
    known = _items(_ask(url, "/api/v0/models", optional=True), "data")
    loaded: Any = next(
        (m.get("loaded_context_length") for m in known if m.get("id") == served), None
    )
    return Seen(server="lmstudio" if known else "unknown", identity="", context=loaded)


def _llamacpp(url: str, model: dict[str, Any]) -> Seen:
    properties = _ask(url, "/props", optional=True)
    settings = properties.get("default_generation_settings") or {}
    # its context and its build are how the weights are served, not what they are
    meta = {k: v for k, v in (model.get("meta") or {}).items() if k != "n_ctx"}
    file = PurePath(str(properties.get("model_path", ""))).name
    identity = _tagged(
        "llamacpp", file=file, meta=meta, chat_template=properties.get("chat_template")
    )
    return Seen(server="llamacpp", identity=identity if meta else "", context=settings.get("n_ctx"))


def _tagged(server: str, **said: Any) -> str:
    return content_id("endpoint", server=server, **said)


def _items(data: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = data.get(name)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _ask(url: str, path: str, *, optional: bool = False) -> dict[str, Any]:
    """The JSON object at a path; empty where there is none and it is optional. No proxy, no redirect."""
    from localfair.machine.http import Connection

    try:
        with Connection(url, key(), answer=SECONDS) as connection:
            answer = connection.ask(path)
        data = answer.json() if answer.status == 200 else None
    except (OSError, ValueError) as error:
        if optional:
            return {}
        raise EngineDied(
            f"nobody answers at {url}: {error}", "is the server running, and is it the right port?"
        ) from error
    if isinstance(data, dict):
        return data
    return {} if optional else _refused(url, answer.status)


def _refused(url: str, status: int) -> NoReturn:
    if status in (401, 403):
        raise EngineError(f"the server at {url} wants a key", "set LOCALFAIR_ENDPOINT_KEY to it")
    raise EngineError(
        f"the server at {url} lists no models (status {status})", "is it an OpenAI-compatible one?"
    )
