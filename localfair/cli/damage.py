"""Whether an error came of a record that is not as localfair wrote it.

Reads the record that a command line names. Knows nothing of what the command did.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from localfair.errors import LocalfairError, StoreError

DEFAULT = "localfair.db"


def damage_in_words(error: Exception, arguments: Sequence[str]) -> LocalfairError | None:
    """What is wrong with the record of these arguments; None when it is sound, or there is none.

    Cells of another type, tables without a column, text that is no JSON: rows are not checked where
    they are read, but sealed when they are written. So an error of ours is one still.
    """
    from localfair.pipeline.reading import odd_rows, verify_record
    from localfair.record.verify import ODD_CELLS

    path = _record_of(arguments)
    may_be_of_rows = isinstance(error, (sqlite3.Error, AssertionError, *ODD_CELLS))
    if not may_be_of_rows or not path.is_file():
        return None
    try:
        problems = verify_record(path).problems
    except LocalfairError as refusal:
        return refusal
    except (sqlite3.Error, *ODD_CELLS) as failure:  # it cannot even be migrated
        problems = [" ".join(str(failure).split())]
    hint = f"`localfair db verify --db {path}` says all that differs; go on from a copy of it"
    if not problems:
        # whoever changes a record can seal it anew
        problems = odd_rows(path)
        hint = "something else wrote that and sealed it anew: go on from a copy of before"
    if not problems:
        return None
    return StoreError(f"{path} is not as localfair wrote it: {problems[0]}", hint)


def _record_of(arguments: Sequence[str]) -> Path:
    """The path after the last `--db`."""
    path = DEFAULT
    for argument, following in zip(arguments, [*arguments[1:], DEFAULT], strict=True):
        name, equals, value = argument.partition("=")
        if name == "--db":
            path = value if equals else following
    return Path(path)
