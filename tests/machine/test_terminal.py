"""What others wrote is shown on a terminal and never obeyed by it."""

import io
import json
import sys

import pytest

from localfair.machine.terminal import (
    Pieces,
    cut_to_terminal,
    echo,
    echo_json,
    echo_text,
    one_line,
    shown,
    shown_in_line,
    warn,
)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("\x1b[2J", "\\x1b[2J"),
        ("\x9b31m", "\\x9b31m"),
        ("a\x07b\x08c\x7f", "a\\x07b\\x08c\\x7f"),
        ("over\rwritten", "over\\x0dwritten"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("\u2066x\u2069", "\\u2066x\\u2069"),
        ("one\u2028two\u2029three\x85four", "one\\u2028two\\u2029three\\x85four"),
        ("pass\u200bword", "pass\\u200bword"),
        ("ad\u200dmin", "ad\\u200dmin"),
        ("\U000e0041\U000e0042", "\\U000e0041\\U000e0042"),
        ("half \ud83d", "half \\ud83d"),
    ],
)
def test_what_moves_turns_or_hides_text_is_seen_as_its_escape(text, seen):
    assert shown(text) == seen
    assert shown_in_line(text) == seen


@pytest.mark.parametrize(
    "text",
    ["Ünïcödé €", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "👩\u200d🔬", "क्\u200dष"],
)
def test_letters_of_every_script_stay_as_they_are(text):
    assert shown(text) == text


def test_a_line_cannot_become_two_and_a_text_may_have_several(capsys):
    echo("name\nerror: forged", "second")
    echo_text("first\r\nsecond\tthird")
    assert capsys.readouterr().out == "name\\nerror: forged\nsecond\nfirst\nsecond\tthird\n"


def test_a_quoted_text_is_one_printable_line_that_is_not_long():
    assert one_line("\x1b[31mred\r\n\ttext\u2028more\x9b") == "\\x1b[31mred text more\\x9b"
    assert one_line("\ud800a\u202eb") == "\\ud800a\\u202eb"
    assert one_line("x" * 500, 10) == "xxxxxxxxx…"


def test_json_stays_json_and_holds_no_control_code(capsys):
    value = {"name": "\x1b]0;x\x07\x7f\x9b\u202e"}
    echo_json(value)
    out = capsys.readouterr().out
    assert json.loads(out) == value
    assert out.rstrip("\n").isprintable()


def test_a_warning_goes_to_stderr_in_one_line(capsys):
    warn("odd\x1b[1m\nname")
    assert capsys.readouterr() == ("", "warning: odd\\x1b[1m\\nname\n")


def test_a_letter_that_the_output_has_no_code_for_becomes_a_question_mark(monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="latin-1"))
    echo("Wie viel € für 中")
    sys.stdout.flush()
    assert raw.getvalue() == "Wie viel ? für ?\n".encode("latin-1")


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize(
    "text",
    [
        "\x1b[31mred\x1b]0;title\x07",
        "first\r\nsecond\rthird",
        "ad\u200dmin 👩\u200d🔬 \u0645\u06cc\u200c\u062e end\u200d",
        "\u202egpj.exe \ud83d",
        "",
    ],
)
def test_a_text_in_pieces_is_shown_as_the_whole_would_be(capsys, text, size):
    pieces = Pieces()
    for start in range(0, len(text), size):
        pieces.print(text[start : start + size])
    pieces.end()
    assert capsys.readouterr().out == f"{shown(text)}\n"


def test_a_piece_is_there_as_soon_as_it_is_printed_and_every_line_is_indented(capsys):
    pieces = Pieces("  ")
    pieces.print("one\nafter")
    assert capsys.readouterr().out == "  one\n  after"
    pieces.print("\n> two")
    pieces.end()
    assert capsys.readouterr().out == "\n  > two\n"


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_long_line_is_cut_where_a_terminal_ends_and_whole_in_a_file(monkeypatch, is_terminal):
    monkeypatch.setattr("sys.stdout.isatty", lambda: is_terminal)
    monkeypatch.setenv("COLUMNS", "20")
    line = "x" * 30
    assert cut_to_terminal(line) == ("x" * 19 + "…" if is_terminal else line)
    assert cut_to_terminal("x" * 20) == "x" * 20
