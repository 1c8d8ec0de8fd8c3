"""A card says what is known, and every mistake in it is told at once."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from localfair.errors import ModelError
from localfair.models.card import card_path, load_card, save_card

from .weights import card_text

SHIPPED = sorted((Path(__file__).parents[2] / "models").glob("*.toml"))


def refusal(folder: Path, text: str) -> str:
    """What is said of a card of this text, which is not valid."""
    path = folder / "bad.toml"
    path.write_text(text)
    with pytest.raises(ModelError) as refused:
        load_card(path)
    return refused.value.message


def test_every_shipped_card_is_valid_and_named_after_its_file() -> None:
    assert len(SHIPPED) == 14
    for path in SHIPPED:
        assert load_card(path).name == path.stem


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_card_claims_no_hash_without_a_size_and_no_path_of_a_machine(path: Path) -> None:
    card = load_card(path)
    assert (card.sha256 is None) == (card.size is None)
    assert not card.path


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_card_written_reads_back_equal(tmp_path: Path, path: Path) -> None:
    card = load_card(path)
    save_card(card, tmp_path / "copy.toml")
    assert load_card(tmp_path / "copy.toml") == card


def test_a_written_card_says_what_nobody_verified(workspace: Path) -> None:
    path = card_path("tiny", workspace)
    path.write_text(card_text())
    save_card(load_card(path), path)
    written = path.read_text()
    assert 'licence = "unverified"' in written
    assert 'output_terms = "unverified"' in written
    assert "sha256" not in written


def test_all_problems_of_a_card_are_reported_at_once(tmp_path: Path) -> None:
    text = card_text("Bad Name", licens="x", sha256="12", size=-1, roles=["boss"], format="pickle")
    message = refusal(tmp_path, text)
    for problem in ("did you mean 'licence'?", "sha256", "size", "roles.0", "format", "name"):
        assert problem in message


def test_an_unknown_key_of_a_source_gets_the_nearest_one(tmp_path: Path) -> None:
    source = '[[sources]]\nkind = "pypi"\npackage = "p"\nversion = "1"\nmembr = "x"\n'
    assert "did you mean 'member'?" in refusal(tmp_path, card_text() + source)


def test_a_source_that_cannot_be_asked_is_refused(tmp_path: Path) -> None:
    source = '[[sources]]\nkind = "pypi"\npackage = "p"\n'
    assert "a pypi source needs version" in refusal(tmp_path, card_text() + source)


def test_a_licence_must_say_where_it_was_read(tmp_path: Path) -> None:
    assert "licence_read_from" in refusal(tmp_path, card_text(licence="mit"))


def test_an_endpoint_must_say_where_it_is(tmp_path: Path) -> None:
    message = refusal(tmp_path, card_text(format="endpoint", url="http://127.0.0.1:1"))
    assert "endpoint: served and server must be said" in message


@pytest.mark.parametrize("file", ["../up.gguf", "/etc/passwd", "a/b.gguf", ".hashes.json", ""])
def test_a_file_name_cannot_leave_the_weights_folder(tmp_path: Path, file: str) -> None:
    assert "file" in refusal(tmp_path, card_text(file=file))


def test_broken_toml_is_an_error_with_the_file(tmp_path: Path) -> None:
    assert "bad.toml" in refusal(tmp_path, "name = ")


ONE_LINE = ["family", "licence", "licence_read_from", "output_terms", "url", "served", "path"]


@pytest.mark.parametrize("key", ONE_LINE)
@pytest.mark.parametrize(
    "text",
    ["\x1b[31mred", "a\x07b", "a\x9bb", "two\nlines", "a\rb", "a\u2028b", "a\u202eb", "\x00"],
    ids=ascii,
)
def test_control_characters_in_what_is_shown_are_refused(
    tmp_path: Path, key: str, text: str
) -> None:
    message = refusal(tmp_path, card_text(**{key: text}))
    assert f"{key}: holds a control character or a line break" in message
    assert message.isprintable()


def test_a_note_of_several_lines_becomes_one(tmp_path: Path) -> None:
    path = tmp_path / "tiny.toml"
    path.write_text(card_text() + 'note = """\nfirst\n  second\tthird\n"""\n')
    assert load_card(path).note == "first second third"
    path.write_text(card_text(note="\x1b[2J"))
    with pytest.raises(ModelError, match="note"):
        load_card(path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("size", "12"),
        ("size", 1.0),
        ("size", True),
        ("size", 0),
        ("size", 2**60),
        ("context_length", "512"),
        ("context_length", -1),
        ("context_length", 0),
        ("context_length", 2**40),
        ("context_length", [512]),
        ("name", "a" * 200),
        ("file", "a" * 300),
        ("licence", "a" * 1000),
        ("roles", ["teacher"] * 1000),
        ("sources", "none"),
        ("family", 3),
        ("family", ""),
    ],
)
def test_a_value_out_of_its_bounds_is_refused_in_words_of_ours(
    tmp_path: Path, key: str, value: object
) -> None:
    changes = {"name": "tiny", key: value}
    message = refusal(tmp_path, card_text(**changes))
    assert key in message
    assert "Input should" not in message
    assert "pydantic" not in message


def test_what_toml_has_and_json_has_not_is_refused_as_a_size(tmp_path: Path) -> None:
    for number in ("nan", "inf", "-inf", "1979-05-27", "1e400", "9" * 5000):
        assert refusal(tmp_path, card_text() + f"size = {number}\n")


def test_a_card_with_hundreds_of_problems_names_the_first_ones(tmp_path: Path) -> None:
    keys = "".join(f"k{number} = 1\n" for number in range(500))
    message = refusal(tmp_path, card_text() + keys)
    assert "and 490 more" in message
    assert len(message) < 5000


@pytest.mark.parametrize(
    "text",
    [
        "note = " + "[" * 100_000,
        ".".join("a" * 100_000) + " = 1",
        "note = " + "[" * 200 + "]" * 200,
        "note = '" + "x" * 3_000_000 + "'",
    ],
    ids=["open", "dotted", "deep", "large"],
)
def test_a_card_that_is_too_deep_or_too_large_is_refused_at_once(tmp_path: Path, text: str) -> None:
    start = time.perf_counter()
    assert "bad.toml" in refusal(tmp_path, card_text() + text)
    assert time.perf_counter() - start < 5


def test_a_pipe_is_not_waited_for(workspace: Path) -> None:
    os.mkfifo(workspace / "models" / "pipe.toml")
    with pytest.raises(ModelError, match="no regular file"):
        load_card(workspace / "models" / "pipe.toml")


def test_the_shipped_cards_of_thinking_models_say_so() -> None:
    thinking = [path.stem for path in SHIPPED if load_card(path).thinks]
    assert thinking == ["qwen3-14b", "qwen3-4b", "qwen3-8b", "smollm3-3b"]


def test_what_a_card_says_of_thinking_reads_back_equal(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(card_text(name="a") + "thinks = true\nenable_thinking = false\n")
    card = load_card(path)
    assert (card.thinks, card.enable_thinking) == (True, False)
    save_card(card, path)
    assert load_card(path) == card
