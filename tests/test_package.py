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
STRAY = (
    "models/weights/big.gguf",
    "models/weights/tiny/model.safetensors",
    "recipes/fair/x.gguf",
    "recipes/fair/localfair.db",
    "recipes/fair/localfair.db-wal",
    "tests/test_stray.py",
)
HEAVY = {
    "torch",
    "transformers",
    "vllm",
    "peft",
    "scipy",
    "matplotlib",
    "llama_cpp",
    "huggingface_hub",
}


def python(*args: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *args]
    environment = os.environ | env
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=True
    )


def pip(*args: str, cwd: Path) -> None:
    """Run pip without the network, for one package alone."""
    command, *rest = args
    python("-m", "pip", command, "-q", "--no-deps", "--no-index", *rest, cwd=cwd)


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
    pip("wheel", "--no-build-isolation", "-w", "dist", ".", cwd=copy)
    (built,) = (copy / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("installed")
    pip("install", "--target", str(target), str(wheel), cwd=target)
    return target


SHIPPED = {
    "models": ["models/*.toml"],
    "recipes": ["recipes/*/recipe.toml", "recipes/**/*.md"],
}


def inside(path: Path) -> str:
    """The path of a file of the checkout, from there."""
    return path.relative_to(CHECKOUT).as_posix()


def shipped(what: str) -> set[str]:
    """What of the checkout's models/ or recipes/ must be in the wheel, as paths there."""
    paths = set()
    for pattern in SHIPPED[what]:
        paths |= {f"localfair/data/{inside(path)}" for path in CHECKOUT.glob(pattern)}
    return paths


@pytest.mark.parametrize(("what", "at_least"), [("models", 14), ("recipes", 20)])
def test_the_wheel_carries_every_card_recipe_and_prompt(wheel, what, at_least):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert len(shipped(what)) >= at_least
    assert shipped(what) - names == set()


def test_the_wheel_carries_every_module(wheel):
    modules = {inside(path) for path in (CHECKOUT / "localfair").rglob("*.py")}
    assert modules - set(zipfile.ZipFile(wheel).namelist()) == set()


def test_the_wheel_carries_no_weights_no_tests_and_no_records(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    endings = (".gguf", ".safetensors", ".db", ".db-wal", ".script.toml")
    assert [name for name in names if name.endswith(endings)] == []
    for stray in ("weights/", "tests/", "stray"):
        assert [name for name in names if stray in name] == []
    information = f"localfair-{localfair.__version__}.dist-info"
    assert {name.split("/")[0] for name in names} == {"localfair", information}


def test_an_installed_copy_finds_its_recipes_and_cards_outside_the_checkout(installed, tmp_path):
    here = {"PYTHONPATH": str(installed), "LOCALFAIR_WORKSPACE": ""}
    where = python("-c", "import localfair; print(localfair.__file__)", cwd=tmp_path, **here).stdout
    assert where.startswith(str(installed))
    recipes = python("-m", "localfair", "recipes", "list", cwd=tmp_path, **here).stdout
    folders = [path.parent.name for path in CHECKOUT.glob("recipes/*/recipe.toml")]
    assert [line.split()[0] for line in recipes.splitlines()] == sorted(folders)
    listed = python("-m", "localfair", "models", "list", "--json", cwd=tmp_path, **here).stdout
    names = {card["name"] for card in json.loads(listed)}
    assert names == {path.stem for path in CHECKOUT.glob("models/*.toml")}


IMPORT_ALL = """
import importlib, json, pkgutil, sys
sockets, missing = [], {}
sys.addaudithook(lambda event, args: sockets.append(event) if event.startswith("socket.") else None)
sys.modules.update(dict.fromkeys(sys.argv[1].split()))
import localfair
modules = pkgutil.walk_packages(localfair.__path__, "localfair.")
names = [module.name for module in modules if module.name != "localfair.__main__"]
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
    imported = json.loads(python("-c", IMPORT_ALL, " ".join(EXTRAS), cwd=tmp_path).stdout)
    missing = imported["missing"]
    assert imported["sockets"] == []
    assert len(imported["names"]) >= 80
    assert set(missing.values()) <= set(EXTRAS)
    needed = {"localfair.pipeline.runs", "localfair.stages.train", "localfair.cli.run"}
    assert needed <= set(imported["names"])
    assert needed.isdisjoint(missing)
    assert len(missing) <= 16


@pytest.mark.parametrize(
    "module",
    ["localfair", "localfair.cli", "localfair.cli.run", "localfair.pipeline.runs"],
)
def test_importing_loads_no_heavy_library(module, tmp_path):
    code = f"import sys, {module}; print(*({HEAVY} & set(sys.modules)))"
    assert python("-c", code, cwd=tmp_path).stdout.split() == []
