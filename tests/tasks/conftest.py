"""Finds the published data files, which are not part of the repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_DEFAULT = Path(__file__).resolve().parents[2].parent / "shared" / "data"


@pytest.fixture(scope="session")
def published():
    """`published("gsm8k")` is that folder; the test is skipped where it is not on this machine."""
    root = Path(os.environ.get("LOCALFAIR_TEST_DATA", _DEFAULT))

    def folder(name: str) -> Path:
        if not (root / name).is_dir():
            pytest.skip(f"no published files for {name}; set LOCALFAIR_TEST_DATA")
        return root / name

    return folder
