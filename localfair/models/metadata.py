"""What weights say of themselves: their header, their size, and a card made of nothing else.

Reads the metadata of a GGUF file or a safetensors folder; writes nothing.
"""

from __future__ import annotations

import re
from pathlib import Path

from localfair.errors import MissingWeights, ModelError, UsageError
from localfair.machine.terminal import one_line
from localfair.machine.workspace import at_home
from localfair.models.card import MOST_FILE, MOST_LINE, MOST_NAME, UNVERIFIED, Card, made_card
from localfair.models.gguf_header import GgufHeader, read_gguf_header
from localfair.models.hashing import weights_of
from localfair.models.parsing import exists, shown_path
from localfair.models.safetensors_folder import FolderHeader, read_folder


def read_header(path: Path) -> GgufHeader | FolderHeader:
    """What the weights at `path` say of themselves.

    Raises MissingWeights, CorruptWeights when they are cut short, ModelError when they would run
    code, are pickled or hold no model that writes text.
    """
    if path.is_dir():
        return read_folder(path)
    header = read_gguf_header(path)
    if header.not_text:
        raise ModelError(
            f"{shown_path(path)} is no text model: it is {header.not_text}",
            "give the GGUF of a model that writes text",
        )
    return header


def weights_size(path: Path) -> int:
    """Bytes of the GGUF with all its shards, or of the safetensors that a loader takes."""
    return sum(file.stat().st_size for file in weights_of(path))


def left_alone(path: Path) -> tuple[str, ...]:
    """The files of a folder that look like weights, and that nothing opens. Raises as
    `read_header`.
    """
    return read_folder(path).left if path.is_dir() else ()


def card_of(path: Path) -> Card:
    """A card for the weights at `path` out of their own metadata.

    It has no hash; nothing is written.

    Raises MissingWeights when there is nothing, UsageError when it is a card, and as `read_header`.
    """
    path = at_home(path).absolute()
    if not exists(path):
        raise MissingWeights(
            f"there is no file or folder {shown_path(path)}",
            "give a .gguf or a safetensors folder",
        )
    if path.is_file() and path.suffix == ".toml":
        raise UsageError(
            f"{path} is a card, not weights", "put it into the folder models/ of the workspace"
        )
    header = read_header(path)
    licence = one_line(header.licence, MOST_LINE) if isinstance(header, GgufHeader) else ""
    return made_card(
        f"{shown_path(path)} cannot have a card",
        name=card_name(path),
        family=header.architecture or "unknown",
        licence=licence or UNVERIFIED,
        licence_read_from="general.license in the file" if licence else "",
        format="gguf" if path.is_file() else "safetensors",
        file=_file_name(path),
        context_length=header.context_length or None,
        path=str(path),
    )


def card_name(path: Path) -> str:
    """A card's name for a file: the file's in lower case, without what a name may not hold."""
    stem = path.name.removesuffix(".gguf").lower()
    name = re.sub(r"[^a-z0-9._-]+", "-", stem).strip("._-")[:MOST_NAME]
    return name or "model"


def _file_name(path: Path) -> str:
    name = re.sub(r"[^A-Za-z0-9._+-]+", "-", path.name).lstrip(".+-")[-MOST_FILE:].lstrip(".+-")
    return name or "model"
