"""A committee of scripts, and a record for what they say."""

import pytest

from localfair.committee.seating import Options, Seating
from localfair.record.store import Store

SCRIPT = """
[[rule]]
when = "best of (a|b)"
reply = "\\\\1 it is"
scores = { a = -0.5, b = -1.5 }
[[rule]]
when = ""
replies = ["one", "two", "three"]
"""


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "record.db", create=True) as store:
        yield store


@pytest.fixture
def seating(tmp_path):
    return Seating(tmp_path, 7, Options())


@pytest.fixture
def script(tmp_path):
    """`script(name)`: the path of a script of that name; each name has other bytes."""

    def write(name):
        path = tmp_path / f"{name}.script.toml"
        path.write_text(f"# {name}\n{SCRIPT}")
        return str(path)

    return write
