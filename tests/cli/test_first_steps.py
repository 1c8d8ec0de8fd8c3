"""The README's five commands, from one's own CSV and GGUF to a chat, with scripted teachers."""

import shlex
import shutil

from tests.lab import FAST, teacher
from tests.pages import README, commands, section

SETTINGS = [word for setting in FAST for word in ("--set", setting)]
FETCHED = ("qwen2.5-coder-1.5b-instruct", "qwen2.5-coder-0.5b-instruct")


def readme_commands(folder):
    """The words of each command, with scripts for the teachers that it would fetch."""
    text = section(README, "Your own questions, your own GGUF")
    scripts = {name: teacher(folder, f"t{number}") for number, name in enumerate(FETCHED)}
    lines = [shlex.split(command)[1:] for command in commands(text)]
    return [[scripts.get(word, word) for word in words if word != "--fetch"] for words in lines]


def test_the_readmes_five_commands_lead_from_a_csv_and_a_gguf_to_a_chat(
    desk, tiny_gguf_student, monkeypatch
):
    shutil.copy(tiny_gguf_student, desk.folder / "my-student.gguf")
    rows = [f"What is the code of item {n}?;{n}" for n in range(4011, 4051)]
    (desk.folder / "mine.csv").write_text("\n".join(["Question;Answer", *rows, "Broken?;"]))
    add, import_, run, ask, chat = readme_commands(desk.folder)
    assert [words[0] for words in (add, import_, run, ask, chat)] == [
        "models",
        "tasks",
        "run",
        "ask",
        "chat",
    ]

    added = desk.says(*add)
    imported = desk.says(*import_)
    trained = desk.says(*run, "--train-limit", 8, *SETTINGS)
    asked = desk.says(*ask)
    lines = desk.folder / "lines.txt"
    lines.write_text("What is the code of item 4012?\nAnd of item 4013?\n")
    with lines.open() as typed:
        monkeypatch.setattr("sys.stdin", typed)
        chatted = desk.says(*chat, "--only", "after", "--engine", "llama_cpp")

    for said in (added, imported, trained, asked, chatted):
        assert said.code == 0, said.err
    assert "warning: left out 1 faulty row: line 42" in imported.err
    assert "after" in trained.out
    titles = [line.split()[0] for line in asked.out.splitlines() if line[:1].strip()]
    assert titles == ["before", "after"]
    assert chatted.out
