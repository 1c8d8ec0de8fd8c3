"""Forms of data files that are not read, told by how a file begins or ends its name.

Reads nothing and writes nothing. Knows no benchmark.
"""

from __future__ import annotations

from pathlib import Path

_UNPACK = "unpack it first"
_CONVERT = "write it as .jsonl, .json or .csv"
# Forms of data that are not read: how such a file begins, what it is called, what to do.
_FORMS_BY_CONTENT = (
    (b"PAR1", "a Parquet file", _CONVERT),
    (b"ARROW1", "an Arrow file", _CONVERT),
    (b"SQLite format 3", "a SQLite database", _CONVERT),
    (b"\x93NUMPY", "a NumPy file", _CONVERT),
    (b"\xd0\xcf\x11\xe0", "an old Excel file", _CONVERT),
    (b"%PDF", "a PDF", _CONVERT),
    (b"\x89HDF", "an HDF5 file", _CONVERT),
    (b"Obj\x01", "an Avro file", _CONVERT),
    (b"ORC", "an ORC file", _CONVERT),
    (b"\x1f\x8b", "packed with gzip", _UNPACK),
    (b"BZh", "packed with bzip2", _UNPACK),
    (b"\xfd7zXZ", "packed with xz", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "packed with zstd", _UNPACK),
)
_ZIP = b"PK\x03\x04"  # Excel and OpenDocument files are archives too
_FORMS_BY_SUFFIX = {
    ".xlsx": ("an Excel file", _CONVERT),
    ".xls": ("an Excel file", _CONVERT),
    ".ods": ("an OpenDocument table", _CONVERT),
    ".parquet": ("a Parquet file", _CONVERT),
    ".arrow": ("an Arrow file", _CONVERT),
    ".feather": ("an Arrow file", _CONVERT),
    ".docx": ("a Word document", _CONVERT),
    ".html": ("a web page", _CONVERT),
    ".htm": ("a web page", _CONVERT),
    ".pkl": ("a pickle", _CONVERT),
    ".pickle": ("a pickle", _CONVERT),
    ".xml": ("an XML file", _CONVERT),
    ".yaml": ("a YAML file", _CONVERT),
    ".yml": ("a YAML file", _CONVERT),
    ".gz": ("packed with gzip", _UNPACK),
    ".bz2": ("packed with bzip2", _UNPACK),
    ".xz": ("packed with xz", _UNPACK),
    ".zst": ("packed with zstd", _UNPACK),
    ".zip": ("a ZIP archive", _UNPACK),
}


def form_of(path: Path, data: bytes) -> tuple[str, str] | None:
    """What the file is and what to do with it, or None for a form that may be read."""
    for beginning, what, hint in _FORMS_BY_CONTENT:
        if data.startswith(beginning):
            return what, hint
    by_suffix = _FORMS_BY_SUFFIX.get(path.suffix.lower())
    if by_suffix:
        return by_suffix
    if data.startswith(_ZIP):
        return "a ZIP archive", _UNPACK
    return None
