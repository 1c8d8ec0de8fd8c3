"""Which wheels localfair needs, and whom they fit."""

from __future__ import annotations

import sys

import pytest
from packaging.requirements import Requirement

from localfair.errors import UsageError
from localfair.export.bundle_manifest import MOST_NAME
from localfair.export.bundle_wheels import Wheels, misfit, requirements, short_name

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


def test_a_long_list_of_platforms_becomes_the_lowest_that_stands_for_all() -> None:
    many = "manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_28_x86_64"
    long = f"charset_normalizer-3.4.4-cp311-cp311-{many}.whl"
    assert len(long) > MOST_NAME
    assert short_name(long) == "charset_normalizer-3.4.4-cp311-cp311-manylinux2014_x86_64.whl"
    other = f"{'n' * 50}-1-cp311-cp311-manylinux_2_28_aarch64.macosx_11_0_arm64.win_arm64.whl"
    assert short_name(other) == other
    short = f"six-1-cp311-cp311-{many}.whl"
    assert short_name(short) == short
