"""ARC Challenge (Clark et al., arXiv 1803.05457): four choices, grade-school science.

Reads the copy that TinyLLM publishes (its repository is Apache-2.0; the data's own licence is
stated in no file here): `arc_train.json`, `arc_valid.json`, `arc_test.json`.
"""

from __future__ import annotations

from localfair.tasks.benchmark import UNVERIFIED, Benchmark
from localfair.tasks.listed_choices import layout

TASKS = (
    Benchmark(
        name="arc",
        answer_kind="choice",
        licence=UNVERIFIED,
        public_source="https://allenai.org/data/arc",
        layout=layout("arc"),
    ),
)
