"""The list of parts: what each proves, what it needs, and how long it may take.

A part's function is imported in the process that does it.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from tests.gpu.machine import card_facts


def nothing() -> str:
    """Needs nothing: what it cannot try it says in a row."""
    return ""


def no_card() -> str:
    """Why no CUDA device can be tried here; empty where one can."""
    return "" if card_facts() else "there is no NVIDIA card here"


def no_namespace() -> str:
    """Why no network namespace can be made here; empty where one can."""
    if shutil.which("unshare") is None:
        return "`unshare` (util-linux) is not here"
    done = subprocess.run(["unshare", "-rn", "true"], capture_output=True, text=True, check=False)
    return done.stderr.strip() if done.returncode else ""


def no_hosts() -> str:
    """Why no cluster of several hosts can be made here; empty where one can."""
    if importlib.util.find_spec("ray") is None:
        return "the package 'ray' is not here"
    for tool in ("ip", "nsenter"):
        if shutil.which(tool) is None:
            return f"`{tool}` is not here"
    return "" if os.geteuid() == 0 else "only root may join network namespaces by a bridge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One proof in a process of its own.

    `prove` of the module `tests.slow.<name>` takes a folder and whether to be quick, and yields rows.
    needs: in words. missing: why it cannot be tried here, empty where it can. seconds: after which
    the process and all that it started are killed.
    """

    name: str
    title: str
    needs: str
    missing: Callable[[], str]
    seconds: int


PARTS = (
    Part(
        name="reliability",
        title="runs killed at every commit and at random, of each engine",
        needs="llama.cpp and SmolLM2, vLLM: each left out where it is missing",
        missing=nothing,
        seconds=3600,
    ),
    Part(
        name="offline",
        title="the quickstart from its weights to its report, without any network",
        needs="`unshare` and the quickstart's weights",
        missing=no_namespace,
        seconds=2400,
    ),
    Part(
        name="bundle",
        title="a bundle with its wheels: unpacked, installed and run without any network",
        needs="a package index, `unshare` and the quickstart's weights",
        missing=no_namespace,
        seconds=4800,
    ),
    Part(
        name="interop",
        title="every export in the programs that it is for",
        needs="pip for environments of its own, or LOCALFAIR_INTEROP; SmolLM2 for real replies",
        missing=nothing,
        seconds=7200,
    ),
    Part(
        name="cluster",
        title="the committee on a Ray cluster of three hosts with addresses of their own",
        needs="root, `ip`, `nsenter` and the extra `ray`",
        missing=no_hosts,
        seconds=1200,
    ),
    Part(
        name="gpu",
        title="what only a GPU shows: the first half of `python -m tests.gpu`",
        needs="an NVIDIA card",
        missing=no_card,
        seconds=2000,
    ),
)


def part_named(name: str) -> Part:
    """The part of a name. Raises KeyError."""
    return {part.name: part for part in PARTS}[name]
