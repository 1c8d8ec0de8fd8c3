"""Teacher-forced log-probabilities of one token sequence, by transformers and by llama.cpp.

Reads weights, writes nothing. Log-probabilities are natural logs, float arrays of (tokens -
1,): each token after those before it.
"""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import numpy as np
import torch
from llama_cpp import llama_cpp as low

from localfair.models import llama_log


def by_transformers(model: Any, ids: list[int]) -> np.ndarray:
    """By a model of transformers, merged or with its adapter beside it."""
    with torch.inference_mode():
        logits = model(torch.tensor([ids])).logits[0].float()
    return picked(logits.numpy(), ids)


def by_llama_cpp(gguf: Path, ids: list[int], lora: Path | None = None) -> np.ndarray:
    """By llama.cpp with the file at `gguf`, and a GGUF LoRA on it where one is given."""
    llama_log.silence()
    low.llama_backend_init()
    model = low.llama_model_load_from_file(str(gguf).encode(), low.llama_model_default_params())
    assert model, llama_log.complaint()
    params = low.llama_context_default_params()
    params.n_ctx = params.n_batch = params.n_ubatch = 512
    params.n_threads = params.n_threads_batch = 1
    context = low.llama_init_from_model(model, params)
    try:
        if lora:
            adapter = low.llama_adapter_lora_init(model, str(lora).encode())
            assert adapter, llama_log.complaint()
            adapters = (low.llama_adapter_lora_p_ctypes * 1)(adapter)
            scales = (ctypes.c_float * 1)(1.0)
            assert low.llama_set_adapters_lora(context, adapters, 1, scales) == 0
        return picked(_logits(context, model, ids), ids)
    finally:
        low.llama_free(context)
        low.llama_model_free(model)


def _logits(context: Any, model: Any, ids: list[int]) -> np.ndarray:
    """The logits of every position, (tokens, vocabulary)."""
    batch = low.llama_batch_init(len(ids), 0, 1)
    for i, token in enumerate(ids):
        batch.token[i] = token
        batch.pos[i] = i
        batch.n_seq_id[i] = 1
        batch.seq_id[i][0] = 0
        batch.logits[i] = True
    batch.n_tokens = len(ids)
    assert low.llama_decode(context, batch) == 0
    vocabulary = low.llama_vocab_n_tokens(low.llama_model_get_vocab(model))
    logits = []
    for i in range(len(ids)):
        pointer = low.llama_get_logits_ith(context, i)
        logits.append(np.ctypeslib.as_array(pointer, (vocabulary,)).copy())
    low.llama_batch_free(batch)
    return np.stack(logits)


def picked(logits: np.ndarray, ids: list[int]) -> np.ndarray:
    """The log-probability of each token that came, from logits of (tokens, vocabulary)."""
    shifted = logits[:-1] - logits[:-1].max(-1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    return logs[np.arange(len(ids) - 1), ids[1:]]
