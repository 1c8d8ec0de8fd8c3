"""Weights are compared with their cards, the renderer is asked, and vLLM's server is started."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from localfair.machine.files import sha256_file
from localfair.models.hashing import Hashes
from localfair.models.registry import weights_dir
from localfair.models.templates import TemplateFault
from localfair.pipeline import doctor_models as models
from localfair.pipeline.doctor_check import Check, Examination, Interpreter
from tests.models.weights import card_text, gguf

WRONG = "f" * 64
SERVER = Path(__file__).parents[1] / "engines" / "stub_server.py"


@pytest.fixture
def workspace(tmp_path, monkeypatch) -> Path:
    monkeypatch.delenv("LOCALFAIR_WEIGHTS", raising=False)
    (tmp_path / "models").mkdir()
    return tmp_path


def put_weights(workspace: Path, **card: object) -> Path:
    """Weights that were written long ago, and their card."""
    path = gguf(weights_dir(workspace) / "tiny.gguf")
    os.utime(path, (1, 1))
    card.setdefault("sha256", sha256_file(path))
    (workspace / "models" / "tiny.toml").write_text(card_text(**card))
    return path


def checked(workspace: Path, deep: bool = False) -> Check:
    examination = Examination(workspace=workspace, db=workspace / "a.db", deep=deep)
    (check,) = models.weights(examination)
    return check


def test_without_weights_a_line_says_how_to_get_some(workspace):
    check = checked(workspace)
    assert (check.name, check.status) == ("weights", "warn")
    assert check.finding.startswith("none of ")


def test_weights_are_hashed_only_in_a_deep_examination_and_nothing_is_written(workspace):
    put_weights(workspace)
    before = sorted(workspace.rglob("*"))
    assert checked(workspace).finding.endswith("not hashed yet (--deep does)")
    assert checked(workspace, deep=True).finding.endswith("(hashed now)")
    assert sorted(workspace.rglob("*")) == before


def test_a_remembered_hash_is_used(workspace):
    path = put_weights(workspace)
    Hashes(weights_dir(workspace)).of(path)
    check = checked(workspace)
    assert (check.status, check.finding.endswith("(as hashed before)")) == ("ok", True)


def test_another_hash_fails_where_it_is_known(workspace):
    path = put_weights(workspace, sha256=WRONG)
    assert checked(workspace).status == "ok"
    deep = checked(workspace, deep=True)
    assert (deep.status, f"expected {WRONG}" in deep.finding) == ("fail", True)
    Hashes(weights_dir(workspace)).of(path)
    quick = checked(workspace)
    assert (quick.status, quick.finding.endswith(f"the card says {WRONG}")) == ("fail", True)


def test_another_size_and_a_damaged_file_fail(workspace):
    path = put_weights(workspace, size=7)
    assert (checked(workspace).status, checked(workspace).finding) == ("fail", "another size")
    path.write_bytes(b"nothing of a GGUF")
    assert checked(workspace).finding.startswith("damaged: ")


def test_the_renderer_answers_and_its_faults_are_told(workspace):
    examination = Examination(workspace=workspace, db=workspace / "a.db")

    def never(*_: object) -> str:
        raise TemplateFault("limit", "its process ended (-9)")

    (well,) = models.renderer(examination)
    (ended,) = models.renderer(examination, never)
    (wrong,) = models.renderer(examination, lambda *_: "something else")
    assert [well.status, ended.status, wrong.status] == ["ok", "fail", "fail"]
    assert ended.finding == "its process ended (-9)"


def deep(workspace: Path, **options: object) -> Examination:
    return Examination(
        workspace=workspace, db=workspace / "a.db", deep=True, interpreter=Interpreter(**options)
    )


def test_llama_cpp_computes_with_the_smallest_gguf(workspace, tiny_gguf_student):
    path = weights_dir(workspace) / "tiny.gguf"
    path.parent.mkdir()
    path.write_bytes(tiny_gguf_student.read_bytes())
    (workspace / "models" / "tiny.toml").write_text(card_text())
    (check,) = models.llama_reply(deep(workspace))
    assert (check.status, check.finding.endswith("finite scores")) == ("ok", True)
    path.write_bytes(path.read_bytes()[:-1000])
    (check,) = models.llama_reply(deep(workspace))
    assert check.status != "ok"


def fake_vllm(folder: Path, code: str) -> dict[str, str]:
    """Variables under which `python -m vllm.entrypoints.openai.api_server` is this code."""
    package = folder / "vllm" / "entrypoints" / "openai"
    package.mkdir(parents=True)
    for path in (folder / "vllm", package.parent, package):
        (path / "__init__.py").write_text("")
    (package / "api_server.py").write_text(code)
    return {"PYTHONPATH": str(folder)}


def test_vllm_is_started_in_a_deep_examination_alone(workspace):
    examination = Examination(workspace=workspace, db=workspace / "a.db")
    assert list(models.vllm_start(examination)) == []
    (check,) = models.vllm_start(deep(workspace, flags=("-I", "-S")))
    assert (check.status, check.finding) == ("warn", "not tried: vLLM is not installed")


def test_a_vllm_that_starts_is_ended_again(workspace):
    code = (
        "import runpy, sys\n"
        "value = lambda name: sys.argv[sys.argv.index(name) + 1]\n"
        "sys.argv = ['', value('--port'), value('--served-model-name')]\n"
        f"runpy.run_path({str(SERVER)!r}, run_name='__main__')"
    )
    (check,) = models.vllm_start(deep(workspace, environment=fake_vllm(workspace, code)))
    assert (check.status, check.finding) == ("ok", "its server started, answered and was ended")


def test_a_vllm_that_does_not_start_fails_with_its_last_words(workspace):
    code = "raise SystemExit('no platform was detected')"
    (check,) = models.vllm_start(deep(workspace, environment=fake_vllm(workspace, code)))
    assert check.status == "fail"
    assert check.finding.endswith("no platform was detected")


def test_a_vllm_that_never_answers_fails(workspace):
    variables = fake_vllm(workspace, "import time\ntime.sleep(60)")
    (check,) = models.vllm_start(deep(workspace, environment=variables), deadline=1.0)
    assert (check.status, "was not ready after 1 s" in check.finding) == ("fail", True)
