"""Each format of a trained student's weights is written once, answers as it was taught, and is
examined.
"""

import shutil

import pytest

from localfair.engines import open_engine
from localfair.export.weights import export_adapter, export_gguf, export_merged
from localfair.models import resolve
from localfair.record.nouns import Message, Request, Sampling
from localfair.record.store import Store
from localfair.record.verify import verify
from tests.export.exporting import quiet

pytest.importorskip("llama_cpp")


def calls(lab):
    (row,) = lab.rows("SELECT COUNT(*) AS n FROM generations")
    return row["n"]


def contents(path):
    """The bytes of a file, or of every file of a folder, by name."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return {file.name: file.read_bytes() for file in files}


def remove(path):
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def reply(path, workspace):
    """What llama.cpp says to a question with the file at `path`."""
    engine = open_engine("llama_cpp", resolve(str(path), workspace), threads=1)
    question = Message("user", "What is the code of item 4011?")
    request = Request(messages=(question,), sampling=Sampling(max_tokens=8))
    try:
        (generation,) = engine.generate([request])
    finally:
        engine.close()
    return generation


@pytest.mark.parametrize("format", ["f16", "bf16", "q8_0"])
def test_a_student_trained_from_lessons_chats_in_llama_cpp(taught, tmp_path, format):
    export = taught.gguf(tmp_path, format).export
    assert export.path.name.endswith(f"-{format}.gguf")
    assert export.bytes == export.path.stat().st_size
    assert reply(export.path, tmp_path).completion_tokens > 0


@pytest.fixture
def exports(taught, tmp_path):
    """Export the student as adapter, merged folder and GGUF."""

    def exports():
        return [
            taught.export(export_adapter, tmp_path),
            taught.export(export_merged, tmp_path, 8, quiet),
            taught.export(export_gguf, "q8_0", tmp_path, 8, quiet),
        ]

    return exports


def test_the_same_export_again_makes_nothing_and_asks_nobody(taught, exports):
    first = exports()
    asked = calls(taught)
    again = exports()
    assert [exported.export.is_new for exported in first] == [True, True, True]
    assert [exported.export.is_new for exported in again] == [False, False, False]
    assert [exported.parity for exported in again] == [exported.parity for exported in first]
    assert calls(taught) == asked


def test_a_lost_export_is_made_again_the_same_to_the_byte(exports):
    paths = [exported.export.path for exported in exports()]
    before = [contents(path) for path in paths]
    for path in paths:
        remove(path)
    exports()
    assert [contents(path) for path in paths] == before


def test_a_lora_of_a_base_that_is_no_gguf_is_not_examined(taught, tmp_path):
    exported = taught.gguf(tmp_path, "lora", limit=8)
    assert exported.export.path.name.endswith("-lora.gguf")
    assert exported.parity is None


def test_no_limit_means_no_parity_exam(taught, tmp_path):
    asked = calls(taught)
    assert taught.gguf(tmp_path, limit=0).parity is None
    assert taught.export(export_merged, tmp_path, 0, quiet).parity is None
    assert calls(taught) == asked


def test_the_record_stays_sound(taught, tmp_path):
    taught.gguf(tmp_path, limit=4)
    with Store.open(taught.db) as store:
        assert verify(store) == []
