"""What llama.cpp logs is kept for error messages and never printed."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("llama_cpp")


def load(path: Path) -> object:
    from llama_cpp import llama_cpp as low

    return low.llama_model_load_from_file(str(path).encode(), low.llama_model_default_params())


def test_the_last_error_is_kept_once_and_nothing_is_printed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from localfair.models.llama_log import complaint, silence

    silence()
    complaint()  # forget what another test logged
    assert complaint() == ""
    assert not load(tmp_path / "absent.gguf")
    assert complaint().startswith(": ")
    assert complaint() == ""
    assert capfd.readouterr().err == ""
