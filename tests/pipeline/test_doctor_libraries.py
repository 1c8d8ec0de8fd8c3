"""A library is well when it works, not when it is there; a missing one is no failure."""

from __future__ import annotations

from pathlib import Path

import pytest

from localfair.pipeline import doctor_libraries as libraries
from localfair.pipeline.doctor_check import Check, Examination, Interpreter
from localfair.pipeline.doctor_libraries import Requirement

TORCH = Requirement("torch", "2.11", "train")
LINES = (
    "click>=8.1",
    'torch>=2.11; extra == "train"',
    'peft>=0.19; extra == "train"',
    'llama-cpp-python>=0.3.36; extra == "llama"',
    'pytest>=8; extra == "dev"',
)
X86 = {"pni", "ssse3", "avx", "avx2", "f16c", "fma", "bmi2"}
INFO = "CPU : SSE3 = 1 | AVX2 = 1 | F16C = 1 | FMA = 1 | AVX512 = 0 | "


def single(checks) -> Check:
    (check,) = checks
    return check


def examined(folder: Path, **modules: str) -> Examination:
    """An examination by a Python that finds modules of this code first."""
    for name, code in modules.items():
        (folder / f"{name}.py").write_text(code)
    interpreter = Interpreter(environment={"PYTHONPATH": str(folder)})
    return Examination(workspace=folder, db=folder / "localfair.db", interpreter=interpreter)


def bare(folder: Path) -> Examination:
    """An examination by a Python without any installed package."""
    interpreter = Interpreter(flags=("-I", "-S"))
    return Examination(workspace=folder, db=folder / "localfair.db", interpreter=interpreter)


def test_requirements_are_read_with_their_extras():
    named = libraries.requirements(LINES)
    assert named[1] == TORCH
    assert [requirement.extra for requirement in named] == ["", "train", "train", "llama", "dev"]
    assert named[3].module == "llama_cpp"


def test_every_extra_that_is_examined_is_one_of_localfairs(tmp_path):
    checks = list(libraries.packages(bare(tmp_path)))
    names = [check.name for check in checks]
    assert {"package base", "package torch", "package vllm", "package xllamacpp"} <= set(names)
    assert "package pytest" not in names


def test_without_packages_the_base_fails_and_each_extra_is_named(tmp_path):
    base, *others = libraries.packages(bare(tmp_path), LINES)
    assert (base.status, base.finding) == ("fail", "click: not installed")
    assert [check.status for check in others] == ["warn", "warn", "warn"]
    assert others[0].hint == "pip install 'localfair[train]', if you want it"
    assert others[2].hint == "pip install 'localfair[llama]', if you want it"


def test_a_broken_import_fails_with_its_reason_and_the_others_go_on(tmp_path):
    examination = examined(
        tmp_path,
        torch="import os, signal\nos.kill(os.getpid(), signal.SIGILL)",
        peft="__version__ = '0.20'",
        llama_cpp="raise ImportError('libgomp.so.1: cannot open shared object file')",
    )
    checks = {check.name: check for check in libraries.packages(examination, LINES)}
    assert checks["package torch"].finding == "cannot be imported: crashed: SIGILL"
    assert checks["package peft"].status == "ok"
    llama = checks["package llama-cpp-python"]
    assert llama.status == "fail"
    assert llama.finding.endswith("ImportError: libgomp.so.1: cannot open shared object file")
    assert checks["package base"].status == "ok"


def test_a_module_that_lacks_another_is_broken_and_not_missing(tmp_path):
    examination = examined(tmp_path, torch="import torch_needs_this")
    checks = {check.name: check for check in libraries.packages(examination, LINES[:2])}
    assert checks["package torch"].status == "fail"
    assert "No module named 'torch_needs_this'" in checks["package torch"].finding


def test_the_empty_folder_of_a_removed_package_is_told(tmp_path):
    (tmp_path / "removed_package").mkdir()
    answers = libraries.imported(examined(tmp_path).interpreter, ["removed_package"])
    assert answers["removed_package"]["error"].startswith("a folder without code")


@pytest.mark.parametrize(
    ("version", "status"),
    [("2.13.0+cpu", "ok"), ("2.11", "ok"), ("2.11.0", "ok"), ("2.9.1", "fail"), (None, "ok")],
)
def test_a_version_is_told_beside_the_one_that_is_needed(version, status):
    assert libraries.package(TORCH, {"version": version}, "2.13.0").status == status
    assert libraries.package(TORCH, {"version": "2.13.0"}, "2.13.0").finding == (
        "2.13.0 (at least 2.11; tested with 2.13.0)"
    )


def test_tested_versions_are_those_of_the_constraints(tmp_path):
    (tmp_path / "constraints.txt").write_text("# tested\ntorch==2.13.0\n")
    assert libraries.tested_versions(tmp_path / "constraints.txt") == {"torch": "2.13.0"}
    assert libraries.tested_versions(tmp_path / "none.txt") == {}


@pytest.mark.parametrize(
    ("info", "flags", "status", "words"),
    [
        (INFO, X86, "ok", "loads; built with AVX2, F16C, FMA, SSE3"),
        (INFO.replace("AVX512 = 0", "AVX512 = 1"), X86, "fail", "built for AVX512, which this"),
        (
            "CPU : SSE3 = 1 | ",
            X86,
            "warn",
            "built without AVX2, F16C, FMA, which this processor has",
        ),
        (INFO, {"asimd"}, "ok", "loads"),
        (INFO, None, "ok", "loads"),
    ],
)
def test_a_build_of_llama_cpp_must_be_for_this_processor(info, flags, status, words):
    check = libraries.llama_build("llama", {"info": info, "gpu": False}, flags, False)
    assert check.status == status
    assert check.finding.startswith(words)


def test_a_build_without_cuda_beside_a_gpu_is_told():
    check = libraries.llama_build("llama", {"info": INFO, "gpu": False}, X86, True)
    assert (check.status, check.finding.endswith("the GPU stays idle")) == ("warn", True)
    assert libraries.llama_build("llama", {"info": INFO, "gpu": True}, X86, True).status == "ok"


def test_a_llama_cpp_that_does_not_load_fails_and_a_missing_one_is_no_line(tmp_path):
    broken = examined(
        tmp_path, llama_cpp="raise OSError('bad ELF')", xllamacpp="import os; os.abort()"
    )
    checks = list(libraries.llama_builds(broken))
    assert [check.status for check in checks] == ["fail", "fail"]
    assert checks[0].finding == "does not load: OSError: bad ELF"
    assert checks[1].finding.startswith("does not load: crashed: SIGABRT")
    assert list(libraries.llama_builds(bare(tmp_path))) == []


@pytest.mark.parametrize(
    ("script", "nvidia", "status", "words"),
    [
        ("echo 'NVIDIA H100, 81559 MiB, 570.1'", True, "ok", "NVIDIA H100, 81559 MiB, 570.1"),
        ("echo 'Driver/library version mismatch'; exit 18", True, "fail", "nvidia-smi: Driver/lib"),
        ("exit 9", True, "fail", "nvidia-smi: it names no device"),
        ("exit 9", False, "ok", "no NVIDIA GPU, though nvidia-smi is here"),
    ],
)
def test_the_driver_is_asked_for_its_gpus(tmp_path, script, nvidia, status, words):
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    check = single(libraries.gpu(bare(tmp_path), str(tool), nvidia))
    assert check.status == status
    assert check.finding.startswith(words)


def test_a_driver_tool_that_cannot_run_fails(tmp_path):
    check = single(libraries.gpu(bare(tmp_path), str(tmp_path / "none"), True))
    assert (check.status, "does not answer" in check.finding) == ("fail", True)


WORKS = {"torch": "2.13", "built": "12.8", "works": True, "name": "H100", "capability": "9.0"}
NO_CUDA = {"torch": "2.13+cpu", "built": None, "works": False}
REFUSED = {"torch": "2.13", "built": "12.8", "works": False, "why": "driver too old"}


@pytest.mark.parametrize(
    ("answer", "nvidia", "status"),
    [
        ({**WORKS, "product": 0.003}, True, "ok"),
        ({**WORKS, "product": 0.5}, True, "fail"),
        ({**WORKS, "product": float("nan")}, True, "fail"),
        (NO_CUDA, False, "ok"),
        (NO_CUDA, True, "warn"),
        (REFUSED, True, "fail"),
        (REFUSED, False, "ok"),
    ],
)
def test_what_torch_says_of_the_gpu_is_judged(answer, nvidia, status):
    assert libraries.cuda_by(answer, nvidia).status == status


RIGHT = {"device": "cpu", "weights": 0.09, "product": 0.003, "gradient": 0.003}


@pytest.mark.parametrize("name", ["weights", "product", "gradient"])
@pytest.mark.parametrize("error", [0.9, float("nan")])
def test_a_4_bit_layer_that_computes_wrongly_fails(name, error):
    assert libraries.four_bit_by(RIGHT, "bf16").status == "ok"
    check = libraries.four_bit_by({**RIGHT, name: error}, "bf16")
    assert check.status == "fail"
    assert f"wrong {name} by" in check.finding


def test_4_bit_layers_are_not_tried_without_their_library(tmp_path):
    for check in (libraries.cuda, libraries.four_bit):
        assert single(check(bare(tmp_path))).status == "warn"


def test_a_bitsandbytes_that_crashes_fails(tmp_path):
    examination = examined(tmp_path, bitsandbytes="import os; os.abort()")
    check = single(libraries.four_bit(examination))
    assert (check.status, check.finding.startswith("crashed: SIGABRT")) == ("fail", True)
