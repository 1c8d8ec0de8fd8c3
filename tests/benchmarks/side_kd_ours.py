"""Our side of the distillation benchmark, in a process of its own: the kl term from stored soft
labels.

Arguments: base folder, lessons file, working folder, file of soft labels. Prints one JSON line.
"""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path

from localfair.training.soft_labels import Soft
from localfair.training.trainer import Example
from tests.benchmarks.side_ours import measured, read_lessons, settings


def main(base: Path, lessons: Path, work: Path, soft: Path) -> None:
    stored = json.loads(soft.read_text())
    examples = []
    for encoded, label in zip(read_lessons(lessons), stored["labels"], strict=True):
        indices = base64.b64decode(label["indices"])
        logprobs = base64.b64decode(label["logprobs"])
        soft_label = Soft(label["top_k"], indices, logprobs)
        examples.append(Example(encoded, "rationale", soft=soft_label))
    terms = (("rationale", 0.0), ("kl", 1.0))
    chosen = settings(terms, vocabulary=stored["vocabulary"], tau=1.0)
    print(json.dumps(measured(base, examples, work, chosen)))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:5]))
