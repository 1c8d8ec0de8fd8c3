"""Where the files that ship with localfair lie, and which folder the user works in.

Reads `LOCALFAIR_WORKSPACE` and looks for folders. Knows nothing of what the files hold.
"""

from __future__ import annotations

import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]


def packaged_dir(kind: str) -> Path:
    """The shipped `models` or `recipes`: beside the package in a checkout, else inside it."""
    checkout = PACKAGE.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / kind).is_dir():
        return checkout / kind
    return PACKAGE / "data" / kind


def workspace_dir() -> Path:
    """The user's folder, absolute: `LOCALFAIR_WORKSPACE`, else the current directory."""
    return Path(os.environ.get("LOCALFAIR_WORKSPACE") or Path.cwd()).expanduser().resolve()
