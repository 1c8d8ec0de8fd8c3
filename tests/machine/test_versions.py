"""A run records the software that made it."""

import platform
import sqlite3
import subprocess
import sys
from importlib.metadata import version

from localfair.machine.versions import PACKAGES, versions


def test_python_sqlite_and_what_is_installed_are_named_and_nothing_else():
    recorded = versions()
    assert recorded["python"] == platform.python_version()
    assert recorded["sqlite"] == sqlite3.sqlite_version
    assert recorded["localfair"] == version("localfair")
    assert set(recorded) <= {*PACKAGES, "python", "sqlite", "platform", "cores"}
    assert all(isinstance(value, str) for value in recorded.values())


def test_nothing_is_imported_to_know_its_version():
    script = (
        "import sys; from localfair.machine.versions import versions; versions();"
        "print('torch' in sys.modules)"
    )
    child = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert child.stdout == "False\n"
