"""What surrounds a command, the terminal's encoding and the working directory, ends none in a
traceback.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import localfair

PACKAGE_PARENT = str(Path(localfair.__file__).parent.parent)


def localfair_in(folder, *args, **environment):
    """A command line in a process of its own."""
    started = "import sys; from localfair.cli import main; main(sys.argv[1:])"
    return subprocess.run(
        [sys.executable, "-c", started, *map(str, args)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": PACKAGE_PARENT, **environment},
        capture_output=True,
        check=False,
    )


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "koi8-r"])
def test_a_character_that_the_terminal_lacks_is_a_question_mark(tmp_path, encoding):
    table = tmp_path / "prices.csv"
    table.write_text("question,answer\nHow many ♥ in all?,5\n", encoding="utf-8")
    ended = localfair_in(tmp_path, "tasks", "show", "table", table, PYTHONIOENCODING=encoding)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert b"How many ? in all?" in ended.stdout


def test_a_working_directory_that_is_gone_is_one_line(tmp_path):
    folder = tmp_path / "gone"
    folder.mkdir()
    command = f"cd {folder} && rmdir {folder} && exec {sys.executable} -c {{}} models list"
    started = "'import sys; from localfair.cli import main; main(sys.argv[1:])'"
    ended = subprocess.run(
        ["/bin/sh", "-c", command.format(started)],
        env={**os.environ, "PYTHONPATH": PACKAGE_PARENT},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    error, hint = ended.stderr.splitlines()[-2:]
    assert error == "error: the working directory was removed"
    assert hint.startswith("hint: change to a folder")
    assert "Traceback" not in ended.stderr
