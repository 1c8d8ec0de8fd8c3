"""Model cards, their weights and what those weights are: found by name, hashed, never guessed.

`resolve(name, workspace)` is what the other parts of localfair call; only `fetch` touches a network.
"""

from localfair.models.card import Card, load_card
from localfair.models.registry import Model, all_cards, check, find_card, resolve
from localfair.models.source import Source

__all__ = ["Card", "Model", "Source", "all_cards", "check", "find_card", "load_card", "resolve"]
