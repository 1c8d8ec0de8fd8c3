"""A workspace of its own for each test, without the machine's weights."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("LOCALFAIR_WEIGHTS", raising=False)
    monkeypatch.setenv("LOCALFAIR_WORKSPACE", str(tmp_path / "ws"))
    (tmp_path / "ws" / "models").mkdir(parents=True)
    return tmp_path / "ws"


@pytest.fixture
def real_weights() -> Path:
    """The folder of the real GGUF files that some tests read; they are skipped without it."""
    folder = os.environ.get("LOCALFAIR_TEST_WEIGHTS", "")
    if not folder:
        pytest.skip("LOCALFAIR_TEST_WEIGHTS is not set")
    return Path(folder)
