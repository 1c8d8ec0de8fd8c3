"""Model cards and weights: found by name, and checked by hash before anything uses them.

`find_model(name, workspace)` and `resolve(name, workspace)` are what other rooms call. Only `fetch`
touches a network.
"""

from pathlib import Path

from localfair.models.card import Card, load_card
from localfair.models.registry import Model, all_cards, check, find_card, resolve
from localfair.models.script import SUFFIX, Script, load_script
from localfair.models.source import Source

__all__ = [
    "Card",
    "FoundModel",
    "Model",
    "Script",
    "Source",
    "all_cards",
    "check",
    "find_card",
    "find_model",
    "load_card",
    "load_script",
    "resolve",
]

# What can be seated. Both say their name, format, path, fingerprint, context and chat template.
FoundModel = Model | Script


def find_model(name: str, workspace: Path) -> FoundModel:
    """The model of a card's name or a path; a path that ends in `.script.toml` is a script's.

    Raises UnknownModel, MissingWeights or CorruptWeights.
    """
    if name.endswith(SUFFIX):
        return load_script(Path(name))
    return resolve(name, workspace)
