"""`localfair doctor`: a line for each check, JSON, and the exit code that scripts read."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.cli.conftest import Said

PAGE = Path(__file__).parents[2] / "localfair" / "pipeline" / "README.md"
CRASH = "import os, signal\nos.kill(os.getpid(), signal.SIGILL)"
# what would take long to load
LIBRARIES = (
    "torch",
    "transformers",
    "peft",
    "bitsandbytes",
    "accelerate",
    "llama_cpp",
    "xllamacpp",
)


@pytest.fixture
def crashing(desk, tmp_path_factory, monkeypatch):
    """Under it every native library crashes, as one does that was built for another processor."""
    folder = tmp_path_factory.mktemp("libraries")
    for name in LIBRARIES:
        (folder / f"{name}.py").write_text(CRASH)
    paths = [str(folder), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path for path in paths if path))
    return desk


def by_name(said: Said) -> dict[str, dict[str, str]]:
    return {check["name"]: check for check in json.loads(said.out)["checks"]}


def test_libraries_that_crash_are_survived_and_exit_1(crashing):
    before = crashing.files()
    said = crashing.says("doctor", "--json")
    assert said.code == 1
    checks = by_name(said)
    for name in ("package torch", "package llama-cpp-python", "cuda", "4-bit layers"):
        assert checks[name]["status"] == "fail"
        assert "crashed: SIGILL" in checks[name]["finding"]
        assert checks[name]["hint"]
    for name in ("python", "record: WAL", "record: locks", "port", "renderer"):
        assert checks[name]["status"] == "ok"
    assert crashing.files() == before


def test_lines_are_on_stdout_with_their_hints_and_the_count_on_stderr(crashing):
    said = crashing.waits(crashing.start("doctor"))
    assert said.code == 1
    first, *_ = said.out.splitlines()
    assert first.startswith("ok    python ")
    assert "fail  package torch " in said.out
    assert "hint: build it for this machine: pip install --force-reinstall" in said.out
    assert said.err.strip().endswith(" fail")
    assert "Traceback" not in said.out + said.err


def test_a_record_that_cannot_be_is_a_line(crashing):
    checks = by_name(crashing.says("doctor", "--json", "--db", "none/localfair.db"))
    for name in ("record: WAL", "record: locks", "record: file"):
        assert checks[name]["finding"].startswith("the folder of the database does not exist")


def test_a_card_that_is_not_valid_is_a_line(crashing):
    (crashing.folder / "models").mkdir()
    (crashing.folder / "models" / "bad.toml").write_text("name = 7")
    check = by_name(crashing.says("doctor", "--json"))["weights"]
    assert check["status"] == "fail"
    assert "bad.toml is not valid" in check["finding"]


def test_codes_in_what_a_library_says_are_shown_and_not_obeyed(crashing):
    folder = os.environ["PYTHONPATH"].split(os.pathsep)[0]
    Path(folder, "torch.py").write_text("raise ImportError('\\x1b[2J\\nok    forged')")
    said = crashing.says("doctor")
    assert "\x1b" not in said.out
    assert not any(line.startswith("ok    forged") for line in said.out.splitlines())


def test_an_option_that_there_is_not_is_refused(desk):
    said = desk.says("doctor", "--depe")
    assert (said.code, said.out) == (2, "")


def test_the_readme_shows_what_this_command_prints(desk, monkeypatch, tmp_path_factory):
    """The real libraries, for once: about 20 seconds."""
    pytest.importorskip("torch")
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    said = desk.says("doctor", "--json")
    checks = by_name(said)
    counts = json.loads(said.out)["counts"]
    assert said.code == (1 if counts["fail"] else 0)
    assert checks["4-bit layers"]["status"] in ("ok", "warn")
    assert list(home.rglob("*")) == []
    shown = [
        line for line in PAGE.read_text().splitlines() if line.startswith(("ok    ", "warn  "))
    ]
    names = {line[6:38].strip() for line in shown}
    assert len(names) >= 25
    of_weights = {name for name in names if name.startswith("weights of ")}
    deep = {"llama.cpp computes", "vLLM starts"}
    assert names - of_weights - deep <= set(checks)
