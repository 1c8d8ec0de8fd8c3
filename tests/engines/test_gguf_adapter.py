"""An adapter as a GGUF LoRA: what is one already is taken as it is."""

import pytest

from localfair.engines.gguf_adapter import as_gguf
from localfair.errors import LocalfairError


def test_a_file_is_a_gguf_lora_already(tmp_path):
    path = tmp_path / "lora.gguf"
    path.write_bytes(b"GGUF")
    assert as_gguf(path, tmp_path / "base.gguf") == path


def test_what_was_made_before_is_not_made_again(tmp_path):
    made = tmp_path / "adapter_model.gguf"
    made.write_bytes(b"GGUF")
    assert as_gguf(tmp_path, tmp_path / "no base is looked at") == made


def test_a_folder_that_is_no_adapter_is_refused(tmp_path, tiny_gguf_path):
    with pytest.raises(LocalfairError):
        as_gguf(tmp_path, tiny_gguf_path)
    assert list(tmp_path.iterdir()) == []
