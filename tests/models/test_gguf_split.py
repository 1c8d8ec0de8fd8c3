"""A GGUF in several files is one model: all of it is sized, hashed, checked and fetched."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from localfair.errors import CorruptWeights, MissingWeights, ModelError
from localfair.machine.files import sha256_file
from localfair.models import check, resolve
from localfair.models.adding import add
from localfair.models.gguf_header import read_gguf_header, weight_files
from localfair.models.gguf_split import shard_names
from localfair.models.hashing import Hashes
from localfair.models.metadata import weights_size

from .weights import META, card_text, gguf, shard, split_gguf


def test_the_names_of_all_shards_follow_from_that_of_the_first() -> None:
    assert shard_names("a-00001-of-00003.gguf") == [
        "a-00001-of-00003.gguf",
        "a-00002-of-00003.gguf",
        "a-00003-of-00003.gguf",
    ]


@pytest.mark.parametrize(
    "name",
    [
        "a.gguf",
        "a-00002-of-00003.gguf",
        "a-00001-of-00001.gguf",
        "a-1-of-2.gguf",
        "a-00001-of-99999.gguf",
    ],
)
def test_any_other_name_stands_for_one_file(name: str) -> None:
    assert shard_names(name) == [name]


def test_the_header_and_the_size_are_those_of_all_shards(tmp_path: Path) -> None:
    shards = split_gguf(tmp_path)
    header = read_gguf_header(shards[0])
    total = sum(path.stat().st_size for path in shards)
    assert header.size == total
    assert weights_size(shards[0]) == total
    assert not header.tied  # the output layer lies in the second
    assert weight_files(shards[0]) == shards


def test_a_changed_second_shard_is_seen(workspace: Path, tmp_path: Path) -> None:
    shards = split_gguf(tmp_path)
    before = add(shards[0], workspace, name="split")
    assert resolve("split", workspace).fingerprint == f"sha256:{before.sha256}"
    content = shards[1].read_bytes()
    shards[1].write_bytes(content[:-1] + b"\2")
    with pytest.raises(CorruptWeights, match="expected"):
        check("split", workspace)
    with pytest.raises(CorruptWeights, match="expected"):
        resolve("split", workspace)


def test_a_second_shard_of_another_size_or_gone_is_seen(workspace: Path, tmp_path: Path) -> None:
    shards = split_gguf(tmp_path)
    add(shards[0], workspace, name="split")
    shards[1].write_bytes(shards[1].read_bytes() + bytes(8))
    with pytest.raises(CorruptWeights, match="the card of split says"):
        check("split", workspace)
    shards[1].unlink()
    with pytest.raises(MissingWeights, match=r"lacks split-00002-of-00002\.gguf"):
        check("split", workspace)


def test_the_fingerprint_depends_on_contents_and_their_order_not_on_the_name(
    tmp_path: Path,
) -> None:
    first, second = split_gguf(tmp_path)
    renamed = [tmp_path / f"b-0000{n}-of-00002.gguf" for n in (1, 2)]
    shutil.copy(first, renamed[0])
    shutil.copy(second, renamed[1])
    hashes = Hashes(tmp_path)
    assert hashes.of(first) == hashes.of(renamed[0])
    assert hashes.of(first) not in (sha256_file(first), sha256_file(second))


def test_a_single_file_keeps_its_own_hash(tmp_path: Path) -> None:
    for name in ("t.gguf", "t-00001-of-00001.gguf", "t-00001-of-00002.gguf"):
        path = gguf(tmp_path / name)
        assert Hashes(tmp_path).of(path) == sha256_file(path)


def test_another_shard_than_the_first_is_refused(workspace: Path, tmp_path: Path) -> None:
    _, second = split_gguf(tmp_path)
    with pytest.raises(ModelError, match="shard 2 of 2") as refused:
        add(second, workspace)
    assert refused.value.hint == "give the first: split-00001-of-00002.gguf"


def test_a_first_shard_whose_name_hides_the_others_is_refused(tmp_path: Path) -> None:
    first, _ = split_gguf(tmp_path)
    renamed = first.rename(tmp_path / "model.gguf")
    with pytest.raises(ModelError, match="its name does not say so"):
        read_gguf_header(renamed)


def test_shards_of_two_models_are_not_mixed(tmp_path: Path) -> None:
    first, second = split_gguf(tmp_path)
    shard(second, {"split.count": 3, "split.no": 1}, "output.weight")
    with pytest.raises(CorruptWeights, match="shard 2 of 2"):
        read_gguf_header(first)
    shard(second, {"split.count": 2, "split.no": 1}, "token_embd.weight")
    with pytest.raises(CorruptWeights, match="hold one tensor"):
        read_gguf_header(first)
    shard(second, {"split.count": 2, "split.no": 1}, "output.weight", "more.weight")
    with pytest.raises(CorruptWeights, match="hold 3 tensors, not 2"):
        read_gguf_header(first)


@pytest.mark.parametrize(
    "odd",
    [
        {"split.count": 70_000},
        {"split.count": "two"},
        {"split.count": [1]},
        {"split.count": 2, "split.no": 2},
        {"split.count": 2, "split.no": "one"},
    ],
    ids=str,
)
def test_a_split_that_makes_no_sense_is_corrupt(tmp_path: Path, odd: dict[str, object]) -> None:
    path = shard(tmp_path / "a-00001-of-00002.gguf", {**META, **odd}, "token_embd.weight")
    with pytest.raises(CorruptWeights, match=r"split\."):
        read_gguf_header(path)


def test_a_known_split_model_is_linked_shard_by_shard(workspace: Path, tmp_path: Path) -> None:
    shards = split_gguf(tmp_path / "else", "tiny")
    sha256 = Hashes(tmp_path).of(shards[0])
    card = workspace / "models" / "tiny.toml"
    card.write_text(card_text(file="tiny-00001-of-00002.gguf", sha256=sha256))
    add(shards[0], workspace, shipped=workspace / "models")
    assert check("tiny", workspace).sha256 == sha256
