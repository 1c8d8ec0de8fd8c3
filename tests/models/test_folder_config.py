"""A configuration's sizes are found under any of their names, and one that is odd is malformed."""

from __future__ import annotations

from typing import Any

import pytest

from localfair.models.folder_config import NESTED, sizes_in
from localfair.models.parsing import Malformed

TEXT = {"max_position_embeddings": 64, "num_hidden_layers": 2, "num_attention_heads": 4}


def test_what_is_not_said_is_0() -> None:
    sizes = sizes_in({"num_hidden_layers": None})
    assert (sizes.architecture, sizes.context, sizes.layers, sizes.kv_bytes) == ("", 0, 0, 0)


def test_a_text_models_own_sizes_stand_before_those_of_the_whole() -> None:
    sizes = sizes_in({"model_type": "mm", "num_hidden_layers": 99, "text_config": TEXT})
    assert (sizes.architecture, sizes.context, sizes.layers) == ("mm", 64, 2)


def test_what_the_text_model_does_not_say_is_that_of_the_whole() -> None:
    sizes = sizes_in({"vocab_size": 7, "tie_word_embeddings": True, "text_config": TEXT})
    assert sizes.vocabulary == 7
    assert sizes.tied


def test_whole_fractions_and_lists_for_each_layer_are_numbers() -> None:
    sizes = sizes_in({"max_position_embeddings": 32768.0, "num_key_value_heads": [1, 4, 2]})
    assert (sizes.context, sizes.kv_heads) == (32768, 4)


@pytest.mark.parametrize(
    "config",
    [
        {"model_type": 7},
        {"model_type": "\x1b[2J"},
        {"model_type": "a/b"},
        {"vocab_size": 2**40},
        {"hidden_size": [[1]]},
        *({name: "text"} for name in NESTED),
        *({name: {"n_positions": 0}} for name in NESTED),
    ],
    ids=str,
)
def test_an_odd_configuration_is_malformed(config: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        sizes_in(config)
