"""The process in which `localfair doctor` tries what may crash: native libraries, and the locks of
another process.

Run as a script, `doctor_child.py PROBE ARGUMENT...`, with nothing but the standard library at
import. Each line on stdout is a JSON object; one with `error` is a reason in words. Writes nothing
else but what a probe's database is given. Knows nothing of localfair.
"""

from __future__ import annotations

import fcntl
import importlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import resource
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Answer = dict[str, Any]

SIZE = 256  # rows and columns of the matrices that are multiplied
SEED = 20260101


def hello() -> Iterator[Answer]:
    """Which Python this is."""
    yield {"python": platform.python_version()}


def imports(*modules: str) -> Iterator[Answer]:
    """A line for each module, once it is imported: `version`, `missing` or `error`."""
    for name in modules:
        yield {"module": name, **_imported(name)}


def installed(name: str) -> Iterator[Answer]:
    """Whether a module is there; it is not imported."""
    yield {"installed": importlib.util.find_spec(name) is not None}


def _imported(name: str) -> Answer:
    spec = importlib.util.find_spec(name)
    if spec is None:
        return {"missing": True}
    if spec.origin is None:
        return {"error": "a folder without code, left by an installation that was removed"}
    try:
        module = importlib.import_module(name)
    except (Exception, SystemExit) as error:
        return {"error": _in_words(error)}
    return {"version": _version(name, getattr(module, "__version__", None))}


def _version(module: str, stated: object) -> str | None:
    """The version of the distribution of a module's name, else what the module states."""
    try:
        return importlib.metadata.version(module)
    except importlib.metadata.PackageNotFoundError:
        return stated if isinstance(stated, str) else None


def environment(*names: str) -> Iterator[Answer]:
    """The values of variables as a child of localfair sees them."""
    yield {name: os.environ.get(name) for name in names}


def second_connection(uri: str) -> Iterator[Answer]:
    """What another process may do with a database: `rows` it reads, and whether a write is refused."""
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=0)
    answer: Answer = {"rows": None}
    try:
        (answer["rows"],) = connection.execute("SELECT count(*) FROM trial").fetchone()
    except sqlite3.OperationalError as error:
        answer["unread"] = str(error)
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
        answer["may_write"] = True
    except sqlite3.OperationalError as error:
        answer["may_write"] = False
        answer["refusal"] = str(error)
    yield answer


def flock(path: str) -> Iterator[Answer]:
    """Whether another process holds the lock of a file."""
    with Path(path).open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield {"held": True}
            return
    yield {"held": False}


def llama() -> Iterator[Answer]:
    """How the llama.cpp of llama-cpp-python was built, once its backend has started."""
    from llama_cpp import llama_cpp as low

    low.llama_backend_init()
    info = low.llama_print_system_info().decode(errors="replace")
    yield {"info": info, "gpu": bool(low.llama_supports_gpu_offload())}


def xllamacpp() -> Iterator[Answer]:
    """How the llama.cpp of xllamacpp was built."""
    import xllamacpp as library

    info = library.get_system_info()
    text = info.decode(errors="replace") if isinstance(info, bytes) else str(info)
    yield {"info": text, "gpu": any(name in text for name in ("CUDA", "Vulkan"))}


def llama_reply(path: str) -> Iterator[Answer]:
    """Whether llama.cpp loads a GGUF and computes finite numbers with it."""
    import math

    from llama_cpp import Llama

    model = Llama(model_path=path, n_ctx=64, n_batch=64, logits_all=True, verbose=False)
    model.eval([0, 1, 2])
    scores = [float(score) for score in model.scores[2]]
    yield {"finite": all(map(math.isfinite, scores)), "vocabulary": len(scores)}


def cuda() -> Iterator[Answer]:
    """What torch can do with the GPU: a bf16 product there beside the same one here."""
    import torch

    answer: Answer = {"torch": torch.__version__, "built": torch.version.cuda, "works": False}
    if not torch.cuda.is_available():
        answer["why"] = _why_no_cuda() if torch.version.cuda else ""
        yield answer
        return
    torch.manual_seed(SEED)
    left = torch.randn(SIZE, SIZE).bfloat16()
    right = torch.randn(SIZE, SIZE).bfloat16()
    product = (left.cuda() @ right.cuda()).float().cpu()
    major, minor = torch.cuda.get_device_capability()
    yield {
        **answer,
        "works": True,
        "name": torch.cuda.get_device_name(),
        "capability": f"{major}.{minor}",
        "product": _distance(product, left.float() @ right.float()),
    }


def _why_no_cuda() -> str:
    import torch

    try:
        torch.cuda.init()  # type: ignore[no-untyped-call]
    except Exception as error:
        return _in_words(error)
    return "torch finds no device"


def four_bit(compute: str) -> Iterator[Answer]:
    """Relative errors of an NF4 layer where training runs: its weights, its product, its gradient.

    The product and the gradient are compared with those of the weights that it holds.
    """
    import bitsandbytes as bnb
    import torch
    from bitsandbytes.functional import dequantize_4bit

    device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = {"bf16": torch.bfloat16, "fp32": torch.float32}[compute]
    torch.manual_seed(SEED)
    dense = torch.randn(SIZE, SIZE)
    layer = bnb.nn.Linear4bit(SIZE, SIZE, bias=False, compute_dtype=dtype, quant_type="nf4")
    layer.weight = bnb.nn.Params4bit(dense.clone(), requires_grad=False, quant_type="nf4")
    layer = layer.to(device)
    if hasattr(layer, "support_avx512bf16_for_cpu"):
        layer.support_avx512bf16_for_cpu = False  # as localfair.models.loading.guard_cpu_4bit does
    entry = torch.randn(SIZE, SIZE).to(device, dtype).requires_grad_()
    product = layer(entry)
    towards = torch.randn(SIZE, SIZE).to(device, dtype)
    product.backward(towards)
    gradient: Any = entry.grad
    held = dequantize_4bit(layer.weight.data, layer.weight.quant_state).float()
    yield {
        "device": device,
        "weights": _distance(held.cpu(), dense),
        "product": _distance(product.float(), entry.float() @ held.T),
        "gradient": _distance(gradient.float(), towards.float() @ held),
    }


def _distance(value: Any, expected: Any) -> float:
    """The norm of a difference by the norm of what was expected."""
    return float((value - expected).norm() / expected.norm())


def _in_words(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


PROBES = {
    probe.__name__: probe
    for probe in (
        hello,
        imports,
        installed,
        environment,
        second_connection,
        flock,
        llama,
        xllamacpp,
        llama_reply,
        cuda,
        four_bit,
    )
}


def main(probe: str, *arguments: str) -> None:
    """Answer line by line, then end at once: what a library does at its end is not asked for."""
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))  # a crash leaves no file
    # whatever a library prints goes to stderr
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    try:
        for answer in PROBES[probe](*arguments):
            print(json.dumps(answer), file=answers, flush=True)
    except (Exception, SystemExit) as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        print(json.dumps({"error": _in_words(error), "missing": missing}), file=answers, flush=True)
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
