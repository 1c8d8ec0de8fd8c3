"""Date understanding (BIG-bench): infer a date from a short context, five or six choices."""

from __future__ import annotations

from localfair.tasks.benchmark import UNVERIFIED, Benchmark
from localfair.tasks.big_bench import LAYOUT

TASK = Benchmark(
    name="date",
    answer_kind="choice",
    licence=UNVERIFIED,
    public_source="https://github.com/google/BIG-bench (date_understanding)",
    layout=LAYOUT,
)
