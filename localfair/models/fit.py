"""How much memory serving a model takes: an estimate, for choosing, never for refusing.

Reads and writes nothing. Knows nothing of devices.
"""

from __future__ import annotations

from localfair.models.metadata import weights_size
from localfair.models.registry import Model

# scratch buffers of an engine beside weights and cache (ours, a guess on the safe side)
SCRATCH = 300 * 2**20


def memory_needed(model: Model, context: int, sequences: int) -> int:
    """Bytes to serve `sequences` at once with `context` tokens each: weights + f16 KV cache + scratch.

    KV cache = sequences * context * layers * KV heads * (key + value width) * 2 bytes, from the header.
    Sliding-window and recurrent layers need less than this says.
    """
    return weights_size(model.path) + sequences * context * model.kv_bytes + SCRATCH
