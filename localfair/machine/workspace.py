"""Where the files that ship with localfair lie, and which folder the user works in.

Reads `LOCALFAIR_WORKSPACE` and looks for folders. Knows nothing of what the files hold.
"""

from __future__ import annotations

import os
from pathlib import Path

from localfair.errors import UsageError

VARIABLE = "LOCALFAIR_WORKSPACE"
PACKAGE = Path(__file__).resolve().parents[1]


def packaged_dir(kind: str) -> Path:
    """The shipped `models` or `recipes`: beside the package in a checkout, else inside it."""
    checkout = PACKAGE.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / kind).is_dir():
        return checkout / kind
    return PACKAGE / "data" / kind


def workspace_dir() -> Path:
    """The user's folder, absolute: `LOCALFAIR_WORKSPACE`, else the current directory.

    Raises UsageError when the variable names no folder that there can be.
    """
    named = os.environ.get(VARIABLE)
    try:
        return at_home(Path(named or Path.cwd())).resolve()
    except RuntimeError as error:  # links in a circle
        raise UsageError(
            f"{VARIABLE} is {named!r}, which leads nowhere", "set it to a folder that exists"
        ) from error


def at_home(path: Path) -> Path:
    """A path with `~` for the folder of its user; as it is when there is no such user."""
    try:
        return path.expanduser()
    except RuntimeError:
        return path
