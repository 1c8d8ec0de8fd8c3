"""A folder of transformers 5 says in version 4's words too what it says in its own."""

import json

import pytest
from transformers import AutoConfig, AutoTokenizer, LlamaConfig, Qwen2Config

from localfair.export.transformers_4 import readable_config, readable_tokenizer
from tests import tiny

SCALED = {"rope_type": "linear", "factor": 4.0, "rope_theta": 5e5}


def read(path):
    return json.loads(path.read_text())


@pytest.mark.parametrize("config", [LlamaConfig, Qwen2Config])
def test_rotation_and_dtype_stand_in_both_spellings(tmp_path, config):
    config(
        rope_parameters={"rope_type": "default", "rope_theta": 1e5}, dtype="float32"
    ).save_pretrained(tmp_path)
    readable_config(tmp_path, head_is_tied=True)
    written = read(tmp_path / "config.json")
    assert written["rope_theta"] == written["rope_parameters"]["rope_theta"] == 1e5
    assert written["torch_dtype"] == written["dtype"] == "float32"
    assert written["tie_word_embeddings"] is True
    assert "rope_scaling" not in written
    assert AutoConfig.from_pretrained(tmp_path).rope_parameters["rope_theta"] == 1e5


def test_scaled_positions_stay_scaled_in_both(tmp_path):
    LlamaConfig(rope_parameters=SCALED).save_pretrained(tmp_path)
    readable_config(tmp_path, head_is_tied=False)
    written = read(tmp_path / "config.json")
    assert written["rope_theta"] == 5e5
    assert written["rope_scaling"]["factor"] == 4.0
    again = AutoConfig.from_pretrained(tmp_path).rope_parameters
    assert {key: again[key] for key in SCALED} == SCALED


def test_the_tokenizer_is_of_a_class_that_both_have_and_hands_over_what_a_model_takes(tmp_path):
    words = tiny.tokenizer(special=("<|extra|>",))
    words.save_pretrained(tmp_path)
    settings = read(tmp_path / "tokenizer_config.json")
    (tmp_path / "tokenizer_config.json").write_text(
        json.dumps({**settings, "extra_special_tokens": ["<|extra|>"]})
    )
    readable_tokenizer(tmp_path)
    written = read(tmp_path / "tokenizer_config.json")
    assert written["tokenizer_class"] == "PreTrainedTokenizerFast"
    assert written["additional_special_tokens"] == ["<|extra|>"]
    assert "extra_special_tokens" not in written
    again = AutoTokenizer.from_pretrained(tmp_path)
    text = "<|im_start|>12 pens <|extra|>"
    assert again(text).input_ids == words(text).input_ids
    assert set(again(text)) == {"input_ids", "attention_mask"}
    assert again.chat_template == words.chat_template
