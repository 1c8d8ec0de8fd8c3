"""The list of engines: one line each, found by name, by what they read and by what they can do."""

import ast
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

import localfair
from localfair.cli import cli
from localfair.engines import (
    ENGINES,
    engine_named,
    engine_of,
    llama_cpp,
    open_engine,
    reading,
    training_engine,
)
from localfair.errors import MissingDependency, UsageError
from localfair.record.nouns import EngineIdentity
from tests.engines.asking import NAMES


def names(engines):
    return [engine.name for engine in engines]


def test_every_shipped_engine_is_held_to_the_contract():
    assert sorted(names(ENGINES)) == sorted(NAMES)


def test_an_unknown_engine_is_refused_with_the_nearest_name():
    with pytest.raises(UsageError) as refused:
        open_engine("lama_cpp", None)
    assert refused.value.message == "unknown engine 'lama_cpp'"
    assert "llama_cpp" in refused.value.hint


@pytest.mark.parametrize(
    ("format", "expected"),
    [
        ("gguf", ["llama_cpp", "xllamacpp"]),
        ("safetensors", ["transformers", "vllm"]),
        ("endpoint", ["openai_http"]),
        ("script", ["scripted"]),
    ],
)
def test_the_engines_of_a_format_come_with_the_usual_one_first(format, expected):
    assert names(reading(format)) == expected


def test_a_gguf_is_also_served_by_the_engines_that_take_it_as_safetensors():
    serving = [engine for engine in ENGINES if engine.serves("gguf")]
    assert names(serving) == ["llama_cpp", "xllamacpp", "transformers", "vllm"]


def test_one_engine_holds_the_weights_that_training_loads():
    assert training_engine().name == "transformers"
    assert training_engine().adapts and training_engine().loads_weights


@pytest.mark.parametrize("name", NAMES)
def test_an_engine_is_found_by_its_identity(name):
    for variant in (name, f"{name}/bf16", f"{name}/vllm@gpu-box"):
        identity = EngineIdentity(model="m", fingerprint="f", chat_template="", engine=variant)
        assert engine_of(identity) is engine_named(name)


def test_an_engine_that_is_not_installed_says_how_to_install_it():
    absent = replace(llama_cpp.SPEC, package="no_such_package")
    assert not absent.installed
    with pytest.raises(MissingDependency, match="needs the package 'no_such_package'") as missing:
        absent.open(None, None)
    assert missing.value.hint == "pip install 'localfair[llama]'"


ROOMS_ABOVE = ("committee", "stages", "pipeline", "export", "cli")


@pytest.mark.parametrize("room", ROOMS_ABOVE)
def test_no_room_above_names_an_engine(room):
    for path in Path(localfair.__file__).parent.joinpath(room).rglob("*.py"):
        texts = {node.value for node in ast.walk(ast.parse(path.read_text())) if is_text(node)}
        named = {text.split("/")[0] for text in texts} & set(NAMES)
        if path.name.startswith("doctor_"):
            continue  # it looks for packages, some of which are called as their engines
        if path.name == "beside.py":
            named -= {"transformers"}  # the library of a model card on a hub
        # a script's student is called scripted, whatever engine answers for it
        assert named <= {"scripted"}, path


def is_text(node):
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def test_the_help_of_run_names_every_engine_that_one_can_choose():
    text = CliRunner().invoke(cli, ["run", "--help"]).output
    for engine in ENGINES:
        assert (engine.name in text) == engine.loads_weights


def test_listing_the_engines_imports_no_library_of_theirs():
    packages = {engine.package for engine in ENGINES if engine.package} | {"torch", "pydantic"}
    code = f"import sys, localfair.engines; print(*({packages} & set(sys.modules)))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert loaded.stdout.split() == []
