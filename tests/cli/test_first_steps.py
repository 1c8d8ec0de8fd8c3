"""From one's own CSV and GGUF to a chat in five commands, with scripted teachers."""

import shutil

from tests.lab import FAST, teacher

SETTINGS = [word for setting in FAST for word in ("--set", setting)]


def test_five_commands_lead_from_a_csv_and_a_gguf_to_a_chat(desk, tiny_gguf_student, monkeypatch):
    shutil.copy(tiny_gguf_student, desk.folder / "my-student.gguf")
    rows = [f"What is the code of item {n}?;{n}" for n in range(4011, 4051)]
    (desk.folder / "mine.csv").write_text("\n".join(["Question;Answer", *rows, "Broken?;"]))
    teachers = [teacher(desk.folder, name) for name in ("t1", "t2")]

    added = desk.says("models", "add", "my-student.gguf")
    imported = desk.says("tasks", "import", "table", "mine.csv", "--as", "mine")
    seats = ("--student", "my-student", "--teacher", teachers[0], "--teacher", teachers[1])
    trained = desk.says("run", "fair", "--task", "mine", *seats, "--train-limit", 8, *SETTINGS)
    asked = desk.says("ask", "What is the code of item 4012?")
    lines = desk.folder / "lines.txt"
    lines.write_text("What is the code of item 4012?\nAnd of item 4013?\n")
    with lines.open() as typed:
        monkeypatch.setattr("sys.stdin", typed)
        chatted = desk.says("chat", "--only", "after", "--engine", "llama_cpp")

    for said in (added, imported, trained, asked, chatted):
        assert said.code == 0, said.err
    assert "warning: left out 1 faulty row: line 42" in imported.err
    assert "after" in trained.out
    titles = [line.split()[0] for line in asked.out.splitlines() if line[:1].strip()]
    assert titles == ["before", "after"]
    assert chatted.out
