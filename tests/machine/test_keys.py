"""A key is checked before it is sent, and is in nothing that comes back."""

import base64
import json
from urllib.parse import quote

import pytest

from localfair.errors import UsageError
from localfair.machine.keys import checked, taken_out, taken_out_of_text

KEY = 'sk-Zu/7+"geheim=9'


def test_the_white_space_around_a_key_is_no_part_of_it():
    assert checked(f"  {KEY}\r\n", "THE_KEY") == KEY
    assert checked("\n", "THE_KEY") == ""


@pytest.mark.parametrize("odd", ["\n", "\x00", "\x7f", "\x1b", "\u2028", "é", "\udcff", "中"])
def test_a_key_with_what_no_header_holds_is_refused_without_being_quoted(odd):
    if odd == "é":  # Latin-1 may stand in a header
        assert checked(f"secret{odd}key", "THE_KEY") == f"secret{odd}key"
        return
    with pytest.raises(UsageError, match=r"THE_KEY .* at position 7") as refused:
        checked(f"secret{odd}key", "THE_KEY")
    assert "secret" not in refused.value.message + refused.value.hint


@pytest.mark.parametrize(
    "written",
    [
        KEY,
        quote(KEY, safe=""),
        quote(KEY, safe="").lower().replace("sk-zu", "sk-Zu"),
        json.dumps(KEY),
        json.dumps(KEY).replace("/", r"\/"),
        "".join(f"\\u{ord(letter):04x}" for letter in "sk-Zu/7+") + KEY[8:],
        base64.b64encode(KEY.encode()).decode(),
        base64.b64encode(f"user:{KEY}".encode()).decode(),
        base64.urlsafe_b64encode(f"Bearer {KEY}".encode()).decode().rstrip("="),
        KEY.encode().hex(),
    ],
)
def test_a_key_is_taken_out_however_it_is_written(written):
    content = taken_out(f'{{"error": "wrong key {written} given"}}'.encode(), KEY)
    assert b"geheim" not in content and b"sk-Zu" not in content
    assert written[4:12].encode() not in content
    assert b"[key]" in content


def test_a_text_without_the_key_stays_as_it_is():
    content = json.dumps({"text": "sk- Zu \u20ac \u0041"}).encode()
    assert taken_out(content, KEY) == content
    assert taken_out(content, "") == content
    assert taken_out_of_text("plain é", KEY) == "plain é"


@pytest.mark.parametrize("word", ["m", "vllm", "ollama", "EMPTY", "lm-studio"])
def test_a_word_that_is_no_secret_is_left_in_replies(word):
    content = f"the model {word} answers".encode()
    assert taken_out(content, word) == content
