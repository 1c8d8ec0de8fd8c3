"""The published data files, which are not part of the repository, and small files in their layouts."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from localfair.errors import BadDataset
from localfair.tasks import get_task

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


@pytest.fixture
def write(tmp_path):
    """`write("train.jsonl", content)` is the path of a new file: text as it is, the rest as JSON."""

    def write_file(name: str, content: object) -> Path:
        path = tmp_path / name
        text = content if isinstance(content, str) else json.dumps(content)
        path.write_text(text)
        return path

    return write_file


@pytest.fixture
def refusal(write):
    """`refusal("gsm8k", "train.jsonl", content)` is the message that refuses such a file.

    It names the file and hints at the right layout.
    """

    def refuse(task: str, name: str, content: object) -> str:
        path = write(name, content)
        with pytest.raises(BadDataset) as caught:
            get_task(task).read(path)
        assert name in caught.value.message
        assert caught.value.hint.startswith("expected")
        return caught.value.message

    return refuse
