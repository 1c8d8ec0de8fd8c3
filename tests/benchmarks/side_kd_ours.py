"""Our side of the distillation benchmark, in a process of its own: the kl term from stored soft
labels.

Arguments: base folder, lessons file, working folder, file of soft labels. Prints one JSON line.
"""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path

from localfair.training.encode import Encoded
from localfair.training.soft_labels import Soft
from localfair.training.trainer import Example
from tests.benchmarks.side_ours import measured, settings


def main(base: Path, lessons: Path, work: Path, soft: Path) -> None:
    stored = json.loads(soft.read_text())
    labels = [
        Soft(s["top_k"], base64.b64decode(s["indices"]), base64.b64decode(s["logprobs"]))
        for s in stored["labels"]
    ]
    found = [
        Example(Encoded(tuple(row["input_ids"]), tuple(row["labels"])), "rationale", soft=label)
        for row, label in zip(json.loads(lessons.read_text()), labels, strict=True)
    ]
    terms = (("rationale", 0.0), ("kl", 1.0))
    print(
        json.dumps(
            measured(base, found, work, settings(terms, vocabulary=stored["vocabulary"], tau=1.0))
        )
    )


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:5]))
