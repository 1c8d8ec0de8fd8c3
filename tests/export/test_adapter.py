"""The exported adapter is a PEFT folder that says which base it belongs to."""

import json
from pathlib import Path

from peft import PeftModel

from localfair.export.weights import export_adapter
from localfair.models import resolve
from localfair.models.loading import load_causal_lm


def read(path):
    return json.loads(path.read_text())


def test_the_configuration_names_the_base_and_localfair_json_holds_its_hash(taught, tmp_path):
    folder = taught.export(export_adapter, tmp_path).export.path
    about = read(folder / "localfair.json")
    assert about["base_fingerprint"] == resolve(taught.student, tmp_path).fingerprint
    assert read(folder / "adapter_config.json")["base_model_name_or_path"] == about["base"]


def test_localfair_json_says_what_the_record_says_of_the_adapter(taught, tmp_path):
    folder = taught.export(export_adapter, tmp_path).export.path
    about = read(folder / "localfair.json")
    (adapter,) = taught.rows("SELECT id, sha256, settings FROM adapters")
    assert about["adapter"] == adapter["id"]
    assert about["sha256"] == adapter["sha256"]
    assert about["settings"] == json.loads(adapter["settings"])


def test_the_weights_are_the_trained_ones_and_peft_loads_them(taught, tmp_path):
    folder = taught.export(export_adapter, tmp_path).export.path
    name = "adapter_model.safetensors"
    assert (folder / name).read_bytes() == (taught.adapter / name).read_bytes()
    assert PeftModel.from_pretrained(load_causal_lm(Path(taught.student), "fp32"), folder)
