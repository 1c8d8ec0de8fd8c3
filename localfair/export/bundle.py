"""A bundle: everything that a laboratory without a network needs, in one file or several volumes.

create writes one, verify reads one to its end, unpack puts its files into a folder. The format is
`bundle_tar`'s, what it says of itself `bundle_manifest`'s. Ours.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localfair import __version__
from localfair.errors import BundleError, UsageError
from localfair.export.bundle_contents import Content
from localfair.export.bundle_manifest import BundleFile, Manifest, cut
from localfair.export.bundle_tar import GROWTH, PIECE, Written, contents, manifest_of
from localfair.machine.files import full_disk_as, sha256_file
from localfair.machine.terminal import shown_in_line

ENDING = ".tar.gz"
VOLUME = re.compile(r"(?P<stem>.+)\.(?P<number>\d+)-of-(?P<count>\d+)\.tar\.gz")
SMALLEST_VOLUME = 1 << 24


@dataclass(frozen=True, slots=True)
class Created:
    """A bundle that was written: its manifest, its volumes, and their bytes."""

    manifest: Manifest
    volumes: tuple[Path, ...]
    bytes: int


def create(
    out: Path,
    packed: Sequence[Content],
    *,
    volume: int | None = None,
    made_for: tuple[str, str] = ("", ""),
) -> Created:
    """Write a bundle of these files as `out`, or as volumes of at most `volume` bytes beside it.

    made_for: the Python and platform of its wheels. No file has its name until all are whole.
    Raises UsageError where something stands already, BundleError, DiskFull.
    """
    if not out.name.endswith(ENDING) or out.name == ENDING:
        raise UsageError(f"{out.name} does not end in {ENDING}", "name the bundle NAME.tar.gz")
    if not packed:
        raise UsageError("there is nothing to bundle", "name a --recipe, --model, --data or --db")
    if volume is not None and volume < SMALLEST_VOLUME:
        raise UsageError("a volume is smaller than 16 MB", "give --volume 16M or more")
    files = tuple(content.bundled() for content in packed)
    manifest = _planned(files, volume, made_for)
    names = volume_names(out, manifest.volumes)
    for path in names:
        if path.exists() or path.is_symlink():
            raise UsageError(f"there is something at {path} already", "name another bundle")
    _must_have_room(out.parent, manifest.size)
    full = f"no space left on the disk for {out}"
    with full_disk_as(full, "free some space, or name a bundle on another disk"):
        size = _write(manifest, packed, names, volume)
    return Created(manifest, tuple(names), size)


def _planned(
    files: tuple[BundleFile, ...], volume: int | None, made_for: tuple[str, str]
) -> Manifest:
    python, platform = made_for
    room = None
    if volume is not None:
        # the manifest stands in every volume; what deflate may add is left free
        said = sum(len(file.model_dump_json()) for file in files)
        reserved = 2 * said + 400 * len(files) + (1 << 17)
        room = volume - volume // GROWTH - reserved
        if room < SMALLEST_VOLUME // 2:
            raise UsageError("so many files do not fit into so small a volume", "give a larger one")
    parts = cut(files, room)
    return Manifest(
        made_with=__version__,
        python=python,
        platform=platform,
        volumes=parts[-1].volume,
        volume=1,
        files=files,
        parts=tuple(parts),
    )


def volume_names(out: Path, count: int) -> list[Path]:
    """What the volumes are called: `out` when it is one, else NAME.2-of-3.tar.gz."""
    if count == 1:
        return [out]
    stem = out.name.removesuffix(ENDING)
    return [out.with_name(f"{stem}.{n}-of-{count}{ENDING}") for n in range(1, count + 1)]


def _write(
    manifest: Manifest, packed: Sequence[Content], names: Sequence[Path], limit: int | None
) -> int:
    copied = [_Copied() for _ in packed]
    parent = names[0].parent
    parent.mkdir(parents=True, exist_ok=True)
    total = 0
    with tempfile.TemporaryDirectory(dir=parent, prefix=f".{names[0].name}.") as folder:
        unfinished = [Path(folder) / name.name for name in names]
        for number, path in enumerate(unfinished, start=1):
            _write_volume(manifest.model_copy(update={"volume": number}), packed, copied, path)
            size = path.stat().st_size
            if limit is not None and size > limit:
                raise BundleError("a volume became too large", "give a larger --volume")
            total += size
        for path, name in zip(unfinished, names, strict=True):
            path.replace(name)
    return total


def _write_volume(
    manifest: Manifest, packed: Sequence[Content], copied: Sequence[_Copied], path: Path
) -> None:
    with path.open("wb") as file:
        volume = Written(file)
        said = manifest.encoded()
        volume.member("bundle.json", len(said))
        volume.write(said)
        volume.pad(len(said))
        for part in manifest.of_volume(manifest.volume):
            volume.member(part.member, part.size)
            source = packed[part.file]
            _copy(source, copied[part.file], part.size, volume)
            copied[part.file].must_be(manifest.files[part.file], source)
            volume.pad(part.size)
        volume.end()
        file.flush()
        os.fsync(file.fileno())


@dataclass(slots=True)
class _Copied:
    """How much of a file was written, and the hash of that."""

    size: int = 0
    digest: Any = field(default_factory=hashlib.sha256)

    def must_be(self, file: BundleFile, source: Content) -> None:
        """Raises BundleError where a whole file is no longer what its manifest says."""
        if self.size == file.size and self.digest.hexdigest() != file.sha256:
            raise _changed(source)


def _changed(source: Content) -> BundleError:
    return BundleError(
        f"{shown_in_line(source.path)} was changed meanwhile; nothing was written",
        "let nobody write to it, and try again",
    )


def _copy(content: Content, copied: _Copied, size: int, volume: Written) -> None:
    with content.path.open("rb") as source:
        source.seek(copied.size)
        left = size
        while left:
            piece = source.read(min(left, PIECE))
            if not piece:
                raise _changed(content)
            volume.write(piece)
            copied.digest.update(piece)
            left -= len(piece)
    copied.size += size


# -- reading --------------------------------------------------------------------------------------


def volumes_of(paths: Sequence[Path]) -> tuple[Manifest, list[Path]]:
    """The manifest of a bundle and its volumes in order; one of several stands for all beside it.

    Raises BundleError where one is missing, given twice or of another bundle.
    """
    given = list(paths)
    match = VOLUME.fullmatch(given[0].name) if len(given) == 1 else None
    first = manifest_of(given[0])
    if match and first.volumes > 1:
        beside = volume_names(given[0].with_name(match["stem"] + ENDING), first.volumes)
        # one that goes by another name is missing here, and named below
        given = [path for path in beside if path.exists()]
    by_number: dict[int, Path] = {}
    for path in given:
        manifest = manifest_of(path)
        if manifest.model_copy(update={"volume": first.volume}) != first:
            raise BundleError(
                f"{shown_in_line(path)} is of another bundle than {shown_in_line(given[0])}",
                "give the volumes of one bundle",
            )
        if manifest.volume in by_number:
            raise BundleError(
                f"{shown_in_line(path)} is volume {manifest.volume} once more", "give each once"
            )
        by_number[manifest.volume] = path
    missing = [n for n in range(1, first.volumes + 1) if n not in by_number]
    if missing:
        numbers = ", ".join(map(str, missing[:10]))
        raise BundleError(
            f"volume {numbers} of {first.volumes} is missing", "give all volumes at once"
        )
    return first, [by_number[n] for n in range(1, first.volumes + 1)]


def verify(paths: Sequence[Path], expected: str | None = None) -> Manifest:
    """Read a bundle to its end without unpacking it; what it says of itself.

    expected: the id that it must have. Raises BundleError at the first byte that is not as it says.
    """
    manifest, _ = _verified(paths, expected)
    return manifest


def _verified(paths: Sequence[Path], expected: str | None) -> tuple[Manifest, list[Path]]:
    manifest, volumes = volumes_of(paths)
    if expected is not None and expected != manifest.id:
        raise BundleError(
            f"the bundle is {manifest.id}, not {shown_in_line(expected)}",
            "get the right one, or compare with what `localfair bundle create` printed",
        )
    for _ in contents(volumes):
        pass
    return manifest, volumes


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What unpacking did: files written, and files that stood there already."""

    manifest: Manifest
    written: int
    present: int


def unpack(
    paths: Sequence[Path],
    folder: Path,
    *,
    expected: str | None = None,
    wanted: Callable[[BundleFile], bool] = lambda _: True,
    check: Callable[[Manifest], None] | None = None,
) -> Unpacked:
    """Put the files of a bundle into a folder, after all of it was verified.

    What stands there as the bundle says is left; a file has its name when it is whole and on the
    disk, so that an interrupted unpacking goes on. `check` may refuse what a manifest says. Raises
    BundleError, before anything is written, where another file or a link stands in the way, or
    where the disk has no room; DiskFull.
    """
    manifest, volumes = _verified(paths, expected)
    if check is not None:
        check(manifest)
    missing = [file for file in manifest.files if wanted(file) and not _stands(folder, file)]
    _must_have_room(folder, sum(file.size for file in missing))
    full = f"no space left on the disk for {folder}"
    with full_disk_as(full, "free some space and give the same command again"):
        _extract(volumes, folder, set(missing))
    present = sum(map(wanted, manifest.files)) - len(missing)
    return Unpacked(manifest, len(missing), present)


def _stands(folder: Path, file: BundleFile) -> bool:
    """Whether a file is there as the bundle has it. Raises BundleError for anything else there."""
    path = folder
    for name in file.path.split("/"):
        path = path / name
        if path.is_symlink():
            raise _in_the_way(path, "a link")
        is_last = path == folder / file.path
        if path.exists() and path.is_dir() == is_last:
            raise _in_the_way(path, "a folder" if is_last else "a file")
    if not path.exists():
        return False
    if path.stat().st_size != file.size or sha256_file(path) != file.sha256:
        raise _in_the_way(path, "another file")
    return True


def _in_the_way(path: Path, what: str) -> BundleError:
    return BundleError(
        f"there is {what} at {shown_in_line(path)}; nothing was written",
        "unpack into another folder, or move it away",
    )


def _extract(volumes: list[Path], folder: Path, missing: set[BundleFile]) -> None:
    current: BundleFile | None = None
    unfinished: _Unfinished | None = None
    try:
        for file, piece in contents(volumes):
            if file != current:
                if unfinished is not None:
                    unfinished.name()
                current = file
                unfinished = _Unfinished(folder / file.path) if file in missing else None
            if unfinished is not None:
                unfinished.write(piece)
        if unfinished is not None:
            unfinished.name()
    except BaseException:
        if unfinished is not None:
            unfinished.forget()
        raise


class _Unfinished:
    """A file that is being unpacked, under a name of its own beside its place."""

    def __init__(self, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        self._target = target
        self._path = target.with_name(f".{target.name}.unpacking")
        self._path.unlink(missing_ok=True)  # of a process that was killed
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
        self._file = os.fdopen(os.open(self._path, flags, 0o644), "wb")

    def write(self, data: bytes) -> None:
        self._file.write(data)

    def name(self) -> None:
        """Give it its name: its hash was checked when the next file began."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._path.rename(self._target)

    def forget(self) -> None:
        """Leave nothing of it."""
        self._file.close()
        self._path.unlink(missing_ok=True)


def _must_have_room(folder: Path, size: int) -> None:
    existing = folder
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    free = shutil.disk_usage(existing).free
    if size > free:
        raise BundleError(
            f"{size:,} bytes do not fit: {shown_in_line(existing)} has {free:,} free",
            "free some space, or name a folder on another disk",
        )
