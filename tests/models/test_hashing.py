"""A file is hashed once; what is remembered never stands in for a file that changed."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from localfair.machine.files import sha256_file
from localfair.models.hashing import Hashes

from .weights import safetensors

WRONG = "f" * 64


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """Weights that were written long ago, so that their hash may be remembered."""
    path = tmp_path / "tiny.gguf"
    path.write_bytes(b"weights")
    os.utime(path, (1, 1))
    return path


def forge(hashes: Hashes) -> None:
    """Put a wrong hash into every entry that is remembered."""
    entries = json.loads(hashes.path.read_text())
    for entry in entries.values():
        entry["sha256"] = WRONG
    hashes.path.write_text(json.dumps(entries))


def test_a_file_is_hashed_the_first_time_only(tmp_path: Path, weights: Path) -> None:
    hashes = Hashes(tmp_path)
    assert hashes.of(weights) == sha256_file(weights)
    forge(hashes)
    assert hashes.of(weights) == WRONG


def test_fresh_hashes_again_and_corrects_what_is_remembered(tmp_path: Path, weights: Path) -> None:
    hashes = Hashes(tmp_path)
    hashes.of(weights)
    forge(hashes)
    assert Hashes(tmp_path, fresh=True).of(weights) == sha256_file(weights)
    assert hashes.of(weights) == sha256_file(weights)


def test_a_file_of_another_time_is_hashed_again(tmp_path: Path, weights: Path) -> None:
    hashes = Hashes(tmp_path)
    hashes.of(weights)
    weights.write_bytes(b"WEIGHTS")
    os.utime(weights, (2, 2))
    assert hashes.of(weights) == sha256_file(weights)


def test_a_file_that_may_still_change_is_not_remembered(tmp_path: Path, weights: Path) -> None:
    os.utime(weights)
    hashes = Hashes(tmp_path)
    assert hashes.of(weights) == sha256_file(weights)
    assert not hashes.path.exists()


def test_a_caller_may_remember_what_it_wrote_itself(tmp_path: Path, weights: Path) -> None:
    os.utime(weights)
    hashes = Hashes(tmp_path / "cache")
    hashes.remember(weights, WRONG)
    assert hashes.of(weights) == WRONG


@pytest.mark.parametrize("damage", ["{", "[]", '{"x": 1}'])
def test_a_damaged_cache_costs_only_time(tmp_path: Path, weights: Path, damage: str) -> None:
    hashes = Hashes(tmp_path)
    hashes.path.write_text(damage)
    assert hashes.of(weights) == sha256_file(weights)


def test_a_cache_that_cannot_be_written_costs_only_time(tmp_path: Path, weights: Path) -> None:
    (tmp_path / "file").write_text("")
    assert Hashes(tmp_path / "file" / "cache").of(weights) == sha256_file(weights)


def test_a_folders_hash_is_that_of_its_sorted_lines(tmp_path: Path) -> None:
    folder = safetensors(tmp_path / "folder")
    names = ["config.json", "model.safetensors", "tokenizer_config.json"]
    lines = [f"{name} {sha256_file(folder / name)}\n" for name in names]
    expected = hashlib.sha256("".join(lines).encode()).hexdigest()
    assert Hashes(tmp_path).of(folder) == expected


def test_a_folders_hash_covers_every_file_that_counts(tmp_path: Path) -> None:
    folder = safetensors(tmp_path / "folder")
    before = Hashes(tmp_path).of(folder)
    (folder / "README.md").write_text("hello")
    assert Hashes(tmp_path).of(folder) == before
    (folder / "chat_template.jinja").write_text("{{ y }}")
    assert Hashes(tmp_path).of(folder) != before


def test_a_remembered_hash_is_given_and_none_is_made(tmp_path: Path, weights: Path) -> None:
    hashes = Hashes(tmp_path)
    assert hashes.remembered(weights) is None
    assert not hashes.path.exists()
    digest = hashes.of(weights)
    assert hashes.remembered(weights) == digest
    weights.write_bytes(b"others")
    assert hashes.remembered(weights) is None
