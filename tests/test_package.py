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
NEVER = (".gguf", ".safetensors", ".db", ".db-wal", ".script.toml")


def python(*args: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a Python of this environment."""
    return subprocess.run(
        [sys.executable, *args],
        cwd=cwd,
        env=os.environ | env,
        capture_output=True,
        text=True,
        check=True,
    )


def pip(command: str, *args: str, cwd: Path) -> None:
    """Run pip without the network."""
    python("-m", "pip", command, "-q", "--no-deps", "--no-index", *args, cwd=cwd)


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


def in_checkout(pattern: str) -> set[str]:
    """The files of the checkout that a pattern matches, as paths in it."""
    return {path.relative_to(CHECKOUT).as_posix() for path in CHECKOUT.glob(pattern)}


@pytest.mark.parametrize(
    ("patterns", "at_least"),
    [(["models/*.toml"], 14), (["recipes/*/recipe.toml", "recipes/**/*.md"], 20)],
    ids=["models", "recipes"],
)
def test_the_wheel_carries_every_card_recipe_and_prompt(wheel, patterns, at_least):
    files = set().union(*map(in_checkout, patterns))
    in_wheel = set(zipfile.ZipFile(wheel).namelist())
    assert len(files) >= at_least
    assert {f"localfair/data/{file}" for file in files} <= in_wheel


def test_the_wheel_carries_every_module_and_every_template(wheel):
    modules = in_checkout("localfair/**/*.py") | in_checkout("localfair/report/templates/**/*.*")
    assert modules <= set(zipfile.ZipFile(wheel).namelist())


def test_the_wheel_carries_no_weights_no_tests_and_no_records(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    for name in names:
        assert not name.endswith(NEVER)
        for part in ("weights/", "tests/", "stray"):
            assert part not in name
    metadata = f"localfair-{localfair.__version__}.dist-info"
    assert {name.split("/")[0] for name in names} == {"localfair", metadata}


def test_an_installed_copy_finds_its_recipes_and_cards_outside_the_checkout(installed, tmp_path):
    here = {"PYTHONPATH": str(installed), "LOCALFAIR_WORKSPACE": ""}
    where = python("-c", "import localfair; print(localfair.__file__)", cwd=tmp_path, **here).stdout
    assert where.startswith(str(installed))
    listed = python("-m", "localfair", "recipes", "list", cwd=tmp_path, **here).stdout
    recipes = sorted(path.parent.name for path in CHECKOUT.glob("recipes/*/recipe.toml"))
    assert [line.split()[0] for line in listed.splitlines()] == recipes
    cards = python("-m", "localfair", "models", "list", "--json", cwd=tmp_path, **here).stdout
    names = {path.stem for path in CHECKOUT.glob("models/*.toml")}
    assert {card["name"] for card in json.loads(cards)} == names


IMPORT_ALL = """
import importlib, json, pkgutil, sys
sockets = []
missing = {}
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
    "datasette",
    "uvicorn",
)


def test_no_module_opens_a_socket_and_most_need_no_extra(tmp_path):
    imported = json.loads(python("-c", IMPORT_ALL, " ".join(EXTRAS), cwd=tmp_path).stdout)
    missing = imported["missing"]
    assert imported["sockets"] == []
    assert len(imported["names"]) >= 80
    assert set(missing.values()) <= set(EXTRAS)
    for module in ("localfair.pipeline.runs", "localfair.stages.train", "localfair.cli.run"):
        assert module in imported["names"]
        assert module not in missing
    assert len(missing) <= 20  # of more than 160: engines and training


@pytest.mark.parametrize(
    "module",
    [
        "localfair",
        "localfair.cli",
        "localfair.cli.run",
        "localfair.pipeline",
        "localfair.record.store",
    ],
)
def test_importing_loads_no_heavy_library(module, tmp_path):
    heavy = (
        "torch",
        "transformers",
        "vllm",
        "peft",
        "scipy",
        "matplotlib",
        "pandas",
        "llama_cpp",
        "huggingface_hub",
    )
    code = f"import sys, {module}; print(*({set(heavy)} & set(sys.modules)))"
    assert python("-c", code, cwd=tmp_path).stdout.split() == []
