"""What the documentation says is so: its commands parse, and what it names exists."""

import re
import shlex

import click
import pytest

from localfair.cli import COMMANDS, cli
from tests.pages import PAGES, README, ROOT, anchors, commands, in_prose, section

FOUND = [(page, command) for page in PAGES for command in commands(page.read_text())]
IN_PROSE = [(page, command) for page in PAGES for command in in_prose(page.read_text())]


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
    assert len(README.read_text().splitlines()) <= 150
    assert len(FOUND) >= 150


def test_the_readme_names_every_command():
    table = section(README, "Commands")
    assert [name for name in COMMANDS if f"`{name}`" not in table] == []


@pytest.mark.parametrize(("page", "command"), FOUND, ids=[c[:60] for _, c in FOUND])
def test_every_command_in_the_documentation_parses(page, command):
    words = shlex.split(command.replace("...", ""))[1:]
    assert words[0] in COMMANDS
    parse(words)


@pytest.mark.parametrize(("page", "command"), IN_PROSE, ids=[c[:60] for _, c in IN_PROSE])
def test_every_command_in_running_text_exists(page, command):
    words = shlex.split(command.replace("...", ""))[1:]
    given = [word for word in words if not word.startswith("[")]  # [--option]: with it or without
    assert given[0] in COMMANDS
    if len(given) > 1:  # else the command's name alone
        parse(given)


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
        for link in re.findall(r"\]\(([^)]+)\)", page.read_text()):
            path, _, anchor = link.partition("#")
            target = page.parent / path if path else page
            assert link.startswith("http") or target.exists(), (page, link)
            assert not anchor or anchor in anchors(target.read_text()), (page, link)


def test_every_page_can_be_reached_from_the_readme():
    reached, waiting = set(), [README]
    while waiting:
        page = waiting.pop().resolve()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        links = re.findall(r"\]\(([^)#]+)", page.read_text())
        waiting.extend(page.parent / link for link in links if not link.startswith("http"))
    assert [page for page in PAGES if page not in reached] == []
