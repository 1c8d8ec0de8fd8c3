"""`localfair models` prints data to stdout and what it is doing to stderr, and is cheap to import."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.models.weights import card_text, gguf, safetensors


@pytest.fixture
def tiny(desk):
    """Weights that lie beside the workspace, with a card that was made of them."""
    path = gguf(desk.folder / "tiny.gguf", llama__feed_forward_length=128)
    assert desk.says("models", "add", path).code == 0
    return path


def listed(desk):
    """The line of `tiny` in the table, and its object in the JSON."""
    table = desk.says("models", "list").out.splitlines()
    (line,) = [line for line in table if line.startswith("tiny ")]
    objects = json.loads(desk.says("models", "list", "--json").out)
    (model,) = [model for model in objects if model["name"] == "tiny"]
    return line, model


def test_add_says_what_the_weights_say(desk, tiny):
    said = desk.says("models", "add", tiny)
    assert said.out.startswith("tiny: licence apache-2.0, sha256 ")


def test_add_says_when_a_known_card_describes_the_weights(desk, tiny):
    new = gguf(desk.folder / "new.gguf", llama__feed_forward_length=64)
    assert "known weights" not in desk.says("models", "add", new).out
    said = desk.says("models", "add", new.rename(desk.folder / "copied.gguf"))
    assert "known weights: the card new describes them" in said.out
    named = desk.says("models", "add", tiny, "--name", "other")
    assert "known weights: the card tiny describes them; other says the same" in named.out


def test_add_takes_weights_or_an_endpoint_and_not_both(desk, tiny):
    said = desk.says("models", "add", tiny, "--endpoint", "http://127.0.0.1:1", "--served", "m")
    assert said.error == "give FILE, or --endpoint URL with --served NAME"


def test_list_shows_a_card_as_json_and_in_a_table(desk, tiny):
    line, model = listed(desk)
    assert model["state"] == "here"
    assert model["licence"] == "apache-2.0"
    assert model["context"] == 128
    assert model["roles"] == []
    assert "unverified" in line
    assert line.endswith("here")


def test_list_shows_damage_instead_of_failing(desk, tiny):
    tiny.write_bytes(tiny.read_bytes()[:-5])
    line, model = listed(desk)
    assert "damaged" in line
    assert model["state"].startswith("damaged")


def test_check_prints_the_fingerprint(desk, tiny):
    said = desk.says("models", "check", "tiny")
    assert said.out.startswith("tiny: sha256:")
    assert "(as the card says)" in said.out


def test_an_unknown_name_is_one_line_and_a_hint(desk):
    assert "nobody" in desk.says("models", "check", "nobody").error


def test_fetch_tells_its_progress_on_stderr(desk, tiny):
    said = desk.says("models", "fetch", "tiny")
    assert "already here" in said.err
    assert said.out.startswith("tiny: sha256:")


def test_fetch_refuses_a_card_that_is_not_valid_in_one_line(desk):
    source = '[[sources]]\nkind = "pypi"\npackage = "-rlist"\nversion = "1.0"\n'
    (desk.folder / "models").mkdir()
    (desk.folder / "models" / "tiny.toml").write_text(card_text() + source)
    said = desk.says("models", "fetch", "tiny")
    assert said.error.endswith("'-rlist' is not the name of a package")
    assert said.hint == "correct the card"


def test_fit_says_what_is_needed_and_what_is_free(desk, tiny):
    said = desk.says("models", "fit", tiny, "--batch", "1")
    assert "serving, context 2048, 1 at once: needs 0.06 GiB" in said.out
    assert said.out.strip().endswith("memory are free: fits")


def test_fit_says_what_would_fit(desk, tiny):
    said = desk.says("models", "fit", tiny, "--train", "--length", "99999", "--batch", "99999")
    verdict, proposal = said.out.strip().splitlines()
    assert verdict.endswith("does not fit")
    assert proposal.startswith("would fit: length ")
    assert proposal.endswith("gradient checkpointing")


def test_importing_the_command_loads_no_model_library():
    heavy = "{'torch', 'transformers', 'pydantic', 'huggingface_hub', 'numpy', 'gguf'}"
    code = f"import sys, localfair.cli.models; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_pickles_that_nothing_opens_are_named_and_left(desk):
    folder = safetensors(desk.folder / "trained")
    (folder / "training_args.bin").write_bytes(b"PK")
    for command in (("add", folder), ("check", "trained")):
        said = desk.says("models", *command)
        assert said.code == 0
        assert said.err == "left alone, nothing opens it: training_args.bin\n"
        assert "training_args" not in said.out
