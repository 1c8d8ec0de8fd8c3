"""Model cards and weights: found by name, and checked by hash before anything uses them.

Other rooms call `resolve(name, workspace)`. Only `fetch` touches a network.
"""

from localfair.models.card import Card, load_card
from localfair.models.registry import Model, all_cards, check, find_card, resolve
from localfair.models.source import Source

__all__ = ["Card", "Model", "Source", "all_cards", "check", "find_card", "load_card", "resolve"]
