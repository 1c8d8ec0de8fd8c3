"""`models add`: a card for weights that are already on this machine, or for a server that is running already.

Reads what they say of themselves, writes one card into the workspace. Copies no weights; asks no host but the
endpoint it is given.
"""

from __future__ import annotations

from pathlib import Path

from localfair.errors import ModelError, UsageError
from localfair.machine.workspace import packaged_dir
from localfair.models import endpoint
from localfair.models.card import Card, save_card
from localfair.models.hashing import Hashes
from localfair.models.metadata import card_name, card_of, weights_size
from localfair.models.registry import all_cards, verified_at, weights_dir


def add(path: Path, workspace: Path, *, name: str = "", force: bool = False) -> Card:
    """Write a card for the weights at `path` and return it.

    Weights that a known card describes (same sha256, or same file name where the card has no hash yet) take
    that card's name and content. Raises UsageError when another card has the name, unless `force`.
    """
    path = path.expanduser().absolute()
    hashes = Hashes(weights_dir(workspace))
    plain = card_of(path)
    seen = hashes.of(path)
    known = _known(path, seen, workspace)
    if known and not name:
        verified_at(known, path, hashes)
    base = known or plain
    changes = {"name": name or base.name, "path": str(path), "file": base.file, "sha256": seen}
    card = Card.model_validate({**base.model_dump(), **changes, "size": weights_size(path)})
    if _shipped_in(workspace) and known and card.name == known.name and known.sha256:
        _link(path, weights_dir(workspace) / known.file)
        return known
    return _write(card, workspace, force)


def add_endpoint(
    url: str, served: str, workspace: Path, *, name: str = "", force: bool = False
) -> Card:
    """Write a card for the model that a running server calls `served`, as it describes itself now, and return it.

    Raises NetworkRefused for a host the workspace does not allow, EngineDied when nobody answers, UsageError when
    the server has no such model or another card has the name, unless `force`.
    """
    root = endpoint.allowed(url, endpoint.allowed_hosts(workspace))
    seen = endpoint.look(root, served)
    card = Card(
        name=name or card_name(Path(served)), family="unknown", format="endpoint", url=root, served=served,
        server=seen.server, identity=seen.identity, context_length=seen.context,
    )  # fmt: skip
    return _write(card, workspace, force)


def record(card: Card, sha256: str, size: int, workspace: Path) -> Card:
    """Hold a card without a hash to the weights seen first: write both into the workspace's copy."""
    if card.sha256 is not None and card.size is not None:
        return card
    held = card.model_copy(update={"sha256": card.sha256 or sha256, "size": card.size or size})
    save_card(held, workspace / "models" / f"{card.name}.toml")
    return held


def _known(path: Path, sha256: str, workspace: Path) -> Card | None:
    """The card that describes these weights: by hash, else by file name where no hash is known."""
    cards = all_cards(workspace).values()
    same = [card for card in cards if card.sha256 == sha256]
    return next(iter(same + [c for c in cards if c.sha256 is None and c.file == path.name]), None)


def _write(card: Card, workspace: Path, force: bool) -> Card:
    place = workspace / "models" / f"{card.name}.toml"
    other = all_cards(workspace).get(card.name)
    if other and not force and not _same(other, card):
        raise UsageError(
            f"another model is called {card.name!r}: {other.file or other.url}, sha256 {other.sha256 or 'unknown'}",
            "give it another name with --name, or replace that card with --force",
        )
    save_card(card, place)
    return card


def _same(other: Card, card: Card) -> bool:
    if "endpoint" in (other.format, card.format):
        return (other.url, other.served, other.identity) == (card.url, card.served, card.identity)
    return other.sha256 == card.sha256 if other.sha256 else other.file == card.file


def _shipped_in(workspace: Path) -> bool:
    """Whether the workspace is the source checkout, whose cards get no path of this machine."""
    return (workspace / "models").resolve() == packaged_dir("models").resolve()


def _link(path: Path, place: Path) -> None:
    if place.exists() and place.resolve() == path.resolve():
        return
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        place.symlink_to(path)
    except OSError as error:
        raise ModelError(
            f"cannot link {place} to {path}: {error.strerror}", "copy the file there"
        ) from error
