"""A model card: what a model is, where it comes from and what it must hash to.

Reads and writes card files, one TOML file each. Knows nothing of weights: a card may name a file
that is not here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from localfair.errors import CorruptWeights, MissingWeights, ModelError, nearest
from localfair.machine.files import write_whole
from localfair.machine.terminal import one_line, shown_in_line
from localfair.models.gguf_header import MOST_CONTEXT, MOST_TEMPLATE
from localfair.models.parsing import read_toml, reading, shown_path
from localfair.models.source import Source
from localfair.record.nouns import Role

UNVERIFIED = "unverified"
IN_WEIGHTS = "weights"
# A card may come from anybody: its texts are shown in tables and written into other files.
MOST_CARD = 1 << 21  # bytes; a chat template of MOST_TEMPLATE characters fits
MOST_NAME = 100  # characters; it becomes a file's name
MOST_FILE = 200  # characters; file systems take 255 bytes
MOST_LINE = 300  # characters of a licence or a family
MOST_NOTE = 4000
MOST_PATH = 4096
MOST_SOURCES = 32
MOST_SIZE = 1 << 50  # bytes: more than any disk holds
MOST_PROBLEMS = 10  # that one message names


def _printable(text: str) -> str:
    """Raises ValueError for control characters: no terminal and no table must meet them."""
    if shown_in_line(text) != text or "\t" in text:
        raise ValueError("holds a control character or a line break")
    return text


def _folded(value: object) -> Any:
    """The text in one line: a note may be written in several."""
    return " ".join(value.split()) if isinstance(value, str) else value


Printable = AfterValidator(_printable)
Text = Annotated[str, StringConstraints(min_length=1, max_length=MOST_LINE), Printable]
Line = Annotated[str, StringConstraints(max_length=MOST_LINE), Printable]
Note = Annotated[str, StringConstraints(max_length=MOST_NOTE), BeforeValidator(_folded), Printable]
Address = Annotated[str, StringConstraints(max_length=MOST_PATH), Printable]
Template = Annotated[str, StringConstraints(min_length=1, max_length=MOST_TEMPLATE)]
# A bare name: what is fetched must never land outside the weights folder.
FileName = Annotated[
    str, StringConstraints(pattern=r"^([A-Za-z0-9_][A-Za-z0-9._+-]*)?$", max_length=MOST_FILE)
]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=MOST_NAME)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
# what pydantic calls a problem -> what it is, with what pydantic knows of it; our own keep theirs
WORDS = {
    "missing": "must be said",
    "string_type": "must be a text",
    "string_too_short": "must not be empty",
    "string_too_long": "is too long",
    "int_type": "must be a whole number",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "too_long": "has too many entries",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
    "greater_than": "must be more than 0",
    "less_than_equal": "is more than any model has",
    "string_pattern_mismatch": "must match {pattern}",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
}


class EndpointSettings(BaseModel):
    """How a server is asked: the card's `[endpoint]` table.

    timeout: seconds until a whole reply must be there. tries: how often a request is sent in all
    when the server is busy, fails or breaks off.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    timeout: float = Field(default=900.0, ge=0.1, le=86400)
    tries: int = Field(default=6, ge=1, le=100)


class Card(BaseModel):
    """What is known of a model. What nobody computed is absent, what nobody read is `unverified`.

    size: bytes. sha256: of the GGUF file, or of the folder's list of file hashes for safetensors.
    chat_template: `weights` when the weights carry it, else the Jinja text itself.
    output_terms: what its licence says of its replies. may_train: whether others may be trained on them,
    absent where nobody read it.
    thinks: whether it thinks aloud before it answers. enable_thinking: what a template that knows the
    word is told; a recipe's sampling table goes before it.
    path: where `models add` found the weights, absolute.

    The model of a card in the format `endpoint` has no file here. url: the server's root; served:
    the model's name there; server: the server's software; identity: the tagged hash of what it said
    of its weights when the card was made. None of it can be verified. endpoint: how it is asked.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    family: Text
    licence: Text = UNVERIFIED
    licence_read_from: Line = ""
    output_terms: Text = UNVERIFIED
    may_train: bool | None = Field(default=None, strict=True)
    format: Literal["gguf", "safetensors", "endpoint"]
    file: FileName = ""
    url: Address = ""
    served: Line = ""
    server: Line = ""
    identity: Line = ""
    endpoint: EndpointSettings = EndpointSettings()
    size: int | None = Field(default=None, gt=0, le=MOST_SIZE, strict=True)
    sha256: Sha256 | None = None
    chat_template: Template = IN_WEIGHTS
    context_length: int | None = Field(default=None, gt=0, le=MOST_CONTEXT, strict=True)
    thinks: bool = False
    enable_thinking: bool | None = None
    roles: tuple[Role, ...] = Field(default=(), max_length=MOST_SOURCES)
    sources: tuple[Source, ...] = Field(default=(), max_length=MOST_SOURCES)
    path: Address = ""
    note: Note = ""

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
    name = shown_path(path)
    try:
        with reading(path, "a model card", "a card is one TOML file"):
            content = read_toml(path, MOST_CARD)
    except (MissingWeights, CorruptWeights) as error:
        message = f"cannot read the model card {name}: {error.message}"
        raise ModelError(message, error.hint) from error
    return made_card(f"the model card {name} is not valid", **content)


def made_card(refusal: str, **values: object) -> Card:
    """A card of these values. Raises ModelError: `refusal` and every problem, in one line."""
    try:
        return Card.model_validate(values)
    except ValidationError as error:
        problems = [_problem(details) for details in error.errors(include_url=False)]
    if problems[MOST_PROBLEMS:]:
        problems[MOST_PROBLEMS:] = [f"and {len(problems) - MOST_PROBLEMS} more"]
    raise ModelError(f"{refusal}: {'; '.join(problems)}", "correct the card")


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
    key = one_line(".".join(str(step) for step in location), 80)
    if details["type"] == "extra_forbidden":
        models: dict[str, type[BaseModel]] = {"sources": Source, "endpoint": EndpointSettings}
        model = models.get(str(location[0]), Card) if len(location) > 1 else Card
        wanted = one_line(str(location[-1]), 80)
        return f"unknown key {key!r} ({nearest(wanted, model.model_fields)})"
    message = details["msg"].removeprefix("Value error, ")
    if details["type"] != "value_error":
        words = WORDS.get(details["type"], "makes no sense")
        message = words.format(**details.get("ctx", {}))
    message = one_line(message)
    return f"{key}: {message}" if key else message
