"""What `models list` shows: every card, and what is known of its weights on this machine.

Reads cards and headers; hashes nothing, so that a list is quick. Writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from localfair.errors import ModelError
from localfair.machine.terminal import shown_in_line
from localfair.models.card import Card
from localfair.models.metadata import read_header, weights_size
from localfair.models.registry import all_cards, find_weights

GIB = 2**30
HEADINGS = ("name", "licence", "outputs", "size", "context", "roles", "weights")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A card and its weights. size and context are None where neither card nor weights tell.

    path: the weights or an endpoint's address, None for weights that are not here.
    state: `here`, `not here`, `endpoint`, `another size`, or `damaged: ` and the reason.
    """

    name: str
    family: str
    licence: str
    output_terms: str
    format: str
    size: int | None
    context: int | None
    roles: tuple[str, ...]
    sha256: str | None
    sources: tuple[str, ...]
    path: str | None
    state: str


def listing(workspace: Path) -> list[Listed]:
    """Every card with what is known of its weights, by name."""
    cards = all_cards(workspace)
    return [_listed(cards[name], workspace) for name in sorted(cards)]


def table(models: list[Listed]) -> str:
    """The models as text in columns; `?` where a card says nothing."""
    lines = [HEADINGS, *(_cells(model) for model in models)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(_aligned(cells, widths) for cells in lines)


def _listed(card: Card, workspace: Path) -> Listed:
    listed = Listed(
        name=card.name,
        family=card.family,
        licence=card.licence,
        output_terms=card.output_terms,
        format=card.format,
        size=card.size,
        context=card.context_length,
        roles=card.roles,
        sha256=card.sha256,
        sources=tuple(str(source) for source in card.sources),
        path=None,
        state="not here",
    )
    if card.format == "endpoint":
        return replace(listed, path=card.url, state="endpoint")
    path = find_weights(card, workspace)
    if path is None:
        return listed
    return _with_weights(replace(listed, path=str(path)), path)


def _with_weights(listed: Listed, path: Path) -> Listed:
    """The same with what the weights at `path` say of themselves."""
    try:
        header = read_header(path)
        size = weights_size(path)
    except ModelError as error:
        return replace(listed, state=f"damaged: {error.message}")
    context = listed.context or header.context_length or None
    as_the_card_says = listed.size in (None, size)
    state = "here" if as_the_card_says else "another size"
    return replace(listed, size=size, context=context, state=state)


def _cells(model: Listed) -> tuple[str, ...]:
    size = f"{model.size / GIB:.2f} GiB" if model.size else "?"
    context = str(model.context or "?")
    roles = ",".join(model.roles) or "?"
    # what a card says may not become a line of its own
    licence = shown_in_line(model.licence)
    terms = shown_in_line(model.output_terms)
    state = shown_in_line(model.state)
    return (model.name, licence, terms, size, context, roles, state)


def _aligned(cells: tuple[str, ...], widths: list[int]) -> str:
    padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
    return "  ".join(padded).rstrip()
