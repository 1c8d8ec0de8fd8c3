"""What the machine is, and whether the libraries stand on it.

Reads the driver and packages; computes a few small tensors; writes nothing.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator

import torch

from tests.gpu.machine import card_facts
from tests.gpu.setting import Measures, Row, Setting
from tests.gpu.steps import described

PACKAGES = (
    "bitsandbytes",
    "transformers",
    "peft",
    "accelerate",
    "safetensors",
    "gguf",
    "datasets",
    "trl",
    "llama_cpp",
    "pydantic",
    "sqlite_utils",
    "tenacity",
    "tomli_w",
)


def facts(setting: Setting) -> Iterator[Row]:
    """The card by its driver, torch's view of it, imports, and bitsandbytes' own work on it."""
    yield Row("card", card_facts(), "" if card_facts() else "nvidia-smi is not here")
    yield Row("torch", _torch())
    yield Row("imports", {package: _imported(package) for package in PACKAGES})
    yield Row("bitsandbytes NF4", _nf4())
    yield Row("bitsandbytes paged Adam", _paged_adam())
    yield Row("bf16 product", _product(setting.size(8192, 256)))


def _torch() -> Measures:
    cuda = torch.cuda.is_available()
    facts: Measures = {"version": torch.__version__, "cuda": torch.version.cuda or "none"}
    if cuda:
        properties = torch.cuda.get_device_properties(0)
        facts["name"] = properties.name
        facts["memory_bytes"] = properties.total_memory
        facts["capability"] = f"{properties.major}.{properties.minor}"
        facts["bf16"] = torch.cuda.is_bf16_supported()
    return facts


def _imported(package: str) -> str:
    """A package's version when it can be imported, else why not."""
    try:
        module = importlib.import_module(package)
    except Exception as error:  # a broken library may raise anything: that is the fact
        return f"{type(error).__name__}: {error}"
    return str(getattr(module, "__version__", "there"))


def _nf4() -> Measures:
    """How far a matrix is from itself after NF4, relative to its size: about 0.09 for any normal one."""
    from bitsandbytes.functional import dequantize_4bit, quantize_4bit

    device = "cuda" if torch.cuda.is_available() else "cpu"
    matrix = torch.randn(256, 256, device=device, dtype=torch.bfloat16)
    packed, state = quantize_4bit(matrix, quant_type="nf4", compress_statistics=True)
    apart = (dequantize_4bit(packed, state) - matrix).float().norm() / matrix.float().norm()
    return {"relative_error": apart.item()}


def _paged_adam() -> Measures:
    """Whether one step of the paged 8-bit optimizer moves a weight; it needs a card."""
    if not torch.cuda.is_available():
        return {"stepped": "no card"}
    from bitsandbytes.optim import PagedAdamW8bit

    weight = torch.nn.Parameter(torch.randn(256, 256, device="cuda"))
    before = weight.detach().clone()
    optimizer = PagedAdamW8bit([weight], lr=1e-3)
    (weight**2).sum().backward()
    optimizer.step()
    moved = bool((weight.detach() != before).any())
    return {"stepped": moved, "optimizer": described(optimizer)}


def _product(size: int) -> Measures:
    """Operations a second of a square bf16 product, the best of ten."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    square = torch.randn(size, size, device=device, dtype=torch.bfloat16)
    seconds = []
    for _ in range(10):
        started = time.perf_counter()
        (square @ square)[0, 0].item()  # asks for a number: waits for the card
        seconds.append(time.perf_counter() - started)
    return {"size": size, "teraflops": 2 * size**3 / min(seconds) / 1e12}
