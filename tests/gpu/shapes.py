"""The shapes that stand for models of 0.5 to 14 billion parameters: `shapes.toml`, read.

Knows nothing of weights.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localfair.models.fit import Sizes

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

FILE = Path(__file__).with_name("shapes.toml")
NOT_IN_THE_CONFIG = ("source", "model_type", "parameters")


@dataclass(frozen=True, slots=True)
class Shape:
    """One entry: its name, transformers' model type, its source, its parameters, its config."""

    name: str
    model_type: str
    source: str
    parameters: int
    fields: dict[str, Any]

    def config(self) -> PreTrainedConfig:
        """The configuration that transformers builds the model of."""
        from transformers import AutoConfig

        return AutoConfig.for_model(self.model_type, use_cache=False, **self.fields)

    def sizes(self) -> Sizes:
        """What `models fit` would read of such a model. Weights are bf16."""
        fields = self.fields
        heads = fields["num_attention_heads"]
        head = fields.get("head_dim", fields["hidden_size"] // heads)
        keys = fields["num_key_value_heads"] * head
        return Sizes(
            weights=2 * self.parameters,
            kv=4 * keys * fields["num_hidden_layers"],
            layers=fields["num_hidden_layers"],
            width=fields["hidden_size"],
            feed_forward=fields["intermediate_size"],
            queries=heads * head,
            keys=keys,
            vocabulary=fields["vocab_size"],
            tied=fields["tie_word_embeddings"],
        )


@cache
def shapes() -> dict[str, Shape]:
    """Every shape by its name, smallest first but for the toy's."""
    entries = tomllib.loads(FILE.read_text(encoding="utf-8"))
    listed = {}
    for name, entry in entries.items():
        fields = {key: value for key, value in entry.items() if key not in NOT_IN_THE_CONFIG}
        listed[name] = Shape(
            name, entry["model_type"], entry["source"], entry["parameters"], fields
        )
    return listed
