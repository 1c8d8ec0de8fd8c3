"""Files that appear whole or not at all, text that others saved, errors that mean a full disk, and
the hash of a file.

Writes beside the target and renames. Knows nothing of what is written.
"""

from __future__ import annotations

import codecs
import contextlib
import errno
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from localfair.errors import DiskFull, UsageError

# a quota and a limit on the size of files are full disks to whoever writes
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
# libraries that raise without a number: the operating system's own words, SQLite's, torch's
FULL_IN_WORDS = (
    "No space left",
    "disk is full",
    "PytorchStreamWriter failed writing",
    "unexpected pos",
    "iostream error",
)

# Byte-order marks of other encodings. That of UTF-32 begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


class NotText(ValueError):
    """Bytes that are no UTF-8 text. `line` counts from 1, `problem` says what they are."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"line {line}: {problem}")
        self.line = line
        self.problem = problem


def decoded(data: bytes) -> str:
    """UTF-8 bytes as text, without the byte-order mark that some editors write first.

    Raises NotText for another encoding and for NUL bytes.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            raise NotText(1, f"is {encoding} text, not UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotText(data.count(b"\n", 0, error.start) + 1, "is not UTF-8 text") from None
    nul = text.find("\0")
    if nul >= 0:
        raise NotText(text.count("\n", 0, nul) + 1, "holds a NUL byte")
    return text


def is_unicode(text: str) -> bool:
    """Whether a text has no half of a surrogate pair: SQLite and UTF-8 files hold no other, and a
    command line of bytes that are no UTF-8 has some.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def as_text(data: bytes) -> str:
    """The bytes of a text file without its byte-order mark, every line end a line feed.

    Raises NotText.
    """
    text = decoded(data)
    return text.replace("\r\n", "\n").replace("\r", "\n")


@contextlib.contextmanager
def replacing(
    target: Path, *, durable: bool = False, keep: Callable[[Path], bool] | None = None
) -> Iterator[Path]:
    """Yield a path beside `target`; the file or folder written there becomes `target` at the end.

    When the block raises, what was written is removed and `target` stays as it was. A target that
    exists at the end is replaced, unless `keep(target)` is true: then what was written is removed.
    `durable`: what is written is on the disk (fsync) before it has its name. Makes the parent
    folder. Raises OSError.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    # a folder of its own, so that two processes never write to one path
    with tempfile.TemporaryDirectory(
        dir=target.parent, prefix=f".{target.name}.", ignore_cleanup_errors=True
    ) as folder:
        written = Path(folder) / target.name
        yield written
        if keep is None or not keep(target):
            put(written, target, durable=durable)


def put(source: Path, target: Path, *, durable: bool = False) -> None:
    """Rename `source` to `target`, on the same disk; a file replaces a file, a folder a folder.

    `durable`: the files and the new name are on the disk (fsync) when this returns. Raises OSError.
    """
    if durable:
        files = source.iterdir() if source.is_dir() else [source]
        for file in files:
            if file.is_file():
                _fsync(file)
    if source.is_dir() and target.is_dir():
        shutil.rmtree(target)  # no operating system renames over a folder that holds files
    source.replace(target)
    if durable:
        _fsync(target.parent)


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def whole(target: Path, option: str = "--out") -> Iterator[Path]:
    """`replacing` for a path that the user named by an option.

    Raises DiskFull, or UsageError when the target's folder cannot be written to, or when the
    target is a link, which is neither followed nor replaced.
    """
    if target.is_symlink():
        raise UsageError(
            f"{target} is a link, which is not written through",
            f"remove it, or choose another {option}",
        )
    full = f"no space left on the disk for {target}"
    with (
        full_disk_as(full, f"free some space, or choose another {option}"),
        contextlib.ExitStack() as stack,
    ):
        try:
            written = stack.enter_context(replacing(target))
        except OSError as error:
            if disk_is_full(error):
                raise
            raise UsageError(
                f"cannot write to {target.parent}: {error.strerror or error}",
                f"choose another {option}",
            ) from error
        yield written


def write_whole(path: Path, text: str, *, durable: bool = True) -> None:
    """Replace `path` by `text` in one step: no reader ever sees half of it. Raises OSError."""
    with replacing(path, durable=durable) as written:
        written.write_text(text, encoding="utf-8")
        written.chmod(0o644)  # whatever the umask: others may read what a workspace holds


@contextlib.contextmanager
def full_disk_as(message: str, hint: str) -> Iterator[None]:
    """Within it, whatever is raised because the disk takes no more becomes DiskFull."""
    try:
        yield
    except Exception as error:
        if not disk_is_full(error):
            raise
        raise DiskFull(message, hint) from error


def disk_is_full(error: BaseException) -> bool:
    """Whether an error of the system, SQLite, safetensors, numpy or torch means a full disk."""
    text = str(error)
    if isinstance(error, OSError):
        # numpy gives no number and says `4096 requested and 512 written`
        return error.errno in FULL or "requested and" in text or says_disk_is_full(text)
    return says_disk_is_full(text)


def says_disk_is_full(text: str) -> bool:
    """Whether a message means a full disk: in words, or as Rust's `os error 28`."""
    numbers = re.findall(r"os error (\d+)", text)
    if any(int(number) in FULL for number in numbers):
        return True
    return any(words in text for words in FULL_IN_WORDS)


def sha256_file(path: Path) -> str:
    """The sha256 of a file's content, 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
