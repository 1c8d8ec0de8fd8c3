"""Every benchmark that the command lists can be begun: its module and function are there."""

import importlib

import pytest

from tests.benchmarks.__main__ import BENCHMARKS


@pytest.mark.parametrize("name", sorted(BENCHMARKS))
def test_a_benchmark_that_is_listed_is_there(name):
    module, function, _ = BENCHMARKS[name]
    assert callable(getattr(importlib.import_module(f"tests.benchmarks.{module}"), function))
