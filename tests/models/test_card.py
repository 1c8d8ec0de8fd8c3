"""A card says what is known, and every mistake in it is told at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from localfair.errors import ModelError
from localfair.models.card import Card, load_card, save_card

from .weights import card_text

SHIPPED = Path(__file__).parents[2] / "models"


def test_every_shipped_card_is_valid_and_named_after_its_file() -> None:
    cards = {path.stem: load_card(path) for path in SHIPPED.glob("*.toml")}
    assert len(cards) == 14
    assert all(card.name == stem for stem, card in cards.items())


def test_a_shipped_card_claims_no_hash_without_a_size_and_no_path_of_a_machine() -> None:
    for path in SHIPPED.glob("*.toml"):
        card = load_card(path)
        assert (card.sha256 is None) == (card.size is None), path
        assert not card.path


def test_all_problems_of_a_card_are_reported_at_once(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(
        card_text("Bad Name", licens="x", sha256="12", size=-1, roles=["boss"], format="pickle")
    )
    with pytest.raises(ModelError) as caught:
        load_card(path)
    message = caught.value.message
    for part in ("did you mean 'licence'?", "sha256", "size", "roles.0", "format", "name"):
        assert part in message


def test_an_unknown_key_of_a_source_gets_the_nearest_one(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(
        card_text() + '[[sources]]\nkind = "pypi"\npackage = "p"\nversion = "1"\nmembr = "x"\n'
    )
    with pytest.raises(ModelError, match=r"did you mean 'member'\?"):
        load_card(path)


def test_a_source_that_cannot_be_asked_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(card_text() + '[[sources]]\nkind = "pypi"\npackage = "p"\n')
    with pytest.raises(ModelError, match="a pypi source needs version"):
        load_card(path)


def test_a_licence_must_say_where_it_was_read(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(card_text(licence="mit"))
    with pytest.raises(ModelError, match="licence_read_from"):
        load_card(path)


@pytest.mark.parametrize("file", ["../up.gguf", "/etc/passwd", "a/b.gguf", ".hashes.json", ""])
def test_a_file_name_cannot_leave_the_weights_folder(tmp_path: Path, file: str) -> None:
    (tmp_path / "bad.toml").write_text(card_text(file=file))
    with pytest.raises(ModelError, match="file"):
        load_card(tmp_path / "bad.toml")


def test_broken_toml_is_an_error_with_the_file(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("name = ")
    with pytest.raises(ModelError, match=r"bad\.toml"):
        load_card(tmp_path / "bad.toml")


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.toml")), ids=lambda path: path.stem)
def test_a_card_written_reads_back_equal(tmp_path: Path, path: Path) -> None:
    card = load_card(path)
    save_card(card, tmp_path / "copy.toml")
    assert load_card(tmp_path / "copy.toml") == card
    assert isinstance(card, Card)
