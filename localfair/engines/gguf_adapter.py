"""A trained adapter as the GGUF LoRA that llama.cpp puts on its base.

Reads an adapter's folder and the base's shape; writes one file beside the adapter's weights,
once. Knows nothing of requests or servers.
"""

from __future__ import annotations

from pathlib import Path


def as_gguf(adapter: Path, base: Path) -> Path:
    """The GGUF LoRA of the adapter in a folder, for the GGUF at `base`.

    A file is taken for one already.
    """
    from localfair.models.gguf_lora import write

    if adapter.is_file():
        return adapter
    path = adapter / "adapter_model.gguf"
    return path if path.exists() else write(adapter, base, path)
