"""What reviewers' votes are worth, as the record holds it: the row that verdicts are judged by.

One noun and its table. Knows nothing of how a fit is made: `report/trust` does that, and
`stages/trusted` turns one into the other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Literal

from localfair.record.nouns import canonical_json, content_id
from localfair.record.store import Store
from localfair.record.tables import Row, Table

Worth = dict[str, float]  # a vote's mean, spread, weight, low and high
JSON = ("authors", "votes", "dropped", "labels", "reviews", "plants")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantReview:
    """What a seat gave a planted text.

    plant: its name. explanation, seat, generation: ids. score: None when none could be read.
    """

    plant: str
    explanation: str
    seat: str
    generation: str
    score: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A fit of reviews to labels, and how verdicts follow from it.

    fitted_on: what a label says, that the answer is right, or that a right one was reached by sound
    steps. decides: the fitted probability, the mean of centred votes (too few labels), or the checks
    alone, with the reason. authors: log-odds by seat. votes: by seat, with a vote or without.
    dropped: why a seat has no vote. labels: explanations and what the check said. reviews: ids.
    """

    fitted_on: Literal["answer", "sound"]
    decides: Literal["probability", "votes", "checks"]
    reason: str
    precision: float
    intercept: float | None = None
    threshold: float | None = None
    authors: Mapping[str, float] = field(default_factory=dict)
    votes: Mapping[str, Worth] = field(default_factory=dict)
    dropped: Mapping[str, str] = field(default_factory=dict)
    labels: tuple[tuple[str, bool], ...] = ()
    reviews: tuple[str, ...] = ()
    plants: tuple[PlantReview, ...] = ()

    @property
    def id(self) -> str:
        """The hash of all of it."""
        return content_id("fit", **_cells(self))

    @property
    def voters(self) -> list[str]:
        """The seats that have a vote."""
        if self.decides == "checks":
            return []
        return sorted(seat for seat in self.votes if seat not in self.dropped)


def _cells(fit: Fit) -> Row:
    """The columns of a fit but its id, as the row holds them."""
    cells = {name.name: getattr(fit, name.name) for name in fields(fit)}
    for name in ("precision", "intercept", "threshold"):
        if cells[name] is not None:
            # SQLite gives a whole number back with a point, and -0.0 without its sign
            cells[name] = float(cells[name]) + 0.0
    cells["plants"] = [[getattr(plant, name) for name in PLANT] for plant in fit.plants]
    for name in JSON:
        cells[name] = canonical_json(cells[name])
    return cells


def fit_row(fit: Fit) -> Row:
    """A fit as its row."""
    return {"id": fit.id, **_cells(fit)}


def fit_of(row: Row) -> Fit:
    """A row as its fit."""
    columns = {name.name: row[name.name] for name in fields(Fit)}
    for name in JSON:
        columns[name] = json.loads(row[name])
    columns["labels"] = tuple((label[0], label[1]) for label in columns["labels"])
    columns["reviews"] = tuple(columns["reviews"])
    plants = columns["plants"]
    columns["plants"] = tuple(
        PlantReview(**dict(zip(PLANT, plant, strict=True))) for plant in plants
    )
    return Fit(**columns)


PLANT = tuple(name.name for name in fields(PlantReview))
FITS = Table("fits", "fit", fit_row, fit_of)


def fits_of(store: Store, run: str | None = None, task: str | None = None) -> list[Fit]:
    """The fits of one run, of one task, or of the whole record, in the order of their ids."""
    sql = """
    SELECT f.* FROM fits f WHERE (:run IS NULL OR f.id IN (
      SELECT "row" FROM links WHERE run = :run AND noun = 'fit'))
    AND (:task IS NULL OR EXISTS (
      SELECT 1 FROM json_each(f.labels) l
      JOIN explanations e ON e.id = json_extract(l.value, '$[0]')
      JOIN questions q ON q.id = e.question WHERE q.task = :task))
    ORDER BY f.id
    """
    rows = store.db.execute(sql, {"run": run, "task": task}).fetchall()
    return [fit_of(dict(row)) for row in rows]
