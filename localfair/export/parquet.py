"""Lessons as a parquet file, as Hugging Face's `datasets` reads it.

Pure. pyarrow is loaded only when a file is made.
"""

from __future__ import annotations

import io

from localfair.errors import MissingDependency


def as_parquet(rows: list[dict[str, object]]) -> bytes:
    """The rows of the form prompt-completion as one parquet file. Raises MissingDependency."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise MissingDependency(
            "a data set needs the package 'pyarrow'", "pip install 'localfair[data]'"
        ) from error
    turn = pyarrow.struct([("role", pyarrow.string()), ("content", pyarrow.string())])
    schema = pyarrow.schema(
        [
            ("prompt", pyarrow.list_(turn)),
            ("completion", pyarrow.list_(turn)),
            ("kind", pyarrow.string()),
            ("weight", pyarrow.float64()),
            ("teacher", pyarrow.string()),
            ("own", pyarrow.bool_()),
            ("question", pyarrow.string()),
            ("lesson", pyarrow.string()),
        ]
    )
    written = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_pylist(rows, schema=schema), written)
    return written.getvalue()
