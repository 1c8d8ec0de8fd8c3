"""A volume of a bundle as bytes: a gzip stream of a tar with the manifest first.

Writes a volume, and reads one as a stream: a volume is taken only where it is, byte for byte, what
localfair would write for its manifest, so that no link, no device and no name that the manifest does
not know can be in it. Memory stays small, whatever a volume claims.
"""

from __future__ import annotations

import hashlib
import struct
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from localfair.errors import BundleError
from localfair.export.bundle_manifest import (
    MOST_MANIFEST,
    NAME,
    BundleFile,
    Manifest,
    damaged,
    parsed,
)
from localfair.machine.terminal import shown_in_line

BLOCK = 512
PIECE = 1 << 20
# gzip (RFC 1952) without a name or a time, so that the same files give the same bytes
HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
END = bytes(2 * BLOCK)
# what deflate adds at most to what cannot be made smaller
GROWTH = 1024


class Written:
    """A volume that is being written to a file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._deflate = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
        self._crc = 0
        self._size = 0
        file.write(HEAD)

    def write(self, data: bytes) -> None:
        """Add bytes to the tar."""
        self._crc = zlib.crc32(data, self._crc)
        self._size += len(data)
        self._file.write(self._deflate.compress(data))

    def member(self, name: str, size: int) -> None:
        """Begin a member; its content and `pad` follow."""
        self.write(header(name, size))

    def pad(self, size: int) -> None:
        """Fill the last block of a member of `size` bytes."""
        self.write(bytes(-size % BLOCK))

    def end(self) -> None:
        """End the tar and the stream."""
        self.write(END)
        self._file.write(self._deflate.flush())
        self._file.write(struct.pack("<II", self._crc, self._size & 0xFFFFFFFF))


def header(name: str, size: int) -> bytes:
    """The block before a member: a regular file that its user reads and writes, of no one's."""
    member = tarfile.TarInfo(name)
    member.size = size
    member.mode = 0o644
    return member.tobuf(tarfile.USTAR_FORMAT, "utf-8", "strict")


class Inflated:
    """The bytes inside a volume, a few at a time."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        self._crc = 0
        self._size = 0
        if self._read(len(HEAD)) != HEAD:
            raise damaged("it does not begin as one")

    def _read(self, most: int) -> bytes:
        """Bytes of the file. Raises BundleError where the disk does not give them."""
        try:
            return self._file.read(most)
        except OSError as error:
            raise BundleError(
                f"{shown_in_line(self._file.name)} cannot be read: {error.strerror or error}",
                "the disk or its drive is damaged: copy the bundle again, on another",
            ) from error

    def piece(self, most: int) -> bytes:
        """The next bytes, at most `most`; b"" at the end of the stream."""
        while not self._inflate.eof:
            data = self._inflate.unconsumed_tail or self._read(1 << 16)
            if not data:
                raise damaged("it ends too early")
            try:
                out = self._inflate.decompress(data, most)
            except zlib.error as error:
                raise damaged("bytes of it were changed") from error
            if out:
                self._crc = zlib.crc32(out, self._crc)
                self._size += len(out)
                return out
        return b""

    def exactly(self, count: int) -> bytes:
        """The next `count` bytes, few enough to hold."""
        data = b""
        while len(data) < count:
            piece = self.piece(count - len(data))
            if not piece:
                raise damaged("it ends too early")
            data += piece
        return data

    def must_end(self) -> None:
        """Raises BundleError unless the stream ends here and nothing follows it."""
        if self.piece(1):
            raise damaged("something follows its last file")
        tail = self._inflate.unused_data + self._read(9)
        if tail != struct.pack("<II", self._crc, self._size & 0xFFFFFFFF):
            raise damaged("bytes of it were changed, or something follows it")


class Volume:
    """A volume that is being read: its manifest first, then the content of its parts in order."""

    def __init__(self, file: BinaryIO) -> None:
        self._stream = Inflated(file)
        self.manifest = self._manifest()

    def _manifest(self) -> Manifest:
        block = self._stream.exactly(BLOCK)
        try:
            size = tarfile.TarInfo.frombuf(block, "utf-8", "strict").size
        except (tarfile.TarError, ValueError) as error:
            raise damaged("it does not begin with a manifest") from error
        if not 0 < size <= MOST_MANIFEST or block != header(NAME, size):
            raise damaged("it does not begin with a manifest")
        manifest = parsed(self._stream.exactly(size))
        self._must_be(bytes(-size % BLOCK))
        return manifest

    def contents(self) -> Iterator[tuple[BundleFile, bytes]]:
        """Each file of the volume with its content, piece by piece; at least one piece a part.

        Raises BundleError where a byte is not what the manifest says. The hash of a file that goes
        on in another volume is the caller's to check.
        """
        for part in self.manifest.of_volume(self.manifest.volume):
            self._must_be(header(part.member, part.size))
            file = self.manifest.files[part.file]
            left = part.size
            yield file, b""
            while left:
                piece = self._stream.piece(min(left, PIECE))
                if not piece:
                    raise damaged(f"it ends within {file.path}")
                left -= len(piece)
                yield file, piece
            self._must_be(bytes(-part.size % BLOCK))
        self._must_be(END)
        self._stream.must_end()

    def _must_be(self, expected: bytes) -> None:
        if expected and self._stream.exactly(len(expected)) != expected:
            raise damaged("it holds what its manifest does not name")


def opened(path: Path) -> BinaryIO:
    """A volume's file, open for reading. Raises BundleError."""
    try:
        if not path.is_file():
            raise BundleError(f"there is no bundle at {shown_in_line(path)}", "check the path")
        return path.open("rb")
    except OSError as error:
        raise BundleError(
            f"cannot read {shown_in_line(path)}: {error.strerror or error}", "check the path"
        ) from error


def manifest_of(path: Path) -> Manifest:
    """The manifest that the volume at `path` begins with. Raises BundleError."""
    with opened(path) as file:
        return Volume(file).manifest


def contents(paths: list[Path]) -> Iterator[tuple[BundleFile, bytes]]:
    """The files of all volumes, in their order, each with its content piece by piece.

    A file's hash is checked before the first piece of the next one. Raises BundleError.
    """
    current: BundleFile | None = None
    digest = hashlib.sha256()
    for path in paths:
        with opened(path) as file:
            for bundled, piece in Volume(file).contents():
                if bundled != current:
                    _must_hash_to(current, digest.hexdigest())
                    current = bundled
                    digest = hashlib.sha256()
                digest.update(piece)
                yield bundled, piece
    _must_hash_to(current, digest.hexdigest())


def _must_hash_to(file: BundleFile | None, sha256: str) -> None:
    if file is not None and file.sha256 != sha256:
        raise damaged(f"{file.path} is not what its manifest says")
