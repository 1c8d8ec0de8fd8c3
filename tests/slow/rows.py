"""What a part hands back: a row for each thing that it tried, or could not try. Pure data."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Outcome = Literal["held", "broke", "not tried"]
Measures = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table.

    outcome: whether what is promised held. note: what broke, or why it was not tried.
    """

    name: str
    outcome: Outcome
    measures: Measures = field(default_factory=dict)
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)
