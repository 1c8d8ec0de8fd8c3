"""The pages that are made are as they would be made now: else `python -m tests.reference`."""

import os
import subprocess
import sys

from localfair.cli import COMMANDS
from tests import reference


def test_the_page_of_the_schema_is_what_the_migrations_make():
    assert reference.SCHEMA_PAGE.read_text() == reference.schema_page()


def test_every_command_has_a_place_in_the_reference():
    page = reference.COMMANDS_PAGE.read_text()
    for name in COMMANDS:
        assert f"\n## localfair {name}\n" in page
    assert "\n## localfair export lessons\n" in page


def test_the_reference_of_commands_is_their_help_whatever_terminal_and_settings():
    around = {"COLUMNS": "40", "LOCALFAIR_DB": "other.db", "LOCALFAIR_THREADS": "3"}
    code = "from tests.reference import help_page; import sys; sys.stdout.write(help_page())"
    # in a process of its own: a command keeps the help option of the context it was first called in
    made = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | around,
        cwd=reference.LOCALFAIR.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert made.stdout == reference.COMMANDS_PAGE.read_text()
