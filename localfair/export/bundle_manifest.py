"""What a bundle says it holds: its files, where their licences and sources are, and how they are cut.

Pure: a manifest from files and back from bytes. Every path is checked; a manifest that says more
than localfair writes is refused. Reads and writes nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from localfair.errors import BundleError
from localfair.record.nouns import content_id

NAME = "bundle.json"
FORMAT = 1
MOST_MANIFEST = 1 << 24  # bytes; 50,000 files fit
MOST_FILES = 50_000
MOST_FOLDER = 150  # characters; a tar's header takes 155 and 100
MOST_NAME = 90
MOST_BYTES = 1 << 50
LARGEST_PART = (1 << 32) - 1  # what a FAT32 holds, so that any tar can unpack a volume by itself
SMALLEST_PART = 1 << 20  # less room than that at a volume's end is left empty
# A path of plain names: none begins with a dot, a dash or a space, climbs, or names a drive.
_PART = r"[A-Za-z0-9_](?:[A-Za-z0-9._+ -]*[A-Za-z0-9_+-])?"
PATH = re.compile(rf"{_PART}(?:/{_PART})*", re.ASCII)
TOPS = ("models", "recipes", "data", "wheels")

Kind = Literal["weights", "card", "recipe", "data", "wheel", "record", "adapter"]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Line = Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]
Count = Annotated[int, Field(ge=0, le=MOST_BYTES, strict=True)]


class Strict(BaseModel):
    """Frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class BundleFile(Strict):
    """A file of a bundle. `path` is relative to the folder that it is unpacked into.

    licence, source, revision: as its card, its task or its package says; "" where there is none.
    """

    path: str
    size: Count
    sha256: Sha256
    kind: Kind
    licence: Line = ""
    source: Line = ""
    revision: Line = ""

    @model_validator(mode="after")
    def _stays_inside(self) -> Self:
        folder, _, name = self.path.rpartition("/")
        if len(folder) > MOST_FOLDER or len(name) > MOST_NAME or not PATH.fullmatch(self.path):
            raise ValueError(f"{self.path[:80]!r} is not a plain relative path")
        top = self.path.partition("/")[0]
        in_folder = "/" in self.path and (top in TOPS or top.endswith("-adapters"))
        if not in_folder and not self.path.endswith(".db"):
            raise ValueError(f"{self.path[:80]!r} is not a place where a bundle puts files")
        return self


class Part(Strict):
    """A piece of a file, as one member of one volume. `file` counts from 0, `volume` from 1."""

    member: str
    file: Count
    size: Count
    volume: Annotated[int, Field(ge=1, le=9999, strict=True)]


class Manifest(Strict):
    """All files of a bundle and their parts in order; the same in each of its volumes.

    python and platform: what its wheels are for, "" without wheels.
    """

    format: Literal[1] = 1
    made_with: Line
    python: Line = ""
    platform: Line = ""
    volumes: Annotated[int, Field(ge=1, le=9999, strict=True)]
    volume: Annotated[int, Field(ge=1, le=9999, strict=True)]
    files: Annotated[tuple[BundleFile, ...], Field(max_length=MOST_FILES)]
    parts: Annotated[tuple[Part, ...], Field(max_length=2 * MOST_FILES)]

    @property
    def id(self) -> str:
        """What tells the bundle from every other: the hash of what its files are."""
        files = [file.model_dump() for file in self.files]
        return content_id("bundle", files=files, python=self.python, platform=self.platform)

    @property
    def size(self) -> int:
        """The sizes of all files."""
        return sum(file.size for file in self.files)

    def of_volume(self, volume: int) -> list[Part]:
        """The parts that lie in a volume, in their order."""
        return [part for part in self.parts if part.volume == volume]

    def encoded(self) -> bytes:
        """As it stands in a volume: canonical JSON and a line feed."""
        data = self.model_dump(mode="json")
        text = json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return text.encode() + b"\n"

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        # FAT32 and the file systems of macOS and Windows hold one of `A` and `a`
        _must_differ([file.path.lower() for file in self.files])
        _must_differ([part.member.lower() for part in self.parts])
        if self.volume > self.volumes:
            raise ValueError(f"it is volume {self.volume} of {self.volumes}")
        expected = [part.model_dump() for part in _cut_as(self)]
        if expected != [part.model_dump() for part in self.parts]:
            raise ValueError("its parts are not those of its files")
        return self


def _must_differ(names: Sequence[str]) -> None:
    if len(set(names)) < len(names):
        raise ValueError("it names one file twice")


def _cut_as(manifest: Manifest) -> Iterator[Part]:
    """The parts as the sizes and volumes of the manifest's own say, with the names they must have."""
    sizes: list[list[Part]] = [[] for _ in manifest.files]
    volume = 1
    last = 0
    for part in manifest.parts:
        if part.file >= len(sizes) or part.file < last or part.volume < volume:
            raise ValueError("its parts are out of order")
        if part.size > LARGEST_PART:
            raise ValueError("a part of it is too large")
        sizes[part.file].append(part)
        volume = part.volume
        last = part.file
    if manifest.parts and volume != manifest.volumes:
        raise ValueError(f"it says {manifest.volumes} volumes and fills {volume}")
    for number, (file, parts) in enumerate(zip(manifest.files, sizes, strict=True)):
        if sum(part.size for part in parts) != file.size or not parts:
            raise ValueError(f"the parts of {file.path!r} are not its size")
        for index, part in enumerate(parts):
            member = member_name(file.path, index, len(parts))
            yield Part(member=member, file=number, size=part.size, volume=part.volume)


def member_name(path: str, index: int, count: int) -> str:
    """What a part of a file is called: its path when it is the only one."""
    return path if count == 1 else f"{path}.part{index + 1:03}"


def cut(files: Sequence[BundleFile], room: int | None) -> list[Part]:
    """The parts of files laid out in volumes of `room` bytes each, of headers and content.

    None: one volume. A file is cut where a volume ends, and at LARGEST_PART.
    """
    pieces: list[tuple[int, int, int]] = []  # file, size, volume
    volume = 1
    used = 0
    for number, file in enumerate(files):
        left = file.size
        is_first = True
        while left or is_first:
            most = LARGEST_PART if room is None else min(LARGEST_PART, _content(room - used))
            if room is not None and most < min(left, SMALLEST_PART):
                volume += 1
                used = 0
                continue
            size = min(left, most)
            pieces.append((number, size, volume))
            used += occupied(size)
            left -= size
            is_first = False
    counts = [0] * len(files)
    for number, _, _ in pieces:
        counts[number] += 1
    parts = []
    seen = [0] * len(files)
    for number, size, volume in pieces:
        member = member_name(files[number].path, seen[number], counts[number])
        parts.append(Part(member=member, file=number, size=size, volume=volume))
        seen[number] += 1
    return parts


def occupied(size: int) -> int:
    """Bytes of a tar that a member of `size` bytes takes: its header, and whole blocks of 512."""
    return 512 + -(-size // 512) * 512


def _content(room: int) -> int:
    """The largest member that fits into `room` bytes."""
    return max(0, (room - 512) // 512 * 512)


def parsed(data: bytes) -> Manifest:
    """The manifest that a volume begins with. Raises BundleError, in one line."""
    try:
        manifest = Manifest.model_validate(json.loads(data))
    except ValidationError as error:
        message = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise damaged(f"its manifest: {message}") from error
    except (ValueError, RecursionError) as error:
        raise damaged("its manifest is not JSON as localfair writes it") from error
    if manifest.encoded() != data:
        raise damaged("its manifest is not written as localfair writes it")
    return manifest


def damaged(problem: str) -> BundleError:
    """The one way to refuse a bundle."""
    return BundleError(
        f"the bundle is damaged or no bundle: {problem}", "nothing was written; copy it again"
    )
