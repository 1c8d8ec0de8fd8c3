"""The network stays off, by environment switches that every child inherits.

They are set before any model library loads: by the command line at once, and in Python by the first
run, exam or load. Importing localfair sets none. Reads and writes only `os.environ`. Knows nothing
of models.
"""

from __future__ import annotations

import os

SWITCHES = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "LLAMA_OFFLINE": "1",
    "WANDB_MODE": "offline",
}


class _Word:
    """Whether the caller has said that the network may stay on for this process."""

    stays_on = False


def go_offline(*, wanted: bool | None = None) -> None:
    """Set every switch, whatever it was: only `models fetch` lifts what it needs, for itself.

    With `wanted` false nothing is set, now and by whatever loads later in this process, until it
    is true again. None goes by what was said last.
    """
    if wanted is not None:
        _Word.stays_on = not wanted
    if _Word.stays_on:
        return
    os.environ.update(SWITCHES)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
