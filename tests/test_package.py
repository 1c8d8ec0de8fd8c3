"""What is installed: a wheel with recipes and model cards and without weights, that works outside the checkout.

And what importing it does: nothing on the network, nothing heavy.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import localfair

CHECKOUT = Path(localfair.__file__).resolve().parent.parent
# what a working checkout also holds and a wheel must never carry
STRAY = ("models/weights/big.gguf", "models/weights/tiny/model.safetensors", "recipes/fair/x.gguf",
         "recipes/fair/localfair.db", "recipes/fair/localfair.db-wal", "tests/test_stray.py")  # fmt: skip


def python(*args: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *args]
    return subprocess.run(
        command, cwd=cwd, env=os.environ | env, capture_output=True, text=True, check=True
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Built from a copy of the checkout, so that neither leaves anything in the other."""
    copy = tmp_path_factory.mktemp("source")
    keep_out = shutil.ignore_patterns("weights", "__pycache__", "*.egg-info", "*.db*")
    for name in ("localfair", "models", "recipes"):
        shutil.copytree(CHECKOUT / name, copy / name, ignore=keep_out)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(CHECKOUT / name, copy)
    for name in STRAY:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_text("stray")
    python(
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "-w",
        "dist",
        ".",
        cwd=copy,
    )
    (built,) = (copy / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("installed")
    python(
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--no-index",
        "--target",
        str(target),
        str(wheel),
        cwd=target,
    )
    return target


def shipped(kind: str) -> set[str]:
    """What of the checkout's models/ or recipes/ must be in the wheel, as paths there."""
    found = {"models": ["models/*.toml"], "recipes": ["recipes/*/recipe.toml", "recipes/**/*.md"]}[
        kind
    ]
    return {
        f"localfair/data/{p.relative_to(CHECKOUT).as_posix()}"
        for glob in found
        for p in CHECKOUT.glob(glob)
    }


@pytest.mark.parametrize(("kind", "at_least"), [("models", 14), ("recipes", 20)])
def test_the_wheel_carries_every_card_recipe_and_prompt(wheel, kind, at_least):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert len(shipped(kind)) >= at_least
    assert shipped(kind) - names == set()


def test_the_wheel_carries_every_module(wheel):
    modules = {p.relative_to(CHECKOUT).as_posix() for p in (CHECKOUT / "localfair").rglob("*.py")}
    assert modules - set(zipfile.ZipFile(wheel).namelist()) == set()


def test_the_wheel_carries_no_weights_no_tests_and_no_records(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert [
        n for n in names if n.endswith((".gguf", ".safetensors", ".db", ".db-wal", ".script.toml"))
    ] == []
    assert [n for n in names if "weights/" in n or "tests/" in n or "stray" in n] == []
    assert {n.split("/")[0] for n in names} == {
        "localfair",
        f"localfair-{localfair.__version__}.dist-info",
    }


def test_an_installed_copy_finds_its_recipes_and_cards_outside_the_checkout(installed, tmp_path):
    here = {"PYTHONPATH": str(installed), "LOCALFAIR_WORKSPACE": ""}
    where = python("-c", "import localfair; print(localfair.__file__)", cwd=tmp_path, **here).stdout
    assert where.startswith(str(installed))
    recipes = python("-m", "localfair", "recipes", "list", cwd=tmp_path, **here).stdout
    assert [line.split()[0] for line in recipes.splitlines()] == sorted(
        p.parent.name for p in CHECKOUT.glob("recipes/*/recipe.toml")
    )
    cards = json.loads(
        python("-m", "localfair", "models", "list", "--json", cwd=tmp_path, **here).stdout
    )
    assert {c["name"] for c in cards} == {p.stem for p in CHECKOUT.glob("models/*.toml")}


IMPORT_ALL = """
import importlib, json, pkgutil, sys
sockets, missing = [], {}
sys.addaudithook(lambda event, args: sockets.append(event) if event.startswith("socket.") else None)
sys.modules.update(dict.fromkeys(sys.argv[1].split()))
import localfair
names = [m.name for m in pkgutil.walk_packages(localfair.__path__, "localfair.") if m.name != "localfair.__main__"]
for name in names:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing[name] = error.name
print(json.dumps({"names": names, "missing": missing, "sockets": sockets}))
"""
EXTRAS = (
    "torch",
    "transformers",
    "peft",
    "llama_cpp",
    "huggingface_hub",
    "bitsandbytes",
    "safetensors",
    "vllm",
)


def test_no_module_opens_a_socket_and_most_need_no_extra(tmp_path):
    seen = json.loads(python("-c", IMPORT_ALL, " ".join(EXTRAS), cwd=tmp_path).stdout)
    assert seen["sockets"] == []
    assert len(seen["names"]) >= 80
    assert set(seen["missing"].values()) <= set(EXTRAS)
    assert {"localfair.pipeline", "localfair.train", "localfair.cli.run"}.isdisjoint(
        seen["missing"]
    )
    assert len(seen["missing"]) <= 20  # of more than 160: engines and training


@pytest.mark.parametrize(
    "module", ["localfair", "localfair.cli", "localfair.cli.run", "localfair.pipeline"]
)
def test_importing_loads_no_heavy_library(module, tmp_path):
    heavy = (
        "torch",
        "transformers",
        "vllm",
        "peft",
        "scipy",
        "matplotlib",
        "llama_cpp",
        "huggingface_hub",
    )
    code = f"import sys, {module}; print(*({set(heavy)} & set(sys.modules)))"
    assert python("-c", code, cwd=tmp_path).stdout.split() == []
