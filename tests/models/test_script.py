"""A script is a model: read from one file, known by its bytes, with no weights."""

import pytest

from localfair.errors import CorruptWeights, MissingWeights, UnknownModel
from localfair.models import Script, find_model, load_script

RULES = '[[rule]]\nwhen = "pens"\nreply = "five"\n[[rule]]\nwhen = ""\nreplies = ["a", "b"]\n'


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "small.script.toml"
    path.write_text(RULES)
    return path


def test_a_script_has_its_files_name_and_rules_in_their_order(path):
    script = load_script(path)
    assert (script.name, script.path, script.context, script.delay) == ("small", path, 4096, 0.0)
    assert [rule.replies for rule in script.rules] == [("five",), ("a", "b")]


def test_another_byte_is_another_fingerprint(path):
    before = load_script(path).fingerprint
    assert before.startswith("sha256:")
    path.write_text("delay = 1\n" + RULES)
    assert load_script(path).fingerprint != before


def test_a_script_shows_what_a_model_shows_and_has_no_weights(path):
    script = load_script(path)
    assert (script.format, script.has_weights) == ("script", False)
    assert (script.chat_template, script.chat_template_hash, script.card_template) == (
        None,
        "",
        None,
    )


@pytest.mark.parametrize("text", ["not toml", "", '[[rule]]\nwhen = "("\n', "[[rule]]\n"])
def test_a_file_that_is_no_script_is_refused_by_its_path(path, text):
    path.write_text(text)
    with pytest.raises(CorruptWeights, match=r"small\.script\.toml is not a script"):
        load_script(path)


def test_a_script_that_is_not_there_is_missing(tmp_path):
    with pytest.raises(MissingWeights, match="there is no script"):
        load_script(tmp_path / "none.script.toml")


def test_a_name_is_a_script_by_its_ending_alone(path, tmp_path):
    assert isinstance(find_model(str(path), tmp_path), Script)
    with pytest.raises(UnknownModel):
        find_model("small.script", tmp_path)


def test_a_byte_order_mark_is_no_part_of_a_script_and_utf_16_is_named(path):
    path.write_bytes(b"\xef\xbb\xbf" + RULES.encode())
    assert len(load_script(path).rules) == 2
    path.write_text(RULES, encoding="utf-16")
    with pytest.raises(CorruptWeights, match="UTF-16 text"):
        load_script(path)
