"""Whatever a header, a configuration or a card holds, the command line says one line and a hint.

The mutations are seeded, so a failure is the same on every machine.
"""

from __future__ import annotations

import json
import random
import shutil
import struct
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from localfair.cli import main

from .weights import META, card_text, gguf, packed, safetensors, text

ROUNDS = 500
COMMANDS = (["check", "odd"], ["fit", "odd"], ["fit", "odd", "--train"])
WEIRD = [
    None,
    True,
    0,
    -1,
    1.5,
    float("nan"),
    float("inf"),
    2**31,
    2**63,
    2**64,
    10**400,
    "",
    "1",
    "\x1b[2J\n",
    "\ud800",
    "x" * 100_000,
    [],
    [1, "a"],
    [[]],
    {},
    {"a": {}},
]


Ask = Callable[..., int]


@pytest.fixture
def ask(workspace: Path, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Runs `localfair models ...` and gives its exit code: 0, or 2 after one line and a hint."""

    def run(*arguments: str) -> int:
        start = time.perf_counter()
        with pytest.raises(SystemExit) as ended:
            main(["models", *arguments])
        assert time.perf_counter() - start < 10
        refusal = capsys.readouterr().err
        if ended.value.code:
            assert_is_one_line(refusal)
        return int(ended.value.code or 0)

    return run


def assert_is_one_line(refusal: str) -> None:
    error, hint, *more = refusal.strip().split("\n")
    assert error.startswith("error: ")
    assert hint.startswith("hint: ")
    assert more == []
    assert len(error) < 3000
    assert error.isprintable()
    for word in ("Traceback", "pydantic", "Errno", "unhashable", "object has no", "NoneType"):
        assert word not in error


def all_commands(ask: Ask, weights: Path) -> None:
    """Every command that reads weights, on weights that may be damaged."""
    refused = ask("add", str(weights), "--name", "odd", "--force")
    ask("check", str(weights))
    if not refused:
        for command in (["list"], *COMMANDS):
            ask(*command)


def mutated(content: bytes, dice: random.Random, end: int) -> bytes:
    """The content with some of its first `end` bytes changed, cut, doubled or overwritten."""
    raw = bytearray(content)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(max(1, min(end, len(raw))))
        change = dice.randrange(5)
        if change == 0:
            raw[at : at + 1] = bytes([dice.randrange(256)])
        elif change == 1:
            raw[at : at + 8] = struct.pack(
                "<Q", dice.choice([0, 1, 2**31, 2**40, 2**63, 2**64 - 1])
            )
        elif change == 2:
            raw[at : at + 4] = struct.pack("<I", dice.choice([0, 8, 9, 255, 2**31, 2**32 - 1]))
        elif change == 3:
            del raw[at : at + dice.randint(1, 16)]
        else:
            raw[at:at] = raw[at : at + dice.randint(1, 64)]
    return bytes(raw)


@pytest.mark.parametrize("seed", range(5))
def test_damaged_ggufs_are_one_line(ask: Ask, tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    whole = gguf(tmp_path / "whole.gguf").read_bytes()
    path = tmp_path / "odd.gguf"
    for _ in range(ROUNDS // 5):
        path.write_bytes(mutated(whole, dice, len(whole) - 128))
        all_commands(ask, path)


def gguf_of(path: Path, pairs: list[tuple[str, bytes]]) -> Path:
    """A GGUF of these keys and packed values, with an embedding."""
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, len(pairs))
    for key, value in pairs:
        head += text(key) + value
    head += text("token_embd.weight") + struct.pack("<IQQIQ", 2, 8, 4, 0, 0)
    path.write_bytes(head + b"\0" * (-len(head) % 32) + bytes(128))
    return path


ODD_VALUES = {
    "negative": struct.pack("<Ii", 5, -1),
    "huge": struct.pack("<IQ", 10, 2**64 - 1),
    "nan": struct.pack("<If", 6, float("nan")),
    "infinite": struct.pack("<Id", 12, float("inf")),
    "half": struct.pack("<If", 6, 0.5),
    "true": struct.pack("<IB", 7, 1),
    "zero": struct.pack("<II", 4, 0),
    "text": packed("\x1b[2J\nx"),
    "no UTF-8": struct.pack("<IQ", 8, 2) + b"\xff\xfe",
    "empty list": struct.pack("<IIQ", 9, 4, 0),
    "list": packed([-1, 2]),
    "texts": packed(["a", "b"]),
    "long list": packed([1] * 5000),
    "bytes": struct.pack("<IIQ", 9, 0, 3) + b"abc",
    "lists": struct.pack("<IIQIQ", 9, 9, 1, 4, 0),
    "unknown": struct.pack("<II", 77, 0),
    "endless": struct.pack("<IQ", 8, 2**40),
    "many": struct.pack("<IIQ", 9, 8, 2**63),
}


@pytest.mark.parametrize("odd", ODD_VALUES.values(), ids=ODD_VALUES)
def test_every_value_of_a_gguf_may_be_odd(ask: Ask, tmp_path: Path, odd: bytes) -> None:
    keys = [*META, "general.alignment", "general.type", "split.count", "split.no"]
    keys += ["llama.attention.key_length", "llama.pooling_type", "llama.feed_forward_length"]
    for odd_key in keys:
        pairs = [(key, packed(value)) for key, value in META.items() if key != odd_key]
        all_commands(ask, gguf_of(tmp_path / "odd.gguf", [*pairs, (odd_key, odd)]))


def json_mutated(content: object, dice: random.Random) -> object:
    """The content with one of its values, anywhere, replaced by something odd."""
    if isinstance(content, dict) and content and dice.random() < 0.8:
        key = dice.choice(list(content))
        return {**content, key: json_mutated(content[key], dice)}
    if isinstance(content, list) and content and dice.random() < 0.8:
        at = dice.randrange(len(content))
        return [*content[:at], json_mutated(content[at], dice), *content[at + 1 :]]
    return dice.choice(WEIRD)


def with_config(folder: Path, dice: random.Random) -> None:
    name = dice.choice(["config.json", "tokenizer_config.json"])
    content = json.loads((folder / name).read_text())
    if dice.random() < 0.3:
        content = {"model_type": "mm", "text_config": content}
    (folder / name).write_text(json.dumps(json_mutated(content, dice)))


def with_index(folder: Path, dice: random.Random) -> None:
    index = {"metadata": {"total_size": 4}, "weight_map": {"w": "model.safetensors"}}
    content = json_mutated(index, dice)
    (folder / "model.safetensors.index.json").write_text(json.dumps(content))


def with_header(folder: Path, dice: random.Random) -> None:
    tensor = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
    content = json_mutated({"__metadata__": {"format": "pt"}, "w": tensor}, dice)
    header = json.dumps(content).encode()
    path = folder / "model.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(4))


def with_bytes(folder: Path, dice: random.Random) -> None:
    path = dice.choice([path for path in sorted(folder.iterdir()) if path.is_file()])
    raw = path.read_bytes()
    path.write_bytes(mutated(raw, dice, len(raw)))


@pytest.mark.parametrize("spoil", [with_config, with_index, with_header, with_bytes])
def test_damaged_folders_are_one_line(
    ask: Ask, tmp_path: Path, spoil: Callable[[Path, random.Random], None]
) -> None:
    dice = random.Random(spoil.__name__)
    for _ in range(ROUNDS // 4):
        folder = safetensors(tmp_path / "odd")
        spoil(folder, dice)
        all_commands(ask, folder)
        shutil.rmtree(folder)


DEEP = ["[" * 100_000, '{"a":' * 100_000, "[" * 100_000 + "]" * 100_000]


@pytest.mark.parametrize("deep", DEEP, ids=["open", "objects", "closed"])
@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json", "generation_config.json"])
def test_deep_json_is_one_line(ask: Ask, tmp_path: Path, name: str, deep: str) -> None:
    folder = safetensors(tmp_path / "odd")
    for content in (deep, f'{{"a": {deep}}}'):
        (folder / name).write_text(content)
        assert ask("add", str(folder)) == 2


def toml_of(value: object) -> str:
    """A value as TOML, as far as TOML has it; JSON's words else, which are then no TOML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {toml_of(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(toml_of(item) for item in value) + "]"
    if isinstance(value, float):
        return str(value)
    return json.dumps(value)


@pytest.mark.parametrize("seed", range(2))
def test_odd_cards_are_one_line(ask: Ask, workspace: Path, seed: int) -> None:
    dice = random.Random(seed)
    source = {"kind": "pypi", "package": "p", "version": "1", "member": "*.gguf"}
    card = {
        "name": "odd",
        "family": "Tiny",
        "licence": "mit",
        "licence_read_from": "x",
        "format": "gguf",
        "file": "odd.gguf",
        "size": 7,
        "context_length": 64,
        "roles": ["teacher"],
        "sources": [source],
        "path": "/nowhere",
        "note": "n",
        "chat_template": "weights",
    }
    path = workspace / "models" / "odd.toml"
    for _ in range(ROUNDS // 2):
        content = json_mutated(card, dice)
        values = content if isinstance(content, dict) else {"name": content}
        lines = [f"{key} = {toml_of(value)}\n" for key, value in values.items()]
        raw = "".join(lines).encode("utf-8", errors="replace")
        path.write_bytes(mutated(raw, dice, len(raw)) if dice.random() < 0.3 else raw)
        ask("list")
        ask("check", "odd")


@pytest.mark.parametrize(
    "line",
    [
        "note = " + "[" * 100_000,
        "note = " + "{a=" * 100_000,
        "note = " + "[" * 200 + "]" * 200,
        ".".join("a" * 50_000) + " = 1",
        "[" + ".".join("a" * 50_000) + "]",
        "note = {" + " . ".join(["'a'"] * 20_000) + " = 1}",
        "size = " + "9" * 10_000,
        "note = '''" + "x" * 3_000_000 + "'''",
        "note = '\x1b'",
    ],
    ids=range(9),
)
def test_cards_that_a_parser_chokes_on_are_one_line(ask: Ask, workspace: Path, line: str) -> None:
    (workspace / "models" / "tiny.toml").write_text(card_text() + line + "\n")
    assert ask("list") == 2
    assert ask("check", "tiny") == 2
