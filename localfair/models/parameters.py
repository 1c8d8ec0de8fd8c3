"""How many parameters a model has, as its weights' head says: what a token costs it in FLOPs.

Reads headers. Counts the matrices of a dense transformer; norms and biases are left out, less than
one in a thousand. A mixture of experts counts as one of them.
"""

from __future__ import annotations

from localfair.models import FoundModel
from localfair.models.fit import sizes_of
from localfair.models.script import Script


def parameters_of(model: FoundModel) -> int | None:
    """The parameters of a model; None when they cannot be known, as behind a server."""
    if isinstance(model, Script):
        return model.parameters or None
    if not model.has_weights:
        return None
    sizes = sizes_of(model.path)
    return sizes.linear + sizes.outer or None
