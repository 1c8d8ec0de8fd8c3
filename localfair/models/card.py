"""A model card: what a model is, where it comes from and what it must hash to.

Reads and writes card files, one TOML file each. Knows nothing of weights: a card may name a file
that is not here.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from localfair.errors import ModelError, nearest
from localfair.machine.files import write_whole
from localfair.models.source import Source
from localfair.record.nouns import Role

UNVERIFIED = "unverified"
IN_WEIGHTS = "weights"
Text = Annotated[str, StringConstraints(min_length=1)]
# A bare name: what is fetched must never land outside the weights folder.
FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._+-]*$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Card(BaseModel):
    """What is known of a model. What nobody computed is absent, what nobody read is `unverified`.

    size: bytes. sha256: of the GGUF file, or of the folder's list of file hashes for safetensors.
    chat_template: `weights` when the weights carry it, else the Jinja text itself.
    thinks: whether it thinks aloud before it answers. enable_thinking: what a template that knows the
    word is told; a recipe's sampling table goes before it.
    path: where `models add` found the weights, absolute.

    The model of a card in the format `endpoint` has no file here. url: the server's root; served:
    the model's name there; server: the server's software; identity: the tagged hash of what it said
    of its weights when the card was made. None of it can be verified.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
    family: Text
    licence: Text = UNVERIFIED
    licence_read_from: str = ""
    output_terms: Text = UNVERIFIED
    format: Literal["gguf", "safetensors", "endpoint"]
    file: FileName | Literal[""] = ""
    url: str = ""
    served: str = ""
    server: str = ""
    identity: str = ""
    size: int | None = Field(default=None, gt=0)
    sha256: Sha256 | None = None
    chat_template: Text = IN_WEIGHTS
    context_length: int | None = Field(default=None, gt=0)
    thinks: bool = False
    enable_thinking: bool | None = None
    roles: tuple[Role, ...] = ()
    sources: tuple[Source, ...] = ()
    path: str = ""
    note: str = ""

    @model_validator(mode="after")
    def _says_where(self) -> Self:
        needed = ("url", "served", "server") if self.format == "endpoint" else ("file",)
        missing = [name for name in needed if not getattr(self, name)]
        if missing:
            raise ValueError(f"{self.format}: {' and '.join(missing)} must be said")
        return self

    @model_validator(mode="after")
    def _licence_was_read(self) -> Self:
        if self.licence != UNVERIFIED and not self.licence_read_from:
            raise ValueError(
                "licence: say where it was read in licence_read_from, or write 'unverified'"
            )
        return self


def load_card(path: Path) -> Card:
    """The card at `path`. Raises ModelError naming every problem of the file at once."""
    try:
        return Card.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ModelError(
            f"cannot read the model card {path}: {error}", "a card is one TOML file"
        ) from error
    except ValidationError as error:
        problems = "; ".join(_problem(details) for details in error.errors())
        raise ModelError(
            f"the model card {path} is not valid: {problems}", "correct the card"
        ) from error


def card_path(name: str, workspace: Path) -> Path:
    """Where a workspace keeps the card called `name`."""
    return workspace / "models" / f"{name}.toml"


def save_card(card: Card, path: Path) -> None:
    """Write the card whole or not at all. Keys at their default are left out, but for the terms."""
    import tomli_w

    content = card.model_dump(mode="json", exclude_defaults=True)
    # an unverified licence is said, since a reader of the file may not know the default
    content["licence"] = card.licence
    content["output_terms"] = card.output_terms
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, tomli_w.dumps(content))


def _problem(details: ErrorDetails) -> str:
    """One line for one problem; an unknown key gets the nearest one that exists."""
    location = details["loc"]
    key = ".".join(str(step) for step in location)
    if details["type"] == "extra_forbidden":
        model = Source if location[0] == "sources" else Card
        return f"unknown key {key!r} ({nearest(str(location[-1]), model.model_fields)})"
    message = details["msg"].removeprefix("Value error, ")
    return f"{key}: {message}" if key else message
