"""Which wheels localfair needs, and whom they fit."""

from __future__ import annotations

import sys

import pytest
from packaging.requirements import Requirement

from localfair.errors import UsageError
from localfair.export.bundle_wheels import Wheels, misfit, requirements

HERE = f"cp{sys.version_info.major}{sys.version_info.minor}"


def names(*extras: str) -> set[str]:
    return {Requirement(line).name for line in requirements(extras)}


def test_an_extra_adds_its_packages_and_no_others() -> None:
    assert "click" in names()
    assert "torch" not in names()
    assert {"torch", "peft"} <= names("train")
    assert "llama-cpp-python" not in names("train")


def test_an_unknown_extra_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="no extra 'tran'") as refused:
        requirements(["tran"])
    assert "train" in refused.value.hint


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("click-8.1-py3-none-any.whl", None),
        ("llama_cpp_python-0.3.36.tar.gz", None),
        (f"x-1-{HERE}-{HERE}-win_arm64.whl", "is for"),
        ("x-1-cp38-cp38-manylinux2014_x86_64.whl", "is for cp38 on manylinux2014_x86_64"),
        ("x.whl", "is no wheel"),
        ("x.tar.gz", "is no package"),
    ],
)
def test_a_wheel_fits_a_python_and_a_platform(name: str, problem: str | None) -> None:
    assert (misfit(name) or "").startswith(problem or "")
    assert (misfit(name) is None) == (problem is None)


def test_wheels_of_this_python_are_built_here_and_others_are_fetched() -> None:
    assert Wheels(()).is_here
    assert not Wheels((), python="3.99").is_here
    assert not Wheels((), platform="win_amd64").is_here
