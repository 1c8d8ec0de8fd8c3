"""The tokenizer of a safetensors folder goes into a GGUF as llama.cpp reads it, or is refused."""

import json
import shutil

import pytest
from gguf import GGUFReader

from localfair.errors import ModelError
from localfair.export import gguf
from localfair.export.gguf_tokenizer import LLAMA3, PRE_TOKENIZERS, QWEN2
from localfair.export.merged import merge
from localfair.models import resolve
from localfair.models.gguf_header import read_gguf_header

WORDS = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}
BYTES = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False}
DIGITS = {"type": "Digits", "individual_digits": True}


def split(regex):
    return {
        "type": "Split",
        "pattern": {"Regex": regex},
        "behavior": "Isolated",
        "invert": False,
    }


def change(path, **values):
    """Change values of a JSON file."""
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | values))


@pytest.fixture
def base(tiny_trained, tmp_path):
    """A copy of the tiny base, for tests that change its files."""
    return shutil.copytree(tiny_trained.folder, tmp_path / "base")


@pytest.fixture
def write(tiny_trained, base, tmp_path):
    """Write the tiny student as a GGUF from the folder `base`; the path."""

    def write():
        model = resolve(str(base), tmp_path)
        merged = merge(base, tiny_trained.adapter, "fp32")
        return gguf.write(
            merged, model, base, "f16", {"general.name": "tiny"}, tmp_path / "out.gguf"
        )

    return write


def test_a_folders_tokenizer_is_written_as_the_tests_own_writer_does(write, tiny_trained):
    expected = read_gguf_header(tiny_trained.gguf)
    header = read_gguf_header(write())
    assert header.tokenizer_hash == expected.tokenizer_hash
    assert header.chat_template == expected.chat_template


@pytest.mark.parametrize(
    ("steps", "name"),
    [
        ([WORDS], "gpt-2"),
        ([DIGITS, WORDS], "smollm"),
        ([split(QWEN2), BYTES], "qwen2"),
        ([split(LLAMA3), BYTES], "llama-bpe"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_way_of_cutting_words_that_llama_cpp_knows_is_written(base, write, steps, name):
    sequence = {"type": "Sequence", "pretokenizers": steps}
    change(base / "tokenizer.json", pre_tokenizer=sequence)
    fields = GGUFReader(write()).fields
    assert fields["tokenizer.ggml.pre"].contents() == name
    assert name in PRE_TOKENIZERS.values()


@pytest.mark.parametrize(
    "values",
    [
        {"pre_tokenizer": {"type": "Whitespace"}},
        {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [split(r"\w+"), BYTES]}},
        {"normalizer": {"type": "Lowercase"}},
    ],
    ids=["whitespace", "regex", "normalizer"],
)
def test_a_tokenizer_that_llama_cpp_would_cut_otherwise_is_refused(base, write, tmp_path, values):
    change(base / "tokenizer.json", **values)
    with pytest.raises(ModelError, match="cuts text into words"):
        write()
    assert not (tmp_path / "out.gguf").exists()


def test_a_scaled_rotation_is_refused(base, write):
    scaled = {"rope_type": "linear", "factor": 2.0, "rope_theta": 10000.0}
    change(base / "config.json", rope_parameters=scaled)
    with pytest.raises(ModelError, match="scaled rotations"):
        write()
