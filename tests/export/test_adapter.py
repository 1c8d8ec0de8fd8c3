"""The exported adapter is a PEFT folder that says which base it belongs to."""

import json
from pathlib import Path

from peft import AutoPeftModelForCausalLM, PeftModel
from transformers import AutoTokenizer

from localfair.export.once import Destination
from localfair.export.weights import export_adapter
from localfair.models import resolve
from localfair.models.chat import load_tokenizer
from localfair.models.loading import load_causal_lm


def read(path):
    return json.loads(path.read_text())


def test_localfair_json_names_the_base_and_holds_its_hash(taught, tmp_path):
    folder = taught.export(export_adapter, Destination(tmp_path)).export.path
    about = read(folder / "localfair.json")
    base = resolve(taught.student, tmp_path)
    assert (about["base"], about["base_fingerprint"]) == (base.name, base.fingerprint)


def test_pefts_auto_class_needs_the_folder_alone(taught, tmp_path):
    folder = taught.export(export_adapter, Destination(tmp_path)).export.path
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert tokenizer.chat_template == load_tokenizer(Path(taught.student)).chat_template
    adapted = AutoPeftModelForCausalLM.from_pretrained(folder)
    assert adapted.active_peft_config.r == 16


def test_a_page_says_how_it_is_loaded_elsewhere_and_asked(taught, tmp_path):
    folder = taught.export(export_adapter, Destination(tmp_path)).export.path
    page = (folder / "README.md").read_text()
    assert "PeftModel.from_pretrained(base" in page
    assert taught.student in page
    assert "{question}\n\nThink step by step" in page


def test_localfair_json_says_what_the_record_says_of_the_adapter(taught, tmp_path):
    folder = taught.export(export_adapter, Destination(tmp_path)).export.path
    about = read(folder / "localfair.json")
    (adapter,) = taught.rows("SELECT id, sha256, settings FROM adapters")
    assert about["adapter"] == adapter["id"]
    assert about["sha256"] == adapter["sha256"]
    assert about["settings"] == json.loads(adapter["settings"])


def test_the_weights_are_the_trained_ones_and_peft_loads_them(taught, tmp_path):
    folder = taught.export(export_adapter, Destination(tmp_path)).export.path
    name = "adapter_model.safetensors"
    assert (folder / name).read_bytes() == (taught.adapter / name).read_bytes()
    assert PeftModel.from_pretrained(load_causal_lm(Path(taught.student), "fp32"), folder)
