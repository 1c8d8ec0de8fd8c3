"""A probe runs in a process of its own: whatever becomes of that, localfair goes on and says why."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from localfair.pipeline.doctor_check import Interpreter, ProbeFailed


def failure(interpreter: Interpreter, probe: str, *arguments: str) -> ProbeFailed:
    with pytest.raises(ProbeFailed) as raised:
        interpreter.ask(probe, *arguments)
    return raised.value


def with_module(folder: Path, name: str, code: str, **options: float) -> Interpreter:
    """A Python that finds a module of this code before any other of its name."""
    (folder / f"{name}.py").write_text(code)
    return Interpreter(environment={"PYTHONPATH": str(folder)}, **options)


def test_a_probe_answers_line_by_line():
    names = [answer["module"] for answer in Interpreter().ask("imports", "json", "nowhere")]
    assert names == ["json", "nowhere"]


@pytest.mark.parametrize("signal", ["SIGILL", "SIGSEGV", "SIGABRT"])
def test_a_crash_is_told_by_its_signal_and_keeps_what_came_before(tmp_path, signal):
    crash = f"import os, signal\nos.kill(os.getpid(), signal.{signal})"
    failed = failure(with_module(tmp_path, "native", crash), "imports", "json", "native")
    assert failed.reason == f"crashed: {signal}"
    assert [answer["module"] for answer in failed.answers] == ["json"]


def test_a_probe_without_end_is_ended_with_its_own_children(tmp_path):
    code = (
        "import subprocess, time, pathlib\n"
        "child = subprocess.Popen(['sleep', '60'])\n"
        f"pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(child.pid))\n"
        "time.sleep(60)"
    )
    failed = failure(with_module(tmp_path, "slow", code, seconds=2.0), "imports", "slow")
    assert failed.reason == "no answer within 2 seconds"
    status = Path(f"/proc/{(tmp_path / 'pid').read_text()}/stat")
    assert not status.exists() or " Z " in status.read_text()


def test_a_python_that_is_not_there_or_no_python_is_told(tmp_path):
    missing = failure(Interpreter(executable=str(tmp_path / "python")), "hello")
    assert missing.reason == "a process cannot be started (No such file or directory)"
    assert failure(Interpreter(executable="/bin/false"), "hello").reason == "exit status 1"


def test_what_a_library_prints_is_no_answer(tmp_path):
    interpreter = with_module(tmp_path, "loud", 'print(\'{"module": "forged"}\')')
    assert [answer["module"] for answer in interpreter.ask("imports", "loud")] == ["loud"]


def test_a_library_that_exits_is_an_error_in_words(tmp_path):
    (answer,) = with_module(tmp_path, "quits", "raise SystemExit(0)").ask("imports", "quits")
    assert answer["error"] == "SystemExit: 0"


def test_a_probe_has_no_keys_and_caches_where_they_are_removed(monkeypatch):
    monkeypatch.setenv("LOCALFAIR_ENDPOINT_KEY_HOUSE", "secret")
    (seen,) = Interpreter().ask("environment", "LOCALFAIR_ENDPOINT_KEY_HOUSE", "HF_HOME", "HOME")
    assert seen["LOCALFAIR_ENDPOINT_KEY_HOUSE"] is None
    assert seen["HF_HOME"].startswith(tempfile.gettempdir())
    assert not Path(seen["HF_HOME"]).exists()
    assert seen["HOME"] == os.environ.get("HOME")
