"""The write lock of a database: one writer, by whatever name it opened the file.

A lock is named by the database's device and inode, so a symlink, a hard link and a second mount of
one file meet at one lock. Writes a file for each lock into two folders of the user's: one of them
may be named by the environment, which another process need not share, and a file may be removed.
Reads the database's `stat` alone. It never opens the database: closing a second descriptor of it
would drop the locks of SQLite's own (sqlite.org/howtocorrupt.html, 2.2). Knows nothing of what is
written.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from localfair.errors import DatabaseBusy, StoreError

Identity = tuple[int, int]  # device and inode

TRIES = 20  # a reader that looks whether the lock is free holds it for a moment
PAUSE = 0.01  # seconds between tries


def identity(path: Path) -> Identity:
    """The file behind a path, whatever its name. Raises FileNotFoundError."""
    status = path.stat()
    return status.st_dev, status.st_ino


class WriterLock:
    """The write lock of the database at `path`, which is there. Use as a context manager.

    The kernel lets go of it however this process ends. Raises DatabaseBusy with the holder's process
    when another one holds it, StoreError when there is no folder for locks.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._identity = identity(path)
        self._held: dict[Path, int] = {}  # a file's path and its descriptor
        with ExitStack() as stack:
            stack.callback(self.release)
            make_folders()
            for lock in lock_paths(self._identity):
                self._take(lock)
            stack.pop_all()

    def __enter__(self) -> WriterLock:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def check(self) -> None:
        """Make sure that this process may still commit.

        A lock whose file was removed is taken again. Raises DatabaseBusy when another process was
        faster, StoreError when another file has taken the database's name: what would be committed
        then, nobody would ever read.
        """
        if not self._is_in_place():
            raise StoreError(
                f"{self._path} was moved, removed or replaced while it was written",
                "put it back, or run the same command again with the --db that is meant",
            )
        for lock, handle in list(self._held.items()):
            if not _is_at(handle, lock):
                os.close(self._held.pop(lock))
                self._take(lock)

    def release(self) -> None:
        """Let go, and remove the files: whoever waits for one sees that, and makes the next."""
        while self._held:
            lock, handle = self._held.popitem()
            if _is_at(handle, lock):
                lock.unlink(missing_ok=True)
            os.close(handle)

    def _take(self, lock: Path) -> None:
        handle = _acquire(lock, self._path)
        self._held[lock] = handle
        holder = f"{os.getpid()}\n{self._path.resolve()}\n"
        os.truncate(handle, 0)
        os.pwrite(handle, holder.encode(errors="surrogateescape"), 0)

    def _is_in_place(self) -> bool:
        try:
            return identity(self._path) == self._identity
        except FileNotFoundError:
            return False


def is_held(path: Path) -> bool:
    """Whether a process writes to the database at `path` now."""
    return any(map(_is_locked, lock_paths(identity(path))))


def name_in_use(path: Path) -> Path:
    """The name under which the file at `path` is written now, or was when its writer was killed.

    SQLite's log lies beside that name: under another hard link it would not be found.
    """
    with contextlib.suppress(OSError):
        database = identity(path)
        for lock in lock_paths(database):
            _, name = _holder(lock)
            if name and identity(Path(name)) == database:
                return Path(name)
    return path


# -- the folders of locks -------------------------------------------------------------------------


def lock_paths(database: Identity) -> list[Path]:
    """Where the lock of a database lies: in every place that two runs of one user may share."""
    device, inode = database
    return [folder / f"{device:x}-{inode:x}.lock" for folder in _folders()]


def make_folders() -> None:
    """Make the folders for locks that are missing. Raises StoreError when there can be none."""
    for folder in _candidates():
        with contextlib.suppress(OSError):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _is_private(folder):
            break
    with contextlib.suppress(OSError):
        _temporary().mkdir(mode=0o700, exist_ok=True)
    if not _folders():
        raise StoreError(
            "there is no folder for the lock of the database",
            "set XDG_STATE_HOME to a folder that you may write to",
        )


def _folders() -> list[Path]:
    """The user's folders for locks: a lasting one, where there is any, and a temporary one.

    Each is taken only where it is this user's alone.
    """
    lasting = [folder for folder in _candidates() if _is_private(folder)]
    folders = lasting[:1]
    if _is_private(_temporary()):
        folders.append(_temporary())
    return folders


def _candidates() -> Iterator[Path]:
    """The folders of the XDG Base Directory Specification; it ignores paths that are relative."""
    below = Path("localfair") / "locks"
    state = os.environ.get("XDG_STATE_HOME", "")
    home = os.environ.get("HOME", "")
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    for folder in (state, f"{home}/.local/state", runtime):
        if folder.startswith("/"):
            yield Path(folder) / below


def _temporary() -> Path:
    return Path(tempfile.gettempdir()) / f"localfair-{os.geteuid()}-locks"


def _is_private(folder: Path) -> bool:
    """Whether a folder is this user's, no link, and nobody else may write to it."""
    try:
        status = folder.lstat()
    except OSError:
        return False
    is_mine = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
    others_write = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return is_mine and not others_write and os.access(folder, os.W_OK | os.X_OK)


# -- the file of a lock ---------------------------------------------------------------------------


def _open(lock: Path, flags: int) -> int:
    """A lock's file, never through a link. Raises OSError."""
    return os.open(lock, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def _acquire(lock: Path, path: Path) -> int:
    """The descriptor of the lock's file, locked, and still the one at its path."""
    for _ in range(TRIES):
        try:
            handle = _open(lock, os.O_RDWR | os.O_CREAT)
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise StoreError(f"the lock {lock} is a link", "remove it") from error
            raise
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(handle, lock):
                return handle
        except BlockingIOError:
            time.sleep(PAUSE)
        os.close(handle)
    process, _ = _holder(lock)
    raise DatabaseBusy(
        f"{path} is being written by another localfair (process {process or 'unknown'})",
        "wait for it, or use another --db FILE",
    )


def _is_at(handle: int, lock: Path) -> bool:
    """Whether an open file still has its name: another may have been made in its place."""
    status = os.fstat(handle)
    try:
        return identity(lock) == (status.st_dev, status.st_ino)
    except FileNotFoundError:
        return False


def _is_locked(lock: Path) -> bool:
    try:
        handle = _open(lock, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _holder(lock: Path) -> tuple[str, str]:
    """The process that wrote a lock's file, and the name that it opened the database by.

    Both are empty where nothing is written.
    """
    try:
        handle = _open(lock, os.O_RDONLY)
    except OSError:
        return "", ""
    try:
        text = os.pread(handle, 2**13, 0).decode(errors="surrogateescape")
    finally:
        os.close(handle)
    process, _, name = text.partition("\n")
    return process, name.removesuffix("\n")
