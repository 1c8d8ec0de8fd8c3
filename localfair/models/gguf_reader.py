"""A cursor over the head of a GGUF file, versions 2 and 3.

Reads one mapped file, value after value, within bounds: a file says itself how much there is to
read, and may lie. Knows nothing of what the values mean, and needs no numpy: the base install has
none. Layout: the GGUF specification of ggml (docs/gguf.md).
"""

from __future__ import annotations

import contextlib
import mmap
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from localfair.machine.bounds import must_be_file
from localfair.models.parsing import Malformed

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
MOST_METADATA = 1 << 16  # keys; real files have about 40
MOST_TENSORS = 1 << 18  # real files have at most some thousands
MOST_KEY = 1 << 16  # bytes of a name, as the specification has it
MOST_STRING = 1 << 24  # bytes of a text; the longest are chat templates, of some 10,000
MOST_ITEMS = 1 << 22  # of an array; the longest are merges, fewer than a million
_KEPT_ITEMS = 1024
_CUT = "it is cut short"


class NotGguf(Exception):
    """Another magic number, or a version that this reader does not know."""


class Reader:
    """A cursor over the mapped file.

    A file that is cut short, damaged or beyond the bounds makes any method raise Malformed.
    """

    def __init__(self, data: mmap.mmap | bytes) -> None:
        self.data = data
        self.at = 0

    def begin(self) -> tuple[int, int]:
        """The numbers of tensors and of metadata keys. Raises NotGguf."""
        magic = bytes(self.data[:4])
        version = 0
        if magic == b"GGUF":
            self.at = len(magic)
            version = self.scalar("I")
        if version not in VERSIONS:
            raise NotGguf(f"it begins with {magic!r}, version {version}")
        tensors = self._count(MOST_TENSORS, "tensors")
        keys = self._count(MOST_METADATA, "keys")
        return tensors, keys

    def scalar(self, code: str) -> Any:
        """The number that begins here, by its code in `struct`."""
        start = self.at
        self.at += struct.calcsize("<" + code)
        self._must_reach(self.at)
        return struct.unpack_from("<" + code, self.data, start)[0]

    def string(self, most: int = MOST_STRING) -> str:
        """The text that begins here; what is no UTF-8 in it becomes U+FFFD."""
        return self._bytes(most).decode("utf-8", errors="replace")

    def name(self) -> str:
        """The name of a key or a tensor that begins here."""
        try:
            return self._bytes(MOST_KEY).decode("utf-8")
        except UnicodeDecodeError as error:
            raise Malformed("a name in it is not UTF-8") from error

    def value(self, value_type: int) -> Any:
        """The value of a type that begins here; None for an array that is stepped over.

        Arrays of text and long arrays of numbers are: they are a vocabulary's.
        """
        if value_type == STRING:
            return self.string()
        if value_type == ARRAY:
            return self._short_array()
        return self.scalar(_code(value_type))

    def array(self) -> tuple[int, int]:
        """Type and number of the items in the array that begins here; the cursor stays."""
        start = self.at
        head = self._array_head()
        self.at = start
        return head

    def texts(self) -> list[bytes]:
        """The items of the array of text that begins here, as they are; the cursor stays."""
        start = self.at
        item_type, count = self._array_head()
        if item_type != STRING:
            self.at = start
            return []
        first = self.at
        self._skip_strings(count)
        raw = bytes(self.data[first : self.at])
        self.at = start
        return _cut_at_lengths(raw, count)

    def items(self) -> list[Any]:
        """All items of the array that begins here, however long it is."""
        item_type, count = self._array_head()
        return [self.value(item_type) for _ in range(count)]

    def _array_head(self) -> tuple[int, int]:
        item_type = self.scalar("I")
        if item_type == ARRAY:
            # llama.cpp reads none either; nothing here needs them
            raise Malformed("it holds an array of arrays")
        count = self._count(MOST_ITEMS, "items of an array")
        least = 8 if item_type == STRING else struct.calcsize("<" + _code(item_type))
        self._must_reach(self.at + count * least)
        return item_type, count

    def _count(self, most: int, what: str) -> int:
        count = int(self.scalar("Q"))
        if count > most:
            raise Malformed(f"it claims {count} {what}, at most {most} are read")
        return count

    def _bytes(self, most: int) -> bytes:
        length = self._count(most, "bytes of text")
        start = self.at
        self.at += length
        self._must_reach(self.at)
        return bytes(self.data[start : self.at])

    def _short_array(self) -> list[Any] | None:
        item_type, count = self._array_head()
        if item_type == STRING:
            self._skip_strings(count)
            return None
        if count <= _KEPT_ITEMS:
            return [self.value(item_type) for _ in range(count)]
        self.at += count * struct.calcsize("<" + SCALARS[item_type])
        return None

    def _skip_strings(self, count: int) -> None:
        # a vocabulary has hundreds of thousands: only their lengths are read, by names that are local
        data = self.data
        at = self.at
        length_at = struct.Struct("<Q").unpack_from
        try:
            for _ in range(count):
                at += 8 + length_at(data, at)[0]
        except struct.error as error:
            raise Malformed(_CUT) from error
        self.at = at
        self._must_reach(at)

    def _must_reach(self, end: int) -> None:
        if end > len(self.data):
            raise Malformed(_CUT)


def _cut_at_lengths(raw: bytes, count: int) -> list[bytes]:
    """The texts in `raw`, each of which stands behind its length."""
    texts = []
    at = 0
    length_at = struct.Struct("<Q").unpack_from
    for _ in range(count):
        begin = at + 8
        at = begin + length_at(raw, at)[0]
        texts.append(raw[begin:at])
    return texts


def _code(value_type: int) -> str:
    """The `struct` code of a number's type."""
    if value_type not in SCALARS:
        raise Malformed(f"it holds a value of the unknown type {value_type}")
    return SCALARS[value_type]


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Reader]:
    """A reader at the first byte of the file. Raises OSError, or Malformed for an empty file."""
    if must_be_file(path) == 0:
        raise Malformed("it is empty")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        yield Reader(data)
