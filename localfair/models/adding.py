"""`models add`: a card for weights that are already here, or for a model behind a running server.

Reads what the weights or the server say of themselves; writes one card into the workspace. Copies
no weights. Asks no host but the endpoint that it is given.
"""

from __future__ import annotations

from pathlib import Path

from localfair.errors import ModelError, UsageError
from localfair.machine.workspace import at_home, packaged_dir
from localfair.models import endpoint
from localfair.models.card import Card, card_path, made_card, save_card
from localfair.models.gguf_split import shard_names
from localfair.models.hashing import Hashes, weights_of
from localfair.models.metadata import card_name, card_of, weights_size
from localfair.models.registry import all_cards, verified_at, weights_dir

SHIPPED = packaged_dir("models")  # the cards that come with localfair


def add(
    path: Path,
    workspace: Path,
    *,
    name: str = "",
    force: bool = False,
    shipped: Path = SHIPPED,
) -> Card:
    """Write a card for the weights at `path` and return it.

    Weights that a known card describes (same sha256, or same file name where the card has no hash
    yet) take that card's name and content. Where the workspace's cards are the `shipped` ones,
    as in a source checkout, a known card gets no path of this machine: the weights are linked
    instead. Raises UsageError when another card has the name, unless `force`; MissingWeights;
    CorruptWeights; ModelError when the weights cannot be linked.
    """
    path = at_home(path).absolute()
    hashes = Hashes(weights_dir(workspace))
    described = card_of(path)
    sha256 = hashes.of(path)
    known = _known_card(path, sha256, workspace)
    if known and not name:
        verified_at(known, path, hashes)
    base = known or described
    changes = {
        "name": name or base.name,
        "path": str(path),
        "sha256": sha256,
        "size": weights_size(path),
    }
    card = made_card("no card can be made", **{**base.model_dump(), **changes})
    is_checkout = (workspace / "models").resolve() == shipped.resolve()
    if known and known.sha256 and known.name == card.name and is_checkout:
        _link_all(path, weights_dir(workspace) / known.file)
        return known
    return _write(card, workspace, force)


def add_endpoint(
    url: str, served: str, workspace: Path, *, name: str = "", force: bool = False
) -> Card:
    """Write a card for the model that a running server calls `served`, and return it.

    Raises NetworkRefused for a host that the workspace does not allow, EngineDied when nobody
    answers, UsageError when the server has no such model or, unless `force`, another card has the
    name.
    """
    root = endpoint.allowed(url, endpoint.allowed_hosts(workspace))
    new_name = name or card_name(Path(served))
    reported = endpoint.look(root, served, endpoint.key_of(new_name))
    card = made_card(
        "no card can be made",
        name=new_name,
        family="unknown",
        format="endpoint",
        url=root,
        served=served,
        server=reported.server,
        identity=reported.identity,
        context_length=reported.context,
    )
    return _write(card, workspace, force)


def record(card: Card, sha256: str, size: int, workspace: Path) -> Card:
    """Write hash and size of the weights into the workspace's copy of a card that lacks them.

    From then on the card is held to these weights. A card that has both is returned as it is.
    """
    if card.sha256 is not None and card.size is not None:
        return card
    changes = {"sha256": card.sha256 or sha256, "size": card.size or size}
    complete = made_card("no card can be made", **{**card.model_dump(), **changes})
    save_card(complete, card_path(complete.name, workspace))
    return complete


def _known_card(path: Path, sha256: str, workspace: Path) -> Card | None:
    """The card that describes these weights: by hash, else by file name where it has no hash."""
    cards = all_cards(workspace).values()
    for card in cards:
        if card.sha256 == sha256:
            return card
    for card in cards:
        if card.sha256 is None and card.file == path.name:
            return card
    return None


def _write(card: Card, workspace: Path, force: bool) -> Card:
    other = all_cards(workspace).get(card.name)
    if other and not force and not _describe_the_same(other, card):
        raise UsageError(
            f"another model is called {card.name!r}: {other.file or other.url},"
            f" sha256 {other.sha256 or 'unknown'}",
            "give it another name with --name, or replace that card with --force",
        )
    save_card(card, card_path(card.name, workspace))
    return card


def _describe_the_same(other: Card, card: Card) -> bool:
    """Whether two cards are of one model, as far as the older one can tell."""
    if "endpoint" in (other.format, card.format):
        asked = (card.url, card.served, card.identity)
        return (other.url, other.served, other.identity) == asked
    if other.sha256:
        return other.sha256 == card.sha256
    return other.file == card.file


def _link_all(path: Path, link: Path) -> None:
    """Let `link` lead to the weights at `path`, and links beside it to the other shards of them.

    Raises ModelError, also when the link's name is not one of a split GGUF and the weights are.
    """
    shards = [path] if path.is_dir() else weights_of(path)
    names = shard_names(link.name) if len(shards) > 1 else [link.name]
    if len(names) != len(shards):
        raise ModelError(
            f"{path} has {len(shards)} shards, its card names one file", "correct the card"
        )
    # the first last: where it stands, all of them do
    for shard, name in reversed(list(zip(shards, names, strict=True))):
        _link(shard, link.with_name(name))


def _link(path: Path, link: Path) -> None:
    """Let `link` lead to the weights at `path`. Raises ModelError."""
    if link.exists() and link.resolve() == path.resolve():
        return
    try:
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(path)
    except OSError as error:
        raise ModelError(
            f"cannot link {link} to {path}: {error.strerror}", "copy the file there"
        ) from error
