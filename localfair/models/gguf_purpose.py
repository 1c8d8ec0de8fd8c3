"""Whether a GGUF holds a model that writes text, judged by its content.

Reads no file. Knows the keys and architectures of llama.cpp (`gguf-py/gguf/constants.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

# architectures of llama.cpp that give vectors, not text
ENCODERS = frozenset(
    {
        "bert",
        "nomic-bert",
        "nomic-bert-moe",
        "neo-bert",
        "modern-bert",
        "jina-bert-v2",
        "jina-bert-v3",
        "eurobert",
        "gemma-embedding",
        "llama-embed",
        "t5encoder",
    }
)
# general.type -> what such a file is
TYPES = {
    "mmproj": "a projector of images or sound for another model",
    "imatrix": "an importance matrix, which a quantiser reads",
    "adapter": "an adapter for another model",
    "vocab": "a vocabulary",
}
PROJECTORS = frozenset({"clip", "mmproj"})
SPEECH = frozenset({"wavtokenizer-dec"})
EMBEDDING = "an embedding model"


def not_text(meta: Mapping[str, object], tensors: Collection[str]) -> str:
    """What a GGUF of this metadata and these names of tensors is, if it is no text model; or ''."""
    file_type = meta.get("general.type")
    if isinstance(file_type, str) and file_type in TYPES:
        return TYPES[file_type]
    architecture = str(meta.get("general.architecture", ""))
    if architecture in PROJECTORS:
        return TYPES["mmproj"]
    if architecture in SPEECH:
        return "a part of a model of speech"
    if _embeds(meta, architecture):
        return EMBEDDING
    if any(key.startswith("imatrix.") for key in meta):
        return TYPES["imatrix"]
    if not architecture:
        return "a file that names no architecture"
    if meta.get("tokenizer.ggml.model") in ("none", "no_vocab"):
        return "a model without a tokenizer"
    if not tensors:
        return "a vocabulary without weights"
    if "token_embd.weight" not in tensors:
        return "a file without the embedding of its tokens"
    return ""


def _embeds(meta: Mapping[str, object], architecture: str) -> bool:
    """Whether the model pools its states, or sees what comes after a token, as embedders do."""
    pooling = meta.get(f"{architecture}.pooling_type")
    pools = isinstance(pooling, int) and pooling > 0
    return (
        architecture in ENCODERS or pools or meta.get(f"{architecture}.attention.causal") is False
    )
