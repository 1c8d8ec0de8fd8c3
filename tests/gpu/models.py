"""The models and lessons of the parts: SmolLM2-135M, or at toy size a tiny llama in its place.

Reads weights by their cards; writes the tiny ones and the dequantised base into the workspace.
"""

from __future__ import annotations

import json
from pathlib import Path

from localfair.models import Model, find_model, resolve
from tests.gpu.setting import Setting, require

SMOL = "smollm2-135m-instruct"
QWEN = "qwen2.5-coder-0.5b-instruct"
QWEN_LARGE = "qwen2.5-coder-1.5b-instruct"
CONTEXT = 4096  # of the tiny llama, whose tokens are short


def student(setting: Setting) -> Path:
    """A folder of safetensors that can be trained."""
    if setting.toy:
        return tiny_folder(setting)
    from localfair.models.dequantise import dequantised

    return dequantised(resolve(SMOL, setting.workspace), setting.workspace)


def tiny_folder(setting: Setting) -> Path:
    """The tiny llama, made once."""
    from tests import tiny

    folder = setting.workspace / "tiny-student"
    config = folder / "config.json"
    if config.exists():
        return folder
    tiny.build(folder)
    sizes = json.loads(config.read_text()) | {"max_position_embeddings": CONTEXT}
    config.write_text(json.dumps(sizes))
    return folder


def gguf(setting: Setting) -> Model:
    """SmolLM2's GGUF by its card; at toy size the workspace's card of that name is the tiny llama's.

    Raises MissingDependency without llama-cpp-python, MissingWeights without weights.
    """
    require("llama_cpp", "build llama-cpp-python for this machine")
    if setting.toy:
        _tiny_card(setting)
    model = find_model(SMOL, setting.workspace)
    assert isinstance(model, Model)
    return model


def _tiny_card(setting: Setting) -> None:
    """Write the tiny llama as a GGUF, and a card of SmolLM2's name that names it."""
    from localfair.models.card import Card, save_card
    from tests import tiny_gguf

    path = setting.workspace / "tiny-student.gguf"
    if path.exists():
        return
    tiny_gguf.write(tiny_folder(setting), path)
    card = Card(
        name=SMOL,
        family="llama",
        format="gguf",
        file=path.name,
        path=str(path),
        context_length=CONTEXT,
    )
    save_card(card, setting.workspace / "models" / f"{SMOL}.toml")
