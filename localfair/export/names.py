"""Where exports go, and what they are called: student, recipe and run, in letters any disk takes.

Pure. Names come from cards and recipes that anybody may have written: none of them is a path, a
hidden file or a part of a command.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

LONGEST = 60  # characters of one name; file systems take 255 bytes in all
NOT_PLAIN = re.compile(r"[^A-Za-z0-9._]+")
ENDINGS = (".toml", ".script", ".gguf")


@dataclass(frozen=True, slots=True)
class Destination:
    """The folder to write exports into. force: whether another export there may be replaced."""

    folder: Path
    force: bool = False


def plain(text: str, otherwise: str) -> str:
    """The letters, digits, dots and underscores of a text, hyphens for all else.

    `otherwise` where nothing is left.
    """
    hyphenated = NOT_PLAIN.sub("-", text)
    without_parents = re.sub(r"\.{2,}", ".", hyphenated)
    return without_parents[:LONGEST].strip("-._") or otherwise


def export_name(student: str, recipe: str, run: str) -> str:
    """What a run's exports are called; `student` is a model's name, or a path to it."""
    names = (plain(_base_name(student), "student"), plain(recipe, "recipe"), plain(run, "run"))
    return "-".join(names)


def _base_name(model: str) -> str:
    """The last part of a path, without the ending of a file that a model is named by."""
    name = Path(model).name
    for ending in ENDINGS:
        name = name.removesuffix(ending)
    return name
