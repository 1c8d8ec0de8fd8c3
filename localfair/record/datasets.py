"""What the record keeps of a data set: the form alone, for whoever reads files into it.

Knows nothing of files or tasks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from localfair.record.nouns import Question


class Source(Protocol):
    """A file that questions were read from: its name (no directory), sha256, size in bytes."""

    @property
    def name(self) -> str: ...

    @property
    def sha256(self) -> str: ...

    @property
    def bytes(self) -> int: ...


class Dataset(Protocol):
    """Questions, the files they came from, those files' licence and the reader of the golds."""

    @property
    def questions(self) -> Sequence[Question]: ...

    @property
    def sources(self) -> Sequence[Source]: ...

    @property
    def licence(self) -> str: ...

    @property
    def reader(self) -> int: ...
