"""The desk of the command line's tests: scripted models, and commands in processes of their own."""

from tests.cli.conftest import desk as desk  # a fixture
