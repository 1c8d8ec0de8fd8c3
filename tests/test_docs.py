"""What the documentation says is so: its commands parse, and what it names exists."""

import re
import shlex
from pathlib import Path

import click
import pytest

from localfair.cli import COMMANDS, cli

ROOT = Path(__file__).resolve().parent.parent
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "recipes").glob("**/README.md")),
    ROOT / "models" / "README.md",
    ROOT / "localfair" / "export" / "README.md",
]


def commands(page: Path) -> list[str]:
    """Every `localfair ...` line of a code block, continuation lines joined, comments dropped."""
    text = page.read_text().replace("\\\n", " ")
    lines = [line.strip().removeprefix("$ ") for line in text.splitlines()]
    return [re.split(r"\s{2,}#", line)[0] for line in lines if line.startswith("localfair ")]


FOUND = [(page, command) for page in PAGES for command in commands(page)]


def parse(words: list[str]) -> None:
    """Parse a command line as click would, without running it."""
    name, *rest = words
    context = cli.make_context("localfair", [name], resilient_parsing=True)
    command = cli.get_command(context, name)
    while isinstance(command, click.Group):
        subcommand, *rest = rest or [""]
        assert subcommand in command.commands, f"{name} has no {subcommand!r}"
        command = command.commands[subcommand]
    command.make_context(name, rest, parent=context)


def test_the_readme_is_at_most_150_lines_and_shows_many_commands():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150
    assert len(FOUND) >= 15


@pytest.mark.parametrize(("page", "command"), FOUND, ids=[c[:60] for _, c in FOUND])
def test_every_command_in_the_documentation_parses(page, command):
    words = shlex.split(command.replace("...", ""))[1:]
    assert words[0] in COMMANDS
    parse(words)


def test_nothing_is_left_to_be_filled_in():
    unfinished = re.compile(r"\b(TODO|TBD|FIXME|RESULTS?TABLE|QUICKOUT|QUICKTIME)\b")
    for page in PAGES:
        assert not unfinished.search(page.read_text()), page


def test_ci_runs_the_readmes_own_test_command():
    lines = (ROOT / "README.md").read_text().splitlines()
    installing = [line for line in lines if line.startswith("python3 -m venv")]
    assert len([line for line in installing if line.endswith("pytest")]) == 1
    assert "README.md" in (ROOT / ".ci" / "run").read_text()


def test_every_link_between_pages_leads_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            assert target.startswith("http") or (page.parent / target).exists(), (page, target)
