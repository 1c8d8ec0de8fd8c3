"""Peak memory of serving and of QLoRA steps, each in a process of its own, beside what `models
fit` says of them.

    python -m tests.benchmarks.peaks MODEL.gguf [...]           the table in models/README.md
    python -m tests.benchmarks.peaks serve MODEL.gguf CONTEXT SEQUENCES
    python -m tests.benchmarks.peaks train MODEL.gguf LENGTH BATCH RANK [checkpointing]

Reads weights, writes dequantised ones into the workspace; needs Linux (VmHWM) and real weights.
A lesson is half prompt, half reply.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from localfair.machine.hardware import usual_precision
from localfair.machine.workspace import workspace_dir
from localfair.models import resolve

SERVE = ((512, 1), (2048, 4), (2048, 16))  # context, sequences
# tokens of a lesson, lessons of a batch, rank, and whether activations are computed again
TRAIN = (
    (64, 1, 16),
    (128, 4, 16),
    (256, 4, 16),
    (256, 8, 16),
    (512, 4, 16),
    (256, 4, 64),
    (256, 8, 16, "checkpointing"),
    (512, 8, 16, "checkpointing"),
)
MIB = 2**20


def peak() -> int:
    """Bytes of resident memory that this process has had at most."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def serve(path: str, context: int, sequences: int) -> None:
    """Read a full chunk of a prompt and write a few tokens, in a context of that size."""
    from localfair.engines import open_engine
    from localfair.record.nouns import Message, Request, Sampling

    engine = open_engine("llama_cpp", resolve(path, workspace_dir()), batch=sequences)
    times = min(context, 512) // 6
    prompt = (Message("user", "pens and apples " * times),)
    longest = Sampling(
        max_tokens=max(1, context - 6 * times - 40), stop=tuple("aeiou .,0123456789\n")
    )
    asked = [Request(messages=prompt, sampling=longest, sample=i) for i in range(sequences)]
    next(iter(engine.generate(asked)))
    print(peak())


def train(path: str, length: int, batch: int, rank: int, checkpointing: bool) -> None:
    """Take two steps on lessons of exactly that length."""
    from localfair.models.dequantise import dequantised
    from localfair.training import qlora
    from localfair.training.encode import Encoded
    from localfair.training.losses import IGNORE
    from localfair.training.trainer import Example

    base = dequantised(resolve(path, workspace_dir()), workspace_dir())
    ids = tuple(range(100, 100 + length))
    half = length // 2
    labels = (IGNORE,) * half + ids[half:]
    lesson = Example(Encoded(ids, labels), "ce")
    settings = qlora.TrainSettings(
        terms=(("ce", 1.0),),
        rank=rank,
        alpha=2 * rank,
        batch_size=batch,
        max_length=length,
        gradient_checkpointing=checkpointing,
    )
    with tempfile.TemporaryDirectory() as out:
        qlora.train(base, [lesson] * (2 * batch), Path(out), settings)
    print(peak())


def measured(*arguments: object) -> int:
    """The peak that this script prints for such arguments, in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.peaks", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stdout.split()[-1])


def table(paths: list[str]) -> None:
    """Every setting of every model: the formula's MiB, the measured peak's, and their ratio."""
    from localfair.models.fit import sizes_of, to_serve, to_train

    compute = usual_precision()
    print("| model | what | formula MiB | measured MiB | ratio |\n|---|---|--:|--:|--:|")
    for path in paths:
        sizes = sizes_of(resolve(path, workspace_dir()).path)
        for context, sequences in SERVE:
            formula = to_serve(sizes, context, sequences)
            memory = measured("serve", path, context, sequences)
            row(path, f"serve, context {context}, {sequences} at once", formula, memory)
        for length, batch, rank, *checkpointing in TRAIN:
            formula = to_train(
                sizes, length, batch, rank, checkpointing=bool(checkpointing), compute=compute
            )
            memory = measured("train", path, length, batch, rank, *checkpointing)
            how = [f"{batch} x {length} tokens", f"rank {rank}", compute, *checkpointing]
            row(path, f"QLoRA, {', '.join(how)}", formula, memory)


def row(path: str, what: str, formula: int, memory: int) -> None:
    """Print one row of the table; both sizes are bytes."""
    sizes = f"{formula / MIB:.0f} | {memory / MIB:.0f} | {formula / memory:.2f}"
    print(f"| {Path(path).stem} | {what} | {sizes} |", flush=True)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", path, context, sequences]:
            serve(path, int(context), int(sequences))
        case ["train", path, length, batch, rank, *extra]:
            train(path, int(length), int(batch), int(rank), bool(extra))
        case paths:
            table(paths)
