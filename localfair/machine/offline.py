"""The network stays off, by environment switches that every child inherits.

They are set before any model library loads. Reads and writes only `os.environ`. Knows nothing of
models; imported first by `localfair/__init__.py`.
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


def go_offline() -> None:
    """Set every switch, whatever it was: only `models fetch` lifts what it needs, for itself."""
    os.environ.update(SWITCHES)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
