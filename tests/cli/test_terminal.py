"""Whatever a command prints goes through the one printer, so no text of others reaches the terminal raw."""

import ast
from pathlib import Path

import pytest
import tomli_w

import localfair
from tests.cli.conftest import review, seats

PACKAGE = Path(localfair.__file__).parent
PRINTERS = {"click.echo", "click.secho", "print", "sys.stdout.write", "sys.stderr.write"}
HOSTILE = "\x1b]0;owned\x07\x1b[2J\u202e[/bold]\r"


def calls(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


# the printer, and processes of ours whose output a parent reads
OTHERS = {
    "machine/terminal.py",
    "engines/guardian.py",
    "engines/xllamacpp_child.py",
    "machine/limited_child.py",
    "pipeline/doctor_child.py",
}


def test_nothing_in_the_package_prints_past_the_one_printer():
    printing = set()
    for path in PACKAGE.rglob("*.py"):
        if not PRINTERS.isdisjoint(calls(path)):
            printing.add(path.relative_to(PACKAGE).as_posix())
    assert printing == OTHERS


def is_clean(text):
    return all(line.isprintable() for line in text.replace("\t", "").split("\n"))


@pytest.mark.parametrize(
    "args",
    [
        [HOSTILE],
        ["run", HOSTILE],
        ["run", "fair", f"--{HOSTILE}"],
        ["run", "fair", "--set", HOSTILE],
        ["recipes", "show", HOSTILE],
        ["models", "check", HOSTILE],
        ["models", "add", HOSTILE],
        ["models", "add", "--endpoint", f"http://127.0.0.1:1/{HOSTILE}", "--served", "m"],
        ["report", HOSTILE, "--db", HOSTILE],
    ],
)
def test_what_a_command_line_holds_is_quoted_without_its_codes(desk, args):
    said = desk.says(*args)
    assert said.code == 2
    assert said.error
    assert is_clean(said.out + said.err)


def test_a_card_with_codes_in_its_licence_is_refused_in_a_clean_line(desk):
    (desk.folder / "models").mkdir()
    card = {
        "name": "mine",
        "family": "x",
        "licence": f"{HOSTILE}\nevil  free",
        "licence_read_from": "x",
        "format": "gguf",
        "file": "mine.gguf",
    }
    (desk.folder / "models" / "mine.toml").write_text(tomli_w.dumps(card))
    said = desk.says("models", "list")
    assert said.code == 2
    assert "licence: holds a control character or a line break" in said.error
    assert is_clean(said.out + said.err)


def noted_recipe(desk, note):
    assert desk.says("recipes", "copy", "fair", "mine").code == 0
    toml = desk.folder / "recipes" / "mine" / "recipe.toml"
    text = tomli_w.dumps({"note": note}) + toml.read_text()
    toml.write_text(text)


def test_a_recipes_note_with_codes_and_markup_is_shown_and_ends_no_run(desk):
    noted_recipe(desk, f"half-[/bold] {HOSTILE}[link=x]\nsecond line")
    small = ("--task", "arithmetic-1", "--train-limit", 2, "--test-limit", 2)
    said = desk.says("review", "mine", *seats("anna", "bert"), *small)
    assert said.code == 0
    assert "half-[/bold] \\x1b]0;owned\\x07" in said.err
    assert "\nsecond line\n" in said.err
    assert is_clean(said.out + said.err)


def test_on_a_terminal_a_note_with_markup_is_text_too(monkeypatch, capsys):
    import sys

    from localfair.cli.show import Watch

    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with Watch() as watch:
        watch.progress(1, 2, "inquire: [/bold]\x1b[2J")
        watch.say("half-[/bold] :smile: \x1b[2J")
    assert "half-[/bold] :smile: \\x1b[2J" in capsys.readouterr().err


def test_a_folder_that_was_removed_meanwhile_is_one_line(desk):
    gone = desk.folder / "gone"
    gone.mkdir()
    process = desk.start(
        "models", "list", before=lambda: (__import__("os").chdir(gone), gone.rmdir())
    )
    said = desk.waits(process)
    assert said.code == 2
    assert "the working directory was removed" in said.error


def test_a_report_of_names_with_codes_is_clean(desk):
    name = "an\x1b[31mna\u202e"
    (desk.folder / f"{name}.script.toml").write_text((desk.folder / "anna.script.toml").read_text())
    said = desk.says(*review(teachers=(name, "bert")))
    assert said.code == 0
    assert is_clean(said.out + said.err)
    assert "an\\x1b[31mna\\u202e" in said.out
