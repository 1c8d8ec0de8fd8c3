"""The columns of a table's rows by the names that a user gives: in any case, and inside objects.

Reads rows; writes nothing. A name that a row has is that column. Else the one column whose name
differs in case alone, else `a.b` is `b` inside `a`, and `a.0` the first of the list `a`. Ours.
"""

from __future__ import annotations

from typing import Any

from localfair.tasks.files import Row
from localfair.tasks.texts import composed


def has(row: Row, name: str) -> bool:
    """Whether a row has such a column, with something in it."""
    return _value(row, name) is not None


def optional(row: Row, name: str) -> Any:
    """The value of a column, or None."""
    found = _value(row, name)
    return found[0] if found else None


def text(row: Row, name: str) -> str:
    """See `Row.text`."""
    return _of(row, name).text(name)


def scalar(row: Row, name: str) -> str:
    """See `Row.scalar`."""
    return _of(row, name).scalar(name)


def texts(row: Row, name: str) -> list[str]:
    """See `Row.texts`."""
    return _of(row, name).texts(name)


def _of(row: Row, name: str) -> Row:
    """A row with that column alone; the row itself, which names what it has, where it has none."""
    found = _value(row, name)
    if found is not None:
        return Row(row.where, {composed(name): found[0]}, row.hint, row.number)
    known = _spelled(row, row.columns, name)
    if known is None or known == name:
        return row
    # the header has it in another case, and the cell is empty
    columns = tuple(name if column == known else column for column in row.columns)
    return Row(row.where, row.value, row.hint, row.number, columns)


def _value(row: Row, name: str) -> tuple[Any] | None:
    """The value of a column, by itself in a tuple; None where there is none."""
    return _inside(row, row.value, name.split(".")) if isinstance(row.value, dict) else None


def _spelled(row: Row, names: Any, name: str) -> str | None:
    """How names spell that one. Raises BadDataset where several differ in case alone."""
    wanted = composed(name)
    if wanted in names:
        return wanted
    folded = wanted.strip().casefold()
    same = [known for known in names if str(known).strip().casefold() == folded]
    if len(same) > 1:
        spelled = " and ".join(repr(known) for known in same)
        raise row.bad(f"{name!r} may be {spelled}: name one of them as it is written")
    return same[0] if same else None


def _inside(row: Row, value: object, steps: list[str]) -> tuple[Any] | None:
    """What stands at `a.b` of a value; the longest name of its beginning that there is counts."""
    if not steps:
        return (value,)
    first, *others = steps
    if isinstance(value, list):
        is_there = first.isdecimal() and int(first) < len(value)
        return _inside(row, value[int(first)], others) if is_there else None
    if not isinstance(value, dict):
        return None
    for count in range(len(steps), 0, -1):
        known = _spelled(row, value, ".".join(steps[:count]))
        if known is not None:
            return _inside(row, value[known], steps[count:])
    return None
