"""Which precision a machine multiplies fast, and what its processor, memory and GPU are."""

import json
import os
import sys

import pytest

from localfair.committee.seating import Options
from localfair.machine.hardware import (
    cpu_flags,
    fast_precision,
    free_memory,
    gpu_memory,
    limit_threads,
    machine,
    physical_cores,
    processor_name,
    usual_precision,
)

AVX2 = {"sse2", "avx2"}
AVX512 = {"sse2", "avx2", "avx512f", "avx512bw"}


@pytest.mark.parametrize(
    ("architecture", "flags", "nvidia", "precision"),
    [
        ("x86_64", AVX2, False, "fp32"),
        ("AMD64", AVX2, False, "fp32"),
        ("x86_64", AVX512, False, "bf16"),
        ("x86_64", AVX2, True, "bf16"),
        ("x86_64", None, False, "bf16"),
        ("aarch64", set(), False, "bf16"),
    ],
)
def test_only_an_x86_processor_without_avx512_and_gpu_computes_in_fp32(
    architecture, flags, nvidia, precision
):
    assert fast_precision(architecture, flags, nvidia) == precision


def test_a_processor_is_read_from_cpuinfo(tmp_path):
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("model name : EPYC 7B13\nflags : sse2 avx2\n\nmodel name : another\n")
    assert cpu_flags(cpuinfo) >= AVX2
    assert processor_name(cpuinfo) == "EPYC 7B13"


def test_without_cpuinfo_a_processor_is_not_known(tmp_path):
    assert cpu_flags(tmp_path / "none") is None
    assert processor_name(tmp_path / "none") is None


def test_a_run_takes_the_machines_precision_unless_it_is_given_another():
    assert Options().precision == usual_precision()
    assert Options(precision="nf4").precision == "nf4"


def test_an_adapter_says_what_this_machine_computed_it_in(lab):
    lab.run("answers-only", settings=("train.epochs=1",), teachers=())
    (adapter,) = lab.rows("SELECT settings FROM adapters")
    # bf16 goes without saying (test_train_plan has both)
    assert json.loads(adapter["settings"]).get("compute", "bf16") == usual_precision()


def test_this_machine_has_a_name_cores_and_memory():
    name, _, cores = machine().rpartition(", ")
    assert name and cores == f"{len(os.sched_getaffinity(0))} cores"
    assert 1 <= physical_cores() <= os.cpu_count()
    where, free = free_memory()
    assert where in ("memory", "GPU memory") and free > 0


def nvidia_smi(folder, monkeypatch, script):
    """An nvidia-smi that is a shell script, first on the path."""
    tool = folder / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_gpu_memory_is_what_the_driver_prints_for_the_visible_gpus(tmp_path, monkeypatch):
    nvidia_smi(tmp_path, monkeypatch, f'echo "$@" > {tmp_path}/arguments; echo 512; echo 1024')
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,2")
    assert gpu_memory("memory.total") == [512, 1024]
    arguments = (tmp_path / "arguments").read_text().split()
    assert "--query-gpu=memory.total" in arguments
    assert arguments[-2:] == ["-i", "0,2"]


@pytest.mark.parametrize("script", ["exit 9", "echo 'No devices were found'"])
def test_a_driver_that_answers_nothing_useful_is_no_gpu(tmp_path, monkeypatch, script):
    nvidia_smi(tmp_path, monkeypatch, script)
    assert gpu_memory() == []


def test_without_a_driver_there_is_no_gpu(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert gpu_memory() == []


def test_a_limit_of_threads_is_told_to_libraries_that_load_later(monkeypatch):
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.setenv(name, "7")
    limit_threads(None)
    assert os.environ["OMP_NUM_THREADS"] == "7"
    monkeypatch.setitem(sys.modules, "torch", None)
    limit_threads(2)
    assert (os.environ["OMP_NUM_THREADS"], os.environ["MKL_NUM_THREADS"]) == ("2", "2")
