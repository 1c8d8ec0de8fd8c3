"""An export is made once: the same adapter in the same format at the same path is not made again.

Nothing is overwritten unless the user forces it. Reads and writes the record's `exports` and the
files they name. Knows nothing of how a format is made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from localfair.errors import UsageError
from localfair.export.names import Destination as Destination
from localfair.machine.files import sha256_file, whole
from localfair.record.connection import now
from localfair.record.exports import RecordedExport, add_export, same_export
from localfair.record.nouns import content_id
from localfair.record.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """One exported file or folder.

    `sha256` is its `digest`; `is_new` is False when it stood there before.
    """

    id: str
    path: Path
    sha256: str
    bytes: int
    is_new: bool


def export_once(
    store: Store,
    adapter: str,
    format: str,
    path: Path,
    write: Callable[[Path], None],
    force: bool = False,
) -> Export:
    """The export of an adapter (its id) in `format` at `path`.

    A file or folder that still is what the record says is returned as it stands. Else `write`
    is called with the path to write to, and the record gains a row. Raises DiskFull, or
    UsageError when `path` cannot be written to or something else stands there. Under `force` that
    is replaced, but for a folder that holds files the new one does not.
    """
    path = path.absolute()
    unchanged = _unchanged(store, adapter, format, path)
    if unchanged is not None:
        return unchanged
    if path.exists() and not force:
        raise _is_there(path)
    with whole(path) as unfinished:
        write(unfinished)
        if path.is_dir():
            _refuse_others(path, unfinished)
    sha256 = digest(path)
    identity = {"adapter": adapter, "format": format, "path": str(path), "sha256": sha256}
    export = Export(
        id=content_id("export", **identity),
        path=path,
        sha256=sha256,
        bytes=_size(path),
        is_new=True,
    )
    recorded = RecordedExport(id=export.id, **identity, bytes=export.bytes, created=now())
    add_export(store, recorded)
    return export


def _unchanged(store: Store, adapter: str, format: str, path: Path) -> Export | None:
    """The recorded export whose bytes stand at `path`, or None."""
    if path.is_symlink() or not path.exists() or not _is_flat(path):
        return None
    sha256 = digest(path)
    same = same_export(store, adapter, format, str(path), sha256)
    if same is None:
        return None
    return Export(id=same.id, path=path, sha256=sha256, bytes=same.bytes, is_new=False)


def _is_flat(path: Path) -> bool:
    """Whether it is a file, or a folder of nothing but files, as every export is."""
    if path.is_dir():
        return all(file.is_file() and not file.is_symlink() for file in path.iterdir())
    return path.is_file()


def _refuse_others(folder: Path, written: Path) -> None:
    """Raise UsageError when a folder holds what the export that would replace it does not."""
    names = {file.name for file in written.iterdir()} if written.is_dir() else set()
    others = sorted(file.name for file in folder.iterdir() if file.name not in names)
    if others or not _is_flat(folder):
        named = others[0] if others else "what is no plain file"
        raise UsageError(
            f"{folder} holds {named}, which no export made",
            "move it elsewhere, or choose another --out",
        )


def write_files(folder: Path, files: Mapping[str, bytes], force: bool) -> Path:
    """Write a folder of these files, whole or not at all, and return it.

    A folder that holds just them stays as it is. Raises DiskFull, and UsageError as `export_once`.
    """
    if folder.is_dir() and not folder.is_symlink() and _is_flat(folder):
        standing = {file.name: file.read_bytes() for file in folder.iterdir()}
        if standing == files:
            return folder
    if folder.exists() and not force:
        raise _is_there(folder)
    with whole(folder) as unfinished:
        unfinished.mkdir()
        for name, content in files.items():
            (unfinished / name).write_bytes(content)
        if folder.is_dir():
            _refuse_others(folder, unfinished)
    return folder


def refuse_others_beside(folder: Path, files: Mapping[str, bytes], force: bool) -> None:
    """Raise UsageError when `write_beside` would replace something that is not forced away."""
    for name, content in files.items():
        path = folder / name
        if path.exists() and not force and not _holds(path, content):
            raise _is_there(path)


def write_beside(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a folder that holds others, each whole; those that stand there stay.

    Raises DiskFull, or UsageError when one cannot be written.
    """
    for name, content in files.items():
        path = folder / name
        if _holds(path, content):
            continue
        with whole(path) as unfinished:
            unfinished.write_bytes(content)


def _holds(path: Path, content: bytes) -> bool:
    return path.is_file() and not path.is_symlink() and path.read_bytes() == content


def _is_there(path: Path) -> UsageError:
    return UsageError(
        f"{path} is there already, and is not what this export would write",
        "--force replaces it; or move it elsewhere, or choose another --out",
    )


def digest(path: Path) -> str:
    """The sha256 of a file; of a folder, that of the sorted `name sha256` lines of its files.

    Raises UsageError for a pipe, a device or a folder of folders, which no export is.
    """
    if path.is_file():
        return sha256_file(path)
    if not path.is_dir():
        raise _no_export(path)
    lines = []
    for file in sorted(path.iterdir()):
        if not file.is_file():
            raise _no_export(path)
        lines.append(f"{file.name} {sha256_file(file)}\n")
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _no_export(path: Path) -> UsageError:
    return UsageError(
        f"{path} is neither a file nor a folder of files", "name a file or a folder of an export"
    )


def _size(path: Path) -> int:
    """Bytes of a file, or of the files in a folder."""
    files = path.iterdir() if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files)
