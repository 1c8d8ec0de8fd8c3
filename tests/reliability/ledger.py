"""What was asked and answered, counted outside of the process that is killed.

Reads and appends to one file, a line an event; each line is one write, so that several processes may
write and none is lost by a kill. Knows nothing of the record.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Counted:
    """The requests of a stretch of time, by their keys in order; the same one twice stands twice."""

    asked: list[str]
    answered: list[str]


class Ledger:
    """The file. A key names a request: the same request has the same key."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def asked(self, keys: Iterable[str]) -> None:
        """Requests were handed to an engine or came to a server."""
        self._write("asked", keys)

    def answered(self, keys: Iterable[str]) -> None:
        """Their replies were handed over, or sent."""
        self._write("answered", keys)

    def mark(self) -> int:
        """Where the file ends now."""
        return self.path.stat().st_size

    def since(self, mark: int) -> Counted:
        """What was counted since the file ended at `mark`."""
        with self.path.open("rb") as lines:
            lines.seek(mark)
            text = lines.read().decode()
        counted = Counted([], [])
        for line in text.splitlines():
            event, _, key = line.partition(" ")
            events = counted.asked if event == "asked" else counted.answered
            events.append(key)
        return counted

    def _write(self, event: str, keys: Iterable[str]) -> None:
        lines = "".join(f"{event} {key}\n" for key in keys)
        if lines:
            os.write(self._handle, lines.encode())
