"""Other Python environments for `interop`: made once, with pip as this machine has it.

`LOCALFAIR_INTEROP` names a folder in which they are kept, or already stand; else they are made in the
part's own folder. Knows nothing of what is run in them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ENVIRONMENTS = {
    "transformers-4": ("torch", "transformers==4.57.*", "peft", "safetensors"),
    "transformers-5": ("torch", "transformers>=5.24,<6", "peft", "safetensors"),
    "trl": ("torch", "trl>=1.16,<2", "datasets>=5.2", "peft"),
    "lm-eval": ("torch", "lm-eval>=0.4.13,<0.5", "transformers<6", "accelerate"),
    "datasette": ("datasette>=0.65.5,<1",),
}
OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
LONGEST = 1500  # seconds that a program may take in one


class NotHere(Exception):
    """Why an environment cannot be tried here."""


class Failed(Exception):
    """The last thing that a program said, where it did not end well."""


def environment(name: str, folder: Path, may_install: bool) -> Path:
    """The folder of an environment's programs. Raises NotHere."""
    kept = Path(os.environ.get("LOCALFAIR_INTEROP") or folder / "environments")
    path = kept / name
    if not (path / "bin" / "python").exists():
        if not may_install:
            raise NotHere(f"no environment {name} stands in LOCALFAIR_INTEROP")
        _make(path, ENVIRONMENTS[name])
    return path / "bin"


def _make(path: Path, packages: tuple[str, ...]) -> None:
    commands = (
        [sys.executable, "-m", "venv", "--clear", str(path)],
        [str(path / "bin" / "pip"), "install", "--quiet", *packages],
    )
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            (path / "bin" / "python").unlink(missing_ok=True)  # half an environment is none
            raise NotHere(last_line(done.stderr))


def run(command: list[str | Path], folder: Path) -> str:
    """What a program says on stdout, with the network off for it. Raises Failed."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env={**kept, **OFFLINE},
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST,
    )
    if done.returncode:
        raise Failed(last_line(done.stderr))
    return done.stdout


def last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "it said nothing"
