"""The openai_http engine: a server that the user already runs, on this machine or on a host the
workspace allows.

Declares the engine; `openai_http_engine` is it. Reads nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from localfair.engines.base import Engine, EngineSpec, Opening
from localfair.errors import UsageError

if TYPE_CHECKING:
    from localfair.models import Model
    from localfair.models.loading import Precision


def _open(model: Model, opening: Opening) -> Engine:
    from localfair.engines.openai_http_engine import OpenAIHttpEngine

    return OpenAIHttpEngine(model, opening)


def _variant(model: Model, precision: Precision) -> str:
    """What serves and, where that is another machine, which one."""
    from localfair.models.endpoint import is_loopback

    host = urlsplit(model.card.url).hostname or ""
    variant = f"openai_http/{model.card.server}"
    return variant if is_loopback(host) else f"{variant}@{host}"


def _refuse(model: Model, hosts: frozenset[str]) -> None:
    """Raise UsageError for a model that is no endpoint, NetworkRefused for a host that nobody
    allowed.
    """
    from localfair.models.endpoint import allowed

    if model.format != "endpoint":
        raise UsageError(
            f"{model.name} is behind no server",
            "`localfair models add --endpoint URL --served NAME` makes one known",
        )
    allowed(model.card.url, hosts)


SPEC = EngineSpec(
    name="openai_http",
    reads=("endpoint",),
    opens=_open,
    variant=_variant,
    refuse=_refuse,
    scores=True,
    binds=True,
)
