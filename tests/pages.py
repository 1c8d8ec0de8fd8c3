"""The pages of documentation, their sections, and the commands and code that stand in them."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
ROOMS = ("localfair", "recipes", "models", "tests")
# prompts are templates and no pages
PAGES = (
    README,
    *sorted(
        page
        for room in ROOMS
        for page in (ROOT / room).rglob("*.md")
        if "prompts" not in page.relative_to(ROOT).parts
    ),
)
FENCED = re.compile(r"^```([a-z]*)\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)


def section(page: Path, heading: str) -> str:
    """What stands below a heading of the second level, up to the next one."""
    _, found, rest = page.read_text().partition(f"\n## {heading}\n")
    assert found, f"{page} has no heading {heading!r}"
    return rest.partition("\n## ")[0]


def blocks(text: str, language: str) -> list[str]:
    """The code blocks of a language."""
    return [code for name, code in FENCED.findall(text) if name == language]


def commands(text: str) -> list[str]:
    """Every `localfair ...` line of the code blocks.

    Continuation lines are joined; remarks, which stand apart by two spaces, and redirections are
    dropped.
    """
    commands = []
    for line in re.sub(r" *\\\n\s*", " ", _code(text)).splitlines():
        for command in line.split(" && "):
            words = command.strip().removeprefix("$ ").removeprefix(".venv/bin/")
            if words.startswith("localfair "):
                commands.append(re.split(r"\s{2,}| [<>] ", words)[0])
    return commands


def _code(text: str) -> str:
    """What stands in fences, or is set in by four spaces."""
    fenced = [code for _, code in FENCED.findall(text)]
    set_in = re.findall(r"^ {4}localfair .*$", FENCED.sub("", text), flags=re.MULTILINE)
    return "\n".join([*fenced, *set_in])


def in_prose(text: str) -> list[str]:
    """Every `localfair ...` between backticks in running text."""
    code = re.findall(r"`(localfair [^`]+)`", FENCED.sub("", text))
    return [" ".join(words.split()) for words in code]


def anchors(text: str) -> set[str]:
    """The names that a page's headings have in links."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", text), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
