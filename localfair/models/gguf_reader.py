"""A cursor over the head of a GGUF file, versions 2 and 3.

Reads one mapped file, value after value. Knows nothing of what the values mean, and needs no numpy:
the base install has none. Layout: the GGUF specification of ggml (docs/gguf.md).
"""

from __future__ import annotations

import contextlib
import mmap
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

STRING = 8
ARRAY = 9
# value type -> its code in `struct`
SCALARS = {
    0: "B",
    1: "b",
    2: "H",
    3: "h",
    4: "I",
    5: "i",
    6: "f",
    7: "?",
    10: "Q",
    11: "q",
    12: "d",
}
VERSIONS = (2, 3)
_KEPT_ITEMS = 1024


class NotGguf(Exception):
    """Another magic number, or a version that this reader does not know."""


class Reader:
    """A cursor over the mapped file.

    A file that is cut short or damaged makes any method raise struct.error, LookupError, TypeError,
    ValueError, ArithmeticError or RecursionError.
    """

    def __init__(self, data: mmap.mmap) -> None:
        self.data = data
        self.at = 0

    def begin(self) -> tuple[int, int]:
        """The numbers of tensors and of metadata keys. Raises NotGguf."""
        magic = self.data[:4]
        version = 0
        if magic == b"GGUF":
            self.at = len(magic)
            version = self.scalar("I")
        if version not in VERSIONS:
            raise NotGguf(f"it begins with {magic!r}, version {version}")
        tensors = self.scalar("Q")
        keys = self.scalar("Q")
        return tensors, keys

    def scalar(self, code: str) -> Any:
        """The number that begins here, by its code in `struct`."""
        value = struct.unpack_from("<" + code, self.data, self.at)[0]
        self.at += struct.calcsize("<" + code)
        return value

    def string(self) -> str:
        """The text that begins here."""
        length = self.scalar("Q")
        self._must_reach(self.at + length)
        raw = self.data[self.at : self.at + length]
        self.at += length
        return raw.decode("utf-8", errors="replace")

    def value(self, value_type: int) -> Any:
        """The value of a type that begins here; None for an array that is stepped over.

        Arrays of text and long arrays of numbers are: they are a vocabulary's.
        """
        if value_type == STRING:
            return self.string()
        if value_type == ARRAY:
            return self._short_array()
        return self.scalar(SCALARS[value_type])

    def items(self) -> list[Any]:
        """All items of the array that begins here, however long it is."""
        item_type, count = self._array_head()
        return [self.value(item_type) for _ in range(count)]

    def _array_head(self) -> tuple[int, int]:
        item_type = self.scalar("I")
        count = self.scalar("Q")
        return item_type, count

    def _short_array(self) -> list[Any] | None:
        item_type, count = self._array_head()
        if item_type == STRING:
            self._skip_strings(count)
            return None
        if item_type == ARRAY or count <= _KEPT_ITEMS:
            return [self.value(item_type) for _ in range(count)]
        self.at += count * struct.calcsize("<" + SCALARS[item_type])
        self._must_reach(self.at)
        return None

    def _skip_strings(self, count: int) -> None:
        # a vocabulary has hundreds of thousands: only their lengths are read, by names that are local
        data = self.data
        at = self.at
        length_at = struct.Struct("<Q").unpack_from
        for _ in range(count):
            at += 8 + length_at(data, at)[0]
        self.at = at
        self._must_reach(at)

    def _must_reach(self, end: int) -> None:
        if end > len(self.data):
            raise IndexError(end)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Reader]:
    """A reader at the first byte of the file. Raises OSError, or ValueError for an empty file."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        yield Reader(data)
