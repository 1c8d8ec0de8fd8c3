"""Each format of a trained student's weights is written once, answers as it was taught, and is
examined.
"""

import json
import shutil
from pathlib import Path

import pytest
from gguf import GGUFReader

from localfair.engines import open_engine
from localfair.errors import UsageError
from localfair.export.once import Destination
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


def test_a_gguf_stands_in_lm_studios_form_with_modelfile_and_usage_beside_it(taught, tmp_path):
    path = taught.gguf(tmp_path, "q8_0").export.path
    publisher, model, file = path.relative_to(tmp_path).parts
    assert (publisher, file) == ("localfair", f"{model}.gguf")
    with taught.opened() as (_, student):
        assert model == f"{student.model.name}-fair-{student.run.id}-q8_0"
    assert sorted(contents(path.parent)) == ["Modelfile", "USAGE.md", file]
    modelfile = (path.parent / "Modelfile").read_text()
    assert f"FROM ./{file}\n" in modelfile
    assert 'TEMPLATE """' in modelfile
    assert 'PARAMETER stop "<|im_end|>"' in modelfile
    assert "PARAMETER temperature 0\n" in modelfile
    usage = (path.parent / "USAGE.md").read_text()
    assert "{question}\n\nThink step by step" in usage
    for program in ("llama-server -m ", "ollama create ", "LM Studio"):
        assert program in usage


def test_the_usage_pages_request_is_the_exams_prompt_of_a_train_question(taught, tmp_path):
    path = taught.gguf(tmp_path, "q8_0").export.path
    usage = (path.parent / "USAGE.md").read_text()
    request = json.loads(usage.partition("<<'JSON'\n")[2].partition("\nJSON\n")[0])
    asked = taught.column(
        "SELECT g.messages FROM answers a JOIN generations g ON g.id = a.generation "
        "JOIN questions q ON q.id = a.question WHERE q.split = 'train'"
    )
    turns = [[turn["role"], turn["content"]] for turn in request["messages"]]
    assert turns in [json.loads(messages) for messages in asked]
    assert (request["temperature"], request["max_tokens"]) == (0, 8)


def test_a_gguf_says_what_it_was_made_from(taught, tmp_path):
    for format in ("q8_0", "lora"):
        path = taught.gguf(tmp_path, format).export.path
        fields = {key: field.contents() for key, field in GGUFReader(path).fields.items()}
        with taught.opened() as (_, student):
            assert fields["general.base_model.count"] == 1
            assert fields["general.base_model.0.name"] == student.model.name
            assert fields["localfair.base"] == student.model.fingerprint
            assert fields["localfair.recipe"] == fields["general.finetune"] == "fair"
            assert fields["localfair.run"] == student.run.id
            assert fields["localfair.adapter"] == student.adapter.id
        assert fields["general.name"] == path.stem


def test_a_loras_modelfile_puts_it_on_the_bases_gguf(taught, tmp_path):
    path = taught.gguf(tmp_path, "lora").export.path
    modelfile = (path.parent / "Modelfile").read_text()
    assert f"ADAPTER ./{path.name}\n" in modelfile
    assert f"FROM ./{Path(taught.student).name}.gguf\n" in modelfile


def test_a_modelfile_of_the_users_own_is_seen_before_anything_is_written(taught, tmp_path):
    path = taught.gguf(tmp_path, "q8_0").export.path
    path.unlink()
    (path.parent / "Modelfile").write_text("FROM mine")
    with pytest.raises(UsageError, match="Modelfile is there already"):
        taught.gguf(tmp_path, "q8_0")
    assert not path.exists()
    assert (path.parent / "Modelfile").read_text() == "FROM mine"


@pytest.fixture
def exports(taught, tmp_path):
    """Export the student as adapter, merged folder and GGUF."""

    def exports():
        return [
            taught.export(export_adapter, Destination(tmp_path)),
            taught.export(export_merged, Destination(tmp_path), 8, quiet),
            taught.export(export_gguf, "q8_0", Destination(tmp_path), 8, quiet),
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
    assert taught.export(export_merged, Destination(tmp_path), 0, quiet).parity is None
    assert calls(taught) == asked


def test_the_record_stays_sound(taught, tmp_path):
    taught.gguf(tmp_path, limit=4)
    with Store.open(taught.db) as store:
        assert verify(store) == []
