"""How much memory vLLM's server is told that it may take."""

import os
from types import SimpleNamespace

import psutil
import pytest

from localfair.engines import vllm_memory

SMI = """#!/bin/sh
case "$*" in *memory.total*) echo 24000; echo 8000;; *) echo 4000; echo 6000;; esac
"""


@pytest.fixture
def two_gpus(monkeypatch, tmp_path):
    """A driver that tells of 24,000 MiB with 4,000 in use, and of 8,000 with 6,000."""
    (tmp_path / "nvidia-smi").write_text(SMI)
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)


@pytest.fixture
def free_memory(monkeypatch, tmp_path):
    """`free_memory(size)`: a machine without a GPU that has so many bytes free."""
    monkeypatch.setenv("PATH", str(tmp_path))

    def have(size):
        monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=size))

    return have


def test_it_takes_a_share_of_what_is_free_on_every_gpu(two_gpus):
    assert vllm_memory.memory_arguments(2**40) == ["--gpu-memory-utilization", "0.225"]


def test_a_sequence_has_some_cache_where_the_weights_leave_none(two_gpus):
    assert vllm_memory.most_cache(0) == vllm_memory.LEAST_CACHE
    assert vllm_memory.most_cache(2**40) == vllm_memory.LEAST_CACHE


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [(1, vllm_memory.LEAST_CACHE), (2**28 + 1, 2**28 + 1), (0, vllm_memory.USUAL_CACHE)],
)
def test_a_cpu_gives_no_more_cache_than_can_be_used(free_memory, wanted, expected):
    free_memory(2**40)
    assert vllm_memory.memory_arguments(wanted) == ["--kv-cache-memory-bytes", str(expected)]


def test_a_cpu_gives_a_share_of_its_free_memory_at_most(free_memory):
    free_memory(2**30)
    share = int(vllm_memory.CPU_SHARE * 2**30)
    assert vllm_memory.most_cache(0) == share
    assert vllm_memory.memory_arguments(2**40) == ["--kv-cache-memory-bytes", str(share)]


def test_a_cpu_gives_some_cache_however_short_memory_is(free_memory):
    free_memory(2**20)
    _, cache = vllm_memory.memory_arguments(2**40)
    assert int(cache) == vllm_memory.LEAST_CACHE
