"""sqlite-utils, imported without pandas.

sqlite-utils loads pandas wherever it is installed, only to know the type of its timestamps, of
which the record has none. That is half of what a command takes to start. Reads and writes nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def _without_pandas() -> Iterator[None]:
    """Within it, importing pandas fails as where it is not installed; no matter if it is loaded."""
    if "pandas" in sys.modules:
        yield
        return
    sys.modules["pandas"] = None  # type: ignore[assignment]  # how Python spells a missing module
    try:
        yield
    finally:
        del sys.modules["pandas"]


with _without_pandas():
    from sqlite_utils import Database as Database
