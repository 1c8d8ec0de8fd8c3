"""From a name to a card, and from a card to weights that were checked against it.

Reads cards, weights and `LOCALFAIR_WEIGHTS`; writes only the cache of hashes. Never touches a
network.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localfair.errors import CorruptWeights, MissingWeights, ModelError, UnknownModel, nearest
from localfair.machine.workspace import at_home, packaged_dir
from localfair.models import endpoint
from localfair.models.card import IN_WEIGHTS, Card, load_card
from localfair.models.chat_template import ChatSettings, is_dated
from localfair.models.hashing import Hashes
from localfair.models.metadata import card_of, read_header, weights_size
from localfair.models.parsing import exists
from localfair.record.nouns import content_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A card whose weights are here and were checked.

    fingerprint: `sha256:` and the hex of the GGUF, or of the folder's list of file hashes.
    settings: what its template is told beside the messages.
    context: tokens a sequence may have, 0 when neither card nor weights say.
    kv_bytes: bytes of an f16 key and value cache for one token.
    """

    card: Card
    path: Path
    fingerprint: str
    chat_template: str | None
    chat_template_hash: str
    context: int
    kv_bytes: int = 0
    settings: ChatSettings = field(default_factory=ChatSettings)

    @property
    def name(self) -> str:
        return self.card.name

    @property
    def format(self) -> str:
        """What the weights are: `gguf`, `safetensors`, or an `endpoint` that holds them."""
        return self.card.format

    @property
    def has_weights(self) -> bool:
        """Whether the weights are files on this machine."""
        return self.card.format != "endpoint"

    @property
    def card_template(self) -> str | None:
        """The chat template that the card puts in front of its weights' own, or None."""
        return None if self.card.chat_template == IN_WEIGHTS else self.chat_template

    @property
    def is_dated(self) -> bool:
        """Whether its chat template writes the date."""
        return is_dated(self.chat_template)

    @property
    def template_id(self) -> str:
        """The hash of its chat template, and of what it is told where that is anything."""
        told: dict[str, Any] = {}
        if self.is_dated and self.settings.date is not None:
            told["date"] = self.settings.date.isoformat()
        if self.settings.enable_thinking is not None:
            told["enable_thinking"] = self.settings.enable_thinking
        if not told:
            return self.chat_template_hash
        return content_id("chat_template", template=self.chat_template_hash, **told)

    @property
    def sha256(self) -> str:
        """64 hex digits, without the tag."""
        return self.fingerprint.removeprefix("sha256:")


def weights_dir(workspace: Path) -> Path:
    """Where a workspace keeps its weights."""
    return workspace / "models" / "weights"


def all_cards(workspace: Path) -> dict[str, Card]:
    """Every card by name; the workspace's stands in front of the packaged one.

    Raises ModelError when a card is not valid, or its file has another name than it.
    """
    cards: dict[str, Card] = {}
    for folder in (packaged_dir("models"), workspace / "models"):
        for path in sorted(folder.glob("*.toml")):
            card = load_card(path)
            if card.name != path.stem:
                raise ModelError(
                    f"{path} is the card of {card.name!r}", f"rename it to {card.name}.toml"
                )
            cards[card.name] = card
    return cards


def find_card(name: str, workspace: Path) -> Card:
    """The card called `name`, or the one at the path `name`: a .toml, or weights without a card.

    Raises UnknownModel with the nearest name, ModelError for a card that is not valid.
    """
    path = at_home(Path(name))
    if path.suffix == ".toml":
        return load_card(path)
    if path.suffix == ".gguf" or (os.sep in name and path.is_dir()):
        return card_of(path)
    cards = all_cards(workspace)
    if name not in cards:
        raise UnknownModel(f"there is no model card called {name!r}", nearest(name, cards))
    return cards[name]


def find_weights(card: Card, workspace: Path) -> Path | None:
    """The card's weights, absolute: at its path, in the workspace, or in `LOCALFAIR_WEIGHTS`.

    None when they are in none of these, and for an endpoint.
    """
    if card.format == "endpoint":
        return None
    candidates = [Path(card.path)] if card.path else []
    candidates.append(weights_dir(workspace) / card.file)
    for folder in os.environ.get("LOCALFAIR_WEIGHTS", "").split(os.pathsep):
        if folder:
            candidates.append(at_home(Path(folder)) / card.file)
    for candidate in candidates:
        if exists(candidate):
            return candidate.absolute()
    return None


def resolve(name: str, workspace: Path) -> Model:
    """The model called `name`, its weights checked against its card and their own header.

    A file is hashed the first time only; `check` hashes it again. Raises UnknownModel,
    MissingWeights (the hint says how to get them) or CorruptWeights.
    """
    return verified(find_card(name, workspace), workspace, Hashes(weights_dir(workspace)))


def check(name: str, workspace: Path) -> Model:
    """Like `resolve`, but every byte is hashed again, and an endpoint is asked what it serves.

    Raises CorruptWeights, too, when an endpoint reports other weights than its card says.
    """
    card = find_card(name, workspace)
    if card.format == "endpoint":
        _ask_again(card, workspace)
    return verified(card, workspace, Hashes(weights_dir(workspace), fresh=True))


def verified(card: Card, workspace: Path, hashes: Hashes) -> Model:
    """The model of a card. What its endpoint reported when the card was made is believed.

    Raises MissingWeights, CorruptWeights.
    """
    if card.format == "endpoint":
        return _behind_endpoint(card)
    path = find_weights(card, workspace)
    if path is None:
        raise MissingWeights(
            f"the weights of {card.name} ({card.file}) are not here", _how_to_get(card)
        )
    return verified_at(card, path, hashes)


def verified_at(card: Card, path: Path, hashes: Hashes) -> Model:
    """The model of a card with the weights at `path`; cheap checks come before the hash.

    Raises CorruptWeights when header, size or hash are not what the card says.
    """
    header = read_header(path)
    size = weights_size(path)
    if card.size is not None and size != card.size:
        raise CorruptWeights(
            f"{path} has {size} bytes, the card of {card.name} says {card.size}", _replace(card)
        )
    sha256 = hashes.of(path)
    if card.sha256 is not None and sha256 != card.sha256:
        raise CorruptWeights(f"{path} has sha256 {sha256}, expected {card.sha256}", _replace(card))
    template = header.chat_template if card.chat_template == IN_WEIGHTS else card.chat_template
    return Model(
        card=card,
        path=path,
        fingerprint=f"sha256:{sha256}",
        chat_template=template,
        chat_template_hash=content_id("chat_template", text=template or ""),
        context=card.context_length or header.context_length,
        kv_bytes=header.kv_bytes,
        settings=ChatSettings(enable_thinking=card.enable_thinking),
    )


def _behind_endpoint(card: Card) -> Model:
    """The model behind an endpoint: nothing of it is here.

    Its chat template is the server's own.
    """
    return Model(
        card=card,
        path=Path(),
        fingerprint=endpoint.fingerprint(card.url, card.served, card.identity),
        chat_template=None,
        chat_template_hash=content_id("chat_template", text=""),
        context=card.context_length or 0,
        settings=ChatSettings(enable_thinking=card.enable_thinking),
    )


def _ask_again(card: Card, workspace: Path) -> None:
    """Ask an endpoint what it serves. Raises CorruptWeights when that is not what its card says."""
    root = endpoint.allowed(card.url, endpoint.allowed_hosts(workspace))
    reported = endpoint.look(root, card.served, endpoint.key_of(card.name))
    if (reported.server, reported.identity) != (card.server, card.identity):
        raise CorruptWeights(
            f"{card.url} now serves something else as {card.served!r}"
            f" than when {card.name} was added",
            f"`localfair models add --endpoint {card.url} --served {card.served} --name NEW`",
        )


def _how_to_get(card: Card) -> str:
    add = "`localfair models add FILE` if you have the file"
    if not card.sources:
        return add
    return f"`localfair models fetch {card.name}`, or {add}"


def _replace(card: Card) -> str:
    return f"the file is damaged or another one; remove it, then {_how_to_get(card)}"
