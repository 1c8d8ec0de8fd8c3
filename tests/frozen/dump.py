"""The record of a run as data that no id, no clock and no machine decides.

Reads the SQLite file with plain SQL, never through localfair: its classes may change, what it
records may not. Where a column gets another name, change it in the query that reads it and keep the
name after AS, so that the fixtures stay as they are. Every id is replaced by what it stands for;
what has no order but that of its ids is sorted by what is in it.
"""

from __future__ import annotations

import json
import math
import re
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Row = dict[str, Any]

# the question whose requests are shown in full: examples before it do not depend on a draw
SHOWN = "What is the code of item 4011?"

LATER = ("tokens", "unfinished")  # of an exam in a report

# -- queries --------------------------------------------------------------------------------------

RUNS = """
SELECT recipe, task, seed, status, problem FROM runs
"""

SEATS = """
SELECT role, "index", model, adapter FROM seats
"""

QUESTIONS = """
SELECT text, split, gold, choices, rationale FROM questions
"""

ANSWERS = """
SELECT q.text AS question, s.role AS role, s.adapter AS adapter, a.split AS split,
       g.sample AS sample, a.grade AS grade, a.read AS read, g.text AS text
FROM answers a
JOIN questions q ON q.id = a.question
JOIN seats s ON s.id = a.seat
JOIN generations g ON g.id = a.generation
"""

MISTAKES = """
SELECT q.text AS question, m.reason AS reason, m.read AS read, m.adapter AS adapter
FROM mistakes m
JOIN questions q ON q.id = m.question
"""

EXPLANATIONS = """
SELECT e.kind AS kind, q.text AS question, e.split AS split, s.role AS role, s."index" AS author,
       g.sample AS sample, e.grade AS grade, e.read AS read, g.text AS text, g.finish AS finish,
       mistake.text AS mistake
FROM explanations e
JOIN questions q ON q.id = e.question
JOIN seats s ON s.id = e.seat
JOIN generations g ON g.id = e.generation
LEFT JOIN answers a ON a.id = e.answer
LEFT JOIN generations mistake ON mistake.id = a.generation
"""

REVIEWS = """
SELECT e.kind AS kind, q.text AS question, author."index" AS author, written.text AS explanation,
       s.role AS role, s."index" AS reviewer, r.score AS score, r.same_weights AS same_weights,
       g.text AS text
FROM reviews r
JOIN explanations e ON e.id = r.explanation
JOIN questions q ON q.id = e.question
JOIN seats author ON author.id = r.author
JOIN generations written ON written.id = e.generation
JOIN seats s ON s.id = r.seat
JOIN generations g ON g.id = r.generation
"""

VERDICTS = """
SELECT e.kind AS kind, q.text AS question, s.role AS role, s."index" AS author,
       g.text AS explanation, v.accepted AS accepted, v.reason AS reason, v.mean AS mean,
       v.valid AS valid
FROM verdicts v
JOIN explanations e ON e.id = v.explanation
JOIN questions q ON q.id = e.question
JOIN seats s ON s.id = e.seat
JOIN generations g ON g.id = e.generation
"""

LESSONS = """
SELECT q.text AS question, l.split AS split, l.kind AS kind, l.teacher AS teacher,
       l.weight AS weight, l.dropped AS dropped, l.completion AS completion, l.prompt AS prompt,
       (SELECT json_group_array(noun) FROM lesson_sources WHERE lesson = l.id) AS sources
FROM lessons l
JOIN questions q ON q.id = l.question
"""

# what an answer, an explanation of the first author and a review of one were asked with
REQUESTS = """
SELECT DISTINCT made.noun AS noun, s.role AS role, g.action AS kind, g.sampling AS sampling,
       g.continuations AS continuations, g.constrained AS constrained, g.messages AS messages
FROM (
  SELECT 'answer' AS noun, question, seat, generation FROM answers
  UNION ALL
  SELECT e.kind, e.question, e.seat, e.generation
  FROM explanations e JOIN seats author ON author.id = e.seat AND author."index" = 0
  UNION ALL
  SELECT 'review of ' || e.kind, e.question, r.seat, r.generation
  FROM reviews r
  JOIN explanations e ON e.id = r.explanation
  JOIN seats author ON author.id = e.seat AND author."index" = 0
) made
JOIN questions q ON q.id = made.question AND q.text = ?
JOIN seats s ON s.id = made.seat
JOIN generations g ON g.id = made.generation
"""

STEPS = """
SELECT step, stage, round, calls, reused, loads, outcome,
       (SELECT json_group_object(noun, rows) FROM (
          SELECT noun, COUNT(*) AS rows FROM run_rows
          WHERE run = run_steps.run AND position = run_steps.position GROUP BY noun ORDER BY noun
       )) AS rows
FROM run_steps ORDER BY position
"""

ADAPTERS = """
SELECT id, role, parent, settings, steps, tokens, epochs,
       (SELECT COUNT(*) FROM curve WHERE adapter = adapters.id) AS curve
FROM adapters ORDER BY rowid
"""

LEARNED = """
SELECT al.position AS position, al.dropped AS dropped, q.text AS question, l.kind AS kind,
       l.teacher AS teacher, l.completion AS completion
FROM adapter_lessons al
JOIN lessons l ON l.id = al.lesson
JOIN questions q ON q.id = l.question
WHERE al.adapter = ? ORDER BY al.position
"""

SOFT_LABELS = """
SELECT adapter, top_k, vocabulary, tau, labels,
       length(indices) AS index_bytes, length(logprobs) AS logprob_bytes
FROM soft_labels
"""

# -- masks ----------------------------------------------------------------------------------------

FENCE = re.compile(r"<<<([a-z]{4,})\n(.*?)\n\1>>>", re.S)
SECONDS = re.compile(r"\d+ s\)")
LOSS = re.compile(r"\bloss (?:-?[\d.]+(?:e-?\d+)?|nan|inf)")


@dataclass(frozen=True)
class Mask:
    """Hides where a run was made, and the marks around quoted text, which a secret decides."""

    folder: Path
    student: Path

    def text(self, text: str) -> str:
        """Masks a text."""
        for path, name in ((self.student, "<the student>"), (self.folder, "<folder>")):
            text = text.replace(str(path), name)
        return FENCE.sub(r"<<<mark\n\2\nmark>>>", text)

    def value(self, value: Any) -> Any:
        """Masks the texts of a value and rounds its floats."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, float):
            return round(value, 6)
        if isinstance(value, list | tuple):
            return [self.value(item) for item in value]
        if isinstance(value, dict):
            return {self.text(key): self.value(item) for key, item in value.items()}
        return value


def log(chance: float) -> float:
    """Takes a logarithm, rounded, as a script writes it."""
    return round(math.log(chance), 9)


# -- the dump -------------------------------------------------------------------------------------


def record(db: Path, mask: Mask) -> Row:
    """Dumps a database."""
    with closing(sqlite3.connect(f"file:{db}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        return _Record(connection, mask).sections()


class _Record:
    """Reads one open database."""

    def __init__(self, connection: sqlite3.Connection, mask: Mask) -> None:
        self._connection = connection
        self._mask = mask
        self._names = self._name_adapters()

    def sections(self) -> Row:
        """Dumps every section, in the order in which a run makes them."""
        return {
            "runs": self._sorted(self._rows(RUNS)),
            "seats": self._sorted(self._named(self._rows(SEATS))),
            "questions": self._sorted(decoded(self._rows(QUESTIONS), "choices")),
            "steps": [self._mask.value(_step(row)) for row in self._rows(STEPS)],
            "requests": self._sorted(self._requests()),
            "answers": self._sorted(self._named(self._rows(ANSWERS))),
            "mistakes": self._sorted(self._named(self._rows(MISTAKES))),
            "explanations": self._sorted(self._rows(EXPLANATIONS)),
            "reviews": self._sorted(self._rows(REVIEWS)),
            "verdicts": self._sorted(self._rows(VERDICTS)),
            "lessons": self._sorted(self._lessons()),
            "adapters": [self._adapter(row) for row in self._rows(ADAPTERS)],
            "soft labels": self._sorted(self._named(self._rows(SOFT_LABELS))),
        }

    def _rows(self, sql: str, *arguments: Any) -> list[Row]:
        return [dict(row) for row in self._connection.execute(sql, arguments)]

    def _sorted(self, rows: list[Row]) -> list[Row]:
        """Sorts rows by what is in them, once it is masked."""
        masked = [self._mask.value(row) for row in rows]
        return sorted(masked, key=lambda row: json.dumps(row, sort_keys=True))

    def _name_adapters(self) -> dict[str, str]:
        """Names every adapter by its place in the order of training."""
        names = {}
        for position, row in enumerate(self._rows(ADAPTERS), 1):
            names[row["id"]] = f"adapter {position}"
        return names

    def _name(self, adapter: str | None) -> str | None:
        """Names an adapter, and its epoch where the id has one."""
        if not adapter:
            return None
        trained, at, epoch = adapter.partition("@")
        return f"{self._names[trained]}{at}{epoch}"

    def _named(self, rows: list[Row]) -> list[Row]:
        return [row | {"adapter": self._name(row["adapter"])} for row in rows]

    def _requests(self) -> list[Row]:
        rows = self._rows(REQUESTS, SHOWN)
        rows = decoded(rows, "sampling", "continuations", "constrained", "messages")
        for row in rows:
            row["messages"] = _turns(row["messages"])
        return rows

    def _lessons(self) -> list[Row]:
        rows = decoded(self._rows(LESSONS), "prompt", "sources")
        for row in rows:
            row["prompt"] = _turns(row["prompt"])
            row["sources"].sort()
        return rows

    def _adapter(self, row: Row) -> Row:
        settings = json.loads(row["settings"])
        settings.pop("compute", None)  # the processor decides it
        learned = self._rows(LEARNED, row["id"])
        assert [lesson.pop("position") for lesson in learned] == list(range(len(learned)))
        return {
            "adapter": self._name(row["id"]),
            "role": row["role"],
            "parent": self._name(row["parent"]),
            "steps": row["steps"],
            "tokens": row["tokens"],
            "points of the curve": row["curve"],
            "epochs": json.loads(row["epochs"]),
            "settings": self._mask.value(settings),
            "lessons": self._sorted(learned),  # in the order of their ids they were learned
        }


def _turns(messages: list[list[str]]) -> list[str]:
    return [f"{role}: {content}" for role, content in messages]


def _step(row: Row) -> Row:
    outcome = None
    if row["outcome"]:
        outcome = _without_losses(json.loads(row["outcome"]))
    return row | {"outcome": outcome, "rows": json.loads(row["rows"])}


def _without_losses(outcome: Row | None) -> Row | None:
    """Masks the losses of a training's outcome; in the order of the names."""
    if outcome is None:
        return None
    losses = {key: "<loss>" for key in outcome if key.endswith("_loss")}
    return dict(sorted((outcome | losses).items()))


def decoded(rows: list[Row], *columns: str) -> list[Row]:
    """Reads the JSON in some columns."""
    for row in rows:
        for column in columns:
            row[column] = json.loads(row[column])
    return rows


def report(found: Row, mask: Mask) -> Row:
    """Dumps the report of a run: without its id, its times, its memory and its losses."""
    settings = found["settings"] | {"precision": "<precision>"}
    steps = []
    for step in found["steps"]:
        steps.append(step | {"outcome": _without_losses(step["outcome"])})
    masked = found | {
        "run": "<run>",
        "settings": settings,
        "steps": steps,
        "adapters": len(found["adapters"]),
        "adapter": _adapter_of_report(found["adapter"]),
        # two seats of one index stand in an order that the process decides, a mentor and a teacher
        "acceptance": sorted(found["acceptance"], key=_acceptance_order),
    }
    # What came to reports later than the fixtures: a change in words, how long replies are, and
    # the licences.
    masked.pop("worse")
    masked.pop("licences")
    for exam in ("before", "after"):
        if masked[exam]:
            masked[exam] = {key: masked[exam][key] for key in masked[exam] if key not in LATER}
    # The count of calls has two names for one release; the fixtures hold the older one.
    assert masked.pop("calls") == masked["backend_calls"]
    return mask.value(masked)


def _acceptance_order(row: Row) -> tuple[str, ...]:
    return row["kind"], row["what"], row["who"]


def _adapter_of_report(adapter: Row | None) -> Row | None:
    if adapter is None:
        return None
    masked = {key: f"<{key}>" for key in adapter}
    return masked | {"steps": adapter["steps"], "tokens": adapter["tokens"]}


def said(lines: Iterable[str], mask: Mask) -> list[str]:
    """Dumps what a run said, without its times and its losses."""
    masked = []
    for line in lines:
        timeless = SECONDS.sub("<seconds> s)", mask.text(line))
        masked.append(LOSS.sub("loss <loss>", timeless))
    return masked


# -- the fixture's text ---------------------------------------------------------------------------

WIDTH = 100


def pretty(value: Any, indent: str = "") -> str:
    """Writes a value as JSON: a row on one line, and what holds rows with a line for each."""
    inline = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(inline) <= WIDTH or _is_row(value):
        return inline
    deeper = indent + " "
    items = []
    if isinstance(value, dict):
        for key, item in value.items():
            items.append(f"{deeper}{json.dumps(key)}: {pretty(item, deeper)}")
        opening, closing = "{", "}"
    else:
        for item in value:
            items.append(deeper + pretty(item, deeper))
        opening, closing = "[", "]"
    return "\n".join([opening, ",\n".join(items), indent + closing])


def _is_row(value: Any) -> bool:
    """Says whether a value is one, or a dict of values, short lists and short dicts."""
    if not isinstance(value, dict):
        return not isinstance(value, list)
    return all(_is_short(item) for item in value.values())


def _is_short(item: Any) -> bool:
    if not isinstance(item, dict | list):
        return True
    inside = list(item.values()) if isinstance(item, dict) else item
    if any(isinstance(value, dict | list) for value in inside):
        return False
    return len(json.dumps(item)) <= WIDTH
