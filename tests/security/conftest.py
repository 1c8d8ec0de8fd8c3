"""A folder to work in and the command line, as the tests of commands have them."""

from tests.cli.conftest import desk

__all__ = ["desk"]
