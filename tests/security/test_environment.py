"""Whatever the environment, a model's name or an address holds, it is used or it is a line."""

from __future__ import annotations

import json
import os

import pytest

from localfair.machine.terminal import ESCAPED
from localfair.models.card import Card, save_card
from tests.cli.conftest import review

ODD = ("~nobody-of-this-name/x", "/nope", "circle", "pipe", "x" * 5000, "\x1b[2J", "a\nb", "\udcff")
VARIABLES = ("LOCALFAIR_WORKSPACE", "LOCALFAIR_WEIGHTS", "XDG_STATE_HOME", "HOME")
ADDRESSES = (
    "http://me:secret@127.0.0.1:1/",
    "http://127.0.0.1@evil.example/",
    "file:///etc/passwd",
    "gopher://127.0.0.1/",
    "http://evil.example",
    "http://2130706433/",
    "http://127.0.0.1.evil.example/",
    "http://\u217cocalhost/",
    "http://localhost\u3002evil.example/",
    "http://127.0.0.1:99999/",
    "http://127.0.0.1/\nHost: evil",
    "http://[::ffff:1.2.3.4]/",
    "http://0.0.0.0/",
    "http://" + "a" * 5000,
)
KEYS = ("a\nb-secret", "schl\u00fcssel\u20ac-secret", "secret\x00"[:-1] + "\x1b", "\u202esecret")
NAMES = ("~nobody-of-this-name/x", "circle", "pipe", "https://evil.example/model", "x" * 5000, "..")


@pytest.fixture
def ends_well(desk):
    """Run a command line: it ends with 0, or with a line and a hint, and shows no raw code."""
    (desk.folder / "circle").symlink_to("circle")
    os.mkfifo(desk.folder / "pipe")

    def run(*arguments):
        said = desk.says(*arguments)
        assert said.code in (0, 1, 2), said.err
        if said.code == 2:
            assert said.hint
        assert not ESCAPED.search((said.out + said.err).replace("\n", ""))
        return said

    return run


@pytest.mark.parametrize("value", ODD, ids=ascii)
@pytest.mark.parametrize("variable", VARIABLES)
def test_a_variable_of_anything_is_used_or_is_a_line(ends_well, monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    for command in (("models", "list"), ("recipes", "list"), ("report",), review()):
        ends_well(*command)


@pytest.mark.parametrize("address", ADDRESSES, ids=ascii)
def test_no_address_leads_beyond_this_machine(ends_well, address):
    said = ends_well("models", "add", "--endpoint", address, "--served", "m")
    assert said.code == 2
    assert "secret" not in said.err


@pytest.mark.parametrize("key", KEYS, ids=ascii)
def test_a_key_that_no_header_holds_is_refused_and_never_shown(desk, ends_well, monkeypatch, key):
    card = Card(
        name="far",
        family="x",
        format="endpoint",
        url="http://127.0.0.1:9",
        served="m",
        server="vllm",
    )
    save_card(card, desk.folder / "models" / "far.toml")
    monkeypatch.setenv("LOCALFAIR_ENDPOINT_KEY", key)
    said = ends_well(*review(), "--teacher", "far")
    assert said.code == 2
    assert "LOCALFAIR_ENDPOINT_KEY holds a character that no key has" in said.error
    assert "secret" not in said.err


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_model_of_any_name_is_a_line(ends_well, name):
    assert ends_well(*review(), "--teacher", name).code == 2
    assert ends_well("models", "add", name).code == 2


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("adapter_config.json", {"base_model_name_or_path": "https://evil.example/model"}),
        ("adapter_config.json", {"auto_mapping": {"base_model_class": "Evil"}}),
        ("config.json", {"auto_map": {"AutoModel": "../evil--modeling.Evil"}}),
        ("config.json", {"_name_or_path": "x", "quantization_config": {"auto_map": {"a": "b"}}}),
        ("tokenizer_config.json", {"auto_map": {"AutoTokenizer": ["evil.Evil", None]}}),
        ("pytorch_model.bin", None),
        ("model.safetensors.index.json", {"weight_map": {"a": "../../outside.safetensors"}}),
        ("model.safetensors.index.json", {"weight_map": {"a": "/etc/passwd"}}),
    ],
)
def test_a_folder_that_somebody_merged_or_trained_runs_nothing_and_leads_nowhere(
    desk, ends_well, file, content
):
    folder = desk.folder / "merged"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "llama"}))
    (folder / file).write_bytes(b"\x80\4." if content is None else json.dumps(content).encode())
    assert ends_well("models", "add", "merged").code == 2
    assert ends_well("exam", "fair", *review()[2:], "--student", "merged").code == 2
