"""A student trained from lessons leaves the record in every form, and answers in it as it was trained to."""

import json
import shutil
import socket
from pathlib import Path

import numpy as np
import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import LlamaConfig, LlamaForCausalLM

from localfair.engines import open_engine
from localfair.errors import CorruptWeights, DiskFull, MissingWeights, ModelError, UsageError
from localfair.export import gguf as weights_gguf
from localfair.export import merged
from localfair.export import weights as exporting
from localfair.export.parity import parity_questions
from localfair.export.student import trained
from localfair.machine.files import whole
from localfair.models import resolve
from localfair.models.adding import add
from localfair.models.gguf_header import read_gguf_header
from localfair.models.gguf_names import shape_of
from localfair.models.loading import load_causal_lm
from localfair.record.nouns import Message, Request, Sampling
from localfair.record.store import Store
from localfair.record.verify import verify
from tests.export import forced
from tests.lab import Lab

pytest.importorskip("llama_cpp")
DEV = 20


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    """A laboratory whose student has been trained; tests add exports and change nothing else."""
    from tests import tiny

    folder = tmp_path_factory.mktemp("taught")
    made = Lab(folder, tiny.build(folder / "student"))
    with made.data.open("a") as rows:
        for n in range(50, 50 + DEV - 1):  # the laboratory has one of its own
            rows.write(
                json.dumps(
                    {"question": f"What is the code of item {n}?", "answer": str(n), "split": "dev"}
                )
                + "\n"
            )
    made.run(precision="fp32")
    made.pristine = Path(shutil.copy(made.db, folder / "pristine.db"))
    return made


@pytest.fixture(autouse=True)
def no_sockets(monkeypatch):
    def refused(*_):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refused)


def quiet(*_):
    return None


def export(lab, verb, *args, run=None):
    with Store.open(lab.db, create=True) as store:
        return verb(store, trained(store, run, lab.folder), *args)


def gguf(lab, out, kind="f16", limit=0):
    return export(lab, exporting.export_gguf, kind, out, limit, quiet)


def asked(lab):
    return lab.rows("SELECT COUNT(*) AS n FROM generations")[0]["n"]


def contents(path):
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return {file.name: file.read_bytes() for file in files}


def reply(path, workspace, **options):
    """What llama.cpp says to a question with the file at `path`."""
    backend = open_engine("llama_cpp", resolve(str(path), workspace), threads=1, **options)
    request = Request(
        messages=(Message("user", "What is the code of item 4011?"),),
        sampling=Sampling(max_tokens=8),
    )
    try:
        return next(iter(backend.generate([request])))
    finally:
        backend.close()


@pytest.mark.parametrize("kind", ["f16", "bf16", "q8_0"])
def test_a_student_trained_from_lessons_chats_in_llama_cpp(taught, tmp_path, kind):
    made = gguf(taught, tmp_path, kind).export
    assert made.path.name.endswith(f"-{kind}.gguf") and made.bytes == made.path.stat().st_size
    assert reply(made.path, tmp_path).completion_tokens > 0


@pytest.mark.parametrize(("kind", "apart"), [("f16", 0.03), ("bf16", 0.03), ("q8_0", 0.15)])
def test_llama_cpp_gives_the_merged_weights_the_log_probabilities_of_transformers(
    tiny_trained, tmp_path, kind, apart
):
    whole = merged.merge(tiny_trained.folder, tiny_trained.adapter, "fp32").eval()
    model = resolve(str(tiny_trained.folder), tmp_path)
    path = weights_gguf.write(whole, model, tiny_trained.folder, kind, "tiny", tmp_path / "m.gguf")
    wanted = forced.by_transformers(whole, tiny_trained.ids)
    assert np.abs(wanted - forced.by_llama_cpp(path, tiny_trained.ids)).max() < apart
    assert np.abs(wanted - forced.by_llama_cpp(tiny_trained.gguf, tiny_trained.ids)).max() > 0.5


def test_a_base_that_came_as_gguf_lends_its_metadata(tiny_trained, tmp_path):
    model = resolve(str(tiny_trained.gguf), tmp_path)
    whole = merged.merge(tiny_trained.folder, tiny_trained.adapter, "fp32")
    path = weights_gguf.write(
        whole, model, tiny_trained.folder, "f16", "tiny-taught", tmp_path / "m.gguf"
    )
    old, new = (read_gguf_header(p) for p in (tiny_trained.gguf, path))
    assert (new.tokenizer_hash, new.chat_template, new.heads) == (
        old.tokenizer_hash,
        old.chat_template,
        old.heads,
    )
    assert (new.name, new.file_type) == ("tiny-taught", 1)


def test_a_folder_s_own_tokenizer_becomes_the_same_words(taught, tiny_trained, tmp_path):
    """Both ways to a GGUF's vocabulary agree: from the folder, and as the tests' own writer makes it."""
    made, other = (
        read_gguf_header(p) for p in (gguf(taught, tmp_path).export.path, tiny_trained.gguf)
    )
    assert made.tokenizer_hash == other.tokenizer_hash


@pytest.mark.parametrize(("kind", "share"), [("f16", 0.95), ("q8_0", 0.8)])
def test_the_trained_and_the_exported_agree_on_dev(taught, tmp_path, kind, share):
    found = gguf(taught, tmp_path, kind, limit=32).parity
    assert (found.split, found.questions) == ("dev", DEV)
    assert found.same_grade >= share * found.questions
    assert taught.rows(
        "SELECT * FROM parities WHERE same_grade = ? AND same_text = ?",
        found.same_grade,
        found.same_text,
    )


def test_a_merged_folder_says_the_very_words_of_the_trained(taught, tmp_path):
    found = export(taught, exporting.export_merged, tmp_path, 32, quiet).parity
    assert found.same_text == found.same_grade == DEV


def test_without_dev_parity_asks_train_questions_that_no_lesson_came_from(taught, tmp_path):
    with Store.open(shutil.copy(taught.pristine, tmp_path / "copy.db"), create=True) as store:
        store.db.execute("DELETE FROM questions WHERE split = 'dev'")
        shutil.copytree(
            adapter_folder(taught).parent, tmp_path / adapter_folder(taught).parent.name
        )
        student = trained(store, None, taught.folder)
        with pytest.raises(UsageError, match="every train question is a lesson"):
            parity_questions(store, student, 32)
        store.db.execute("DELETE FROM adapter_lessons WHERE position = 0 OR position > 1")
        split, found = parity_questions(store, student, 32)
        assert split == "train" and 0 < len(found) < 8


def test_parity_never_reads_test(taught, tmp_path):
    gguf(taught, tmp_path, limit=32)
    tested = taught.rows("SELECT DISTINCT key FROM questions WHERE split = 'test'")
    asked = {
        r["about"]
        for r in taught.rows("SELECT about FROM generations WHERE engine = 'llama_cpp/gguf'")
    }
    assert tested and asked and not {f"question {r['key']} of table" for r in tested} & asked


def test_the_same_export_again_makes_the_same_bytes_and_no_calls(taught, tmp_path):
    verbs = [(exporting.export_adapter, tmp_path), (exporting.export_merged, tmp_path, 8, quiet),
             (exporting.export_gguf, "q8_0", tmp_path, 8, quiet)]  # fmt: skip
    first = [export(taught, *verb) for verb in verbs]
    bytes_before, calls = [contents(d.export.path) for d in first], asked(taught)
    again = [export(taught, *verb) for verb in verbs]
    assert [d.export.made for d in first] == [True] * 3 and [d.export.made for d in again] == [
        False
    ] * 3
    assert [d.parity for d in again] == [d.parity for d in first] and asked(taught) == calls
    for done in first:  # and were they lost, they would be made the same
        shutil.rmtree(done.export.path) if done.export.path.is_dir() else done.export.path.unlink()
    assert [contents(export(taught, *verb).export.path) for verb in verbs] == bytes_before


def test_the_merged_folder_is_a_model_like_any_other(taught, tmp_path):
    path = export(taught, exporting.export_merged, tmp_path, 0, quiet).export.path
    card = add(path, tmp_path / "workspace", name="mine")
    assert resolve("mine", tmp_path / "workspace").sha256 == card.sha256
    own = merged.merge(taught.folder / "student", adapter_folder(taught), "fp32")
    saved = load_file(path / "model.safetensors")
    assert all(torch.equal(saved[name], weight) for name, weight in own.state_dict().items())


def adapter_folder(lab):
    return lab.folder / lab.rows("SELECT path FROM adapters")[0]["path"]


def test_the_adapter_names_its_base_and_loads_in_peft(taught, tmp_path):
    path = export(taught, exporting.export_adapter, tmp_path).export.path
    about = json.loads((path / "localfair.json").read_text())
    assert about["base_fingerprint"] == resolve(taught.student, tmp_path).fingerprint
    assert (
        json.loads((path / "adapter_config.json").read_text())["base_model_name_or_path"]
        == about["base"]
    )
    assert PeftModel.from_pretrained(load_causal_lm(Path(taught.student), "fp32"), path)


def test_merging_into_four_bits_is_refused(tiny_trained):
    with pytest.raises(ModelError, match="never merged into nf4"):
        merged.merge(tiny_trained.folder, tiny_trained.adapter, "nf4")


def test_an_adapter_of_another_shape_is_refused(tiny_trained, tmp_path):
    wide = shutil.copytree(tiny_trained.folder, tmp_path / "wide")
    LlamaForCausalLM(LlamaConfig(**WIDE)).save_pretrained(wide)
    with pytest.raises(ModelError, match="does not fit"):
        merged.merge(wide, tiny_trained.adapter, "fp32")


WIDE = {
    "vocab_size": 400,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
}


def test_an_architecture_that_was_not_tried_is_refused_by_name(tiny_trained, tmp_path):
    config = json.loads((tiny_trained.folder / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"model_type": "gemma3"}))
    with pytest.raises(ModelError, match="not gemma3"):
        shape_of(tmp_path)


def test_a_tokenizer_that_llama_cpp_would_cut_otherwise_is_refused(tiny_trained, tmp_path):
    folder = shutil.copytree(tiny_trained.folder, tmp_path / "odd")
    saved = json.loads((folder / "tokenizer.json").read_text())
    saved["pre_tokenizer"] = {"type": "Whitespace"}
    (folder / "tokenizer.json").write_text(json.dumps(saved))
    whole = merged.merge(tiny_trained.folder, tiny_trained.adapter, "fp32")
    with pytest.raises(ModelError, match="cuts text into words"):
        weights_gguf.write(
            whole, resolve(str(folder), tmp_path), folder, "f16", "odd", tmp_path / "odd.gguf"
        )
    assert not (tmp_path / "odd.gguf").exists()


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path):
    with pytest.raises(DiskFull, match="no space left"), whole(tmp_path / "out" / "a.gguf") as part:
        part.write_bytes(b"half")
        raise OSError("4096 requested and 512 written")  # as numpy says it
    assert list((tmp_path / "out").iterdir()) == []


def test_a_lost_or_changed_adapter_is_refused(taught, tmp_path):
    weights = adapter_folder(taught) / "adapter_model.safetensors"
    kept = weights.read_bytes()
    try:
        weights.write_bytes(kept[:-1])
        with pytest.raises(CorruptWeights, match="not what was trained"):
            gguf(taught, tmp_path)
        weights.unlink()
        with pytest.raises(MissingWeights, match="no weights"):
            gguf(taught, tmp_path)
    finally:
        weights.write_bytes(kept)


def test_the_record_stays_sound(taught, tmp_path):
    gguf(taught, tmp_path, limit=4)
    with Store.open(taught.db) as store:
        assert verify(store) == []
