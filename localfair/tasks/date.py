"""Date understanding (BIG-bench): infer a date from a short context, five or six choices.

Reads the `task.json` of BIG-bench's date_understanding, split 70/30.
"""

from __future__ import annotations

from localfair.tasks.benchmark import UNVERIFIED, Benchmark
from localfair.tasks.big_bench import LAYOUT

TASKS = (
    Benchmark(
        name="date",
        answer_kind="choice",
        licence=UNVERIFIED,
        public_source="https://github.com/google/BIG-bench (date_understanding)",
        layout=LAYOUT,
    ),
)
