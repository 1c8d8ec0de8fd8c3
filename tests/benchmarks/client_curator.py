"""Bespoke Curator asking the stub: run by a Python that has `bespokelabs-curator`, and none of
ours.

Reads nothing; writes only where `CURATOR_CACHE_DIR` says. Arguments: base URL, concurrency,
calls.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path


def main(base_url: str, concurrency: int, calls: int) -> None:
    os.environ.setdefault(
        "TIKTOKEN_CACHE_DIR", str(_tokenizers())
    )  # it counts tokens, and the network is off
    from bespokelabs import curator

    llm = curator.LLM(
        model_name="stub",
        backend="openai",
        generation_params={"max_tokens": 64},
        backend_params={
            "base_url": base_url,
            "api_key": "none",
            "max_concurrent_requests": concurrency,
            "max_requests_per_minute": 10**9,
            "max_tokens_per_minute": 10**12,
        },
    )
    found = llm([f"How many pens are left of {n} when five are taken away?" for n in range(calls)])
    rows = getattr(found, "dataset", found)
    assert len(rows) == calls, len(rows)


def _tokenizers() -> Path:
    """The vocabulary that litellm, which Curator needs anyhow, brings along."""
    found = importlib.util.find_spec("litellm")
    assert found and found.submodule_search_locations
    return Path(found.submodule_search_locations[0]) / "litellm_core_utils" / "tokenizers"


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
