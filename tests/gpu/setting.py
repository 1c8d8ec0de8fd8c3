"""Where a part of the command works and at which size, and what a part hands back: its rows.

Reads nothing; makes the folders that it is asked for. Knows nothing of any part.
"""

from __future__ import annotations

import importlib.util
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from localfair.errors import MissingDependency

Measures = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What the command line gave. `toy` sizes only show that a part runs: they measure nothing.

    `work` keeps weights that were made, records and journals. `data` holds `svamp/` as published.
    """

    work: Path
    data: Path
    toy: bool

    def size(self, full: int, toy: int) -> int:
        """One of two sizes."""
        return toy if self.toy else full

    @property
    def workspace(self) -> Path:
        """A workspace of the command's own: nothing it makes enters the user's."""
        return self.folder("workspace")

    def folder(self, name: str) -> Path:
        """A folder below `work`, made where it is not there yet; toy size has folders of its own."""
        folder = self.work / ("toy" if self.toy else "full") / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: what was measured, the numbers by name, and what to know of them."""

    name: str
    measures: Measures = field(default_factory=dict)
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def require(package: str, how: str) -> None:
    """Raise MissingDependency when a package is not installed."""
    if importlib.util.find_spec(package) is None:
        raise MissingDependency(f"{package} is not installed", how)
