"""What `models list` shows: every card, and what is known of its weights on this machine.

Reads cards and headers; hashes nothing, so that a list is quick. Writes nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from localfair.errors import ModelError
from localfair.models.card import Card
from localfair.models.metadata import read_header, weights_size
from localfair.models.registry import all_cards, find_weights

GIB = 2**30


def listing(workspace: Path) -> list[dict[str, Any]]:
    """One row per card, by name. `size` and `context` are None where neither card nor weights tell."""
    return [_row(card, workspace) for _, card in sorted(all_cards(workspace).items())]


def _row(card: Card, workspace: Path) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": card.name,
        "family": card.family,
        "licence": card.licence,
        "output_terms": card.output_terms,
        "format": card.format,
        "size": card.size,
        "context": card.context_length,
        "roles": list(card.roles),
        "sha256": card.sha256,
        "sources": [str(source) for source in card.sources],
        "path": None,
        "state": "not here",
    }
    if card.format == "endpoint":
        return {**row, "path": card.url, "state": "endpoint"}
    path = find_weights(card, workspace)
    if path is None:
        return row
    try:
        header = read_header(path)
        size, context = weights_size(path), card.context_length or header.context_length or None
        wrong = card.size not in (None, size)
        state = "another size" if wrong else "here"
        return {**row, "path": str(path), "size": size, "context": context, "state": state}
    except ModelError as error:
        return {**row, "path": str(path), "state": f"damaged: {error.message}"}


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as text in columns; `?` where a card says nothing."""
    head = ("name", "licence", "outputs", "size", "context", "roles", "weights")
    body = [
        (
            row["name"],
            row["licence"],
            row["output_terms"],
            f"{row['size'] / GIB:.2f} GiB" if row["size"] else "?",
            str(row["context"] or "?"),
            ",".join(row["roles"]) or "?",
            row["state"],
        )
        for row in rows
    ]
    widths = [max(len(line[i]) for line in [head, *body]) for i in range(len(head))]
    return "\n".join(
        "  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip()
        for line in [head, *body]
    )
