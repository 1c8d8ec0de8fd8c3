"""What the shell is told to complete."""

import pytest
from click.shell_completion import ShellComplete

from localfair.cli import cli


def completes(*words):
    """The names that the last word completes to."""
    *before, incomplete = words
    shell = ShellComplete(cli, {}, "localfair", "_LOCALFAIR_COMPLETE")
    return [item.value for item in shell.get_completions(before, incomplete)]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("run", "quick"), ["quickstart"]),
        (("recipes", "show", "fa"), ["fair"]),
        (("run", "fair", "--task", "gsm"), ["gsm8k"]),
        (("run", "fair", "--student", "smollm2"), ["smollm2-135m-instruct"]),
        (("plan", "fair", "--teacher", "tiny"), ["tinyllama-1.1b-chat"]),
        (("ask", "--model", "phi-4-m"), ["phi-4-mini-instruct"]),
        (("models", "check", "olmo"), ["olmo-2-7b-instruct"]),
        (("bench", "smollm3"), ["smollm3-3b"]),
        (("tasks", "import", "svam"), ["svamp"]),
        (("run", "fair", "--engine", "xl"), ["xllamacpp"]),
        (("conf",), ["config"]),
    ],
)
def test_names_are_completed(words, names):
    assert completes(*words) == names


def test_a_table_of_the_record_is_completed(desk):
    (desk.folder / "t.csv").write_text("question,answer\na?,1\n")
    assert desk.says("tasks", "import", "table", "t.csv", "--as", "zebra").code == 0
    assert completes("run", "fair", "--task", "zeb") == ["zebra"]
    (desk.folder / "localfair.db").rename("other.db")
    assert completes("run", "fair", "--db", "other.db", "--task", "zeb") == ["zebra"]


def test_what_cannot_be_read_completes_to_nothing(desk):
    (desk.folder / "localfair.db").write_text("no database at all")
    assert completes("run", "fair", "--task", "gsm") == []
    assert completes("run", "fair", "--student", "mine.gg") == ["mine.gg"]  # a file, says the shell
