"""OpenBookQA (Mihaylov et al., arXiv 1809.02789): four choices, elementary science.

Reads the copy that TinyLLM publishes (its repository is Apache-2.0; the data's own licence is
stated in no file here): `obqa_train.json`, `obqa_valid.json`, `obqa_test.json`.
"""

from __future__ import annotations

from localfair.tasks.benchmark import UNVERIFIED, Benchmark
from localfair.tasks.listed_choices import layout

TASKS = (
    Benchmark(
        name="obqa",
        answer_kind="choice",
        licence=UNVERIFIED,
        public_source="https://allenai.org/data/open-book-qa",
        layout=layout("obqa"),
    ),
)
