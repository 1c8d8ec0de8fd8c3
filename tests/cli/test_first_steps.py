"""The README's five commands, from one's own CSV and GGUF to a chat, with scripted teachers."""

import os
import shlex
import shutil

import pytest

from localfair.errors import MissingWeights
from localfair.models import Model, find_model
from tests.lab import FAST, teacher
from tests.pages import README, ROOT, commands, section

QUICK = (
    *FAST,
    "exam.samples=2",
    "exam.beyond=0",
    "learn.epochs=1",
    "learn.max_length=500",
    "learn.accumulation=1",
    "train.best_epoch={ epochs = [1, 2], sampling = { max_tokens = 8 } }",
    "check.accept.shows_steps=false",  # the scripts' rationales are of five words
)
SETTINGS = [word for setting in QUICK for word in ("--set", setting)]
FETCHED = ("qwen2.5-coder-1.5b-instruct", "qwen2.5-coder-0.5b-instruct")


def readme_commands(folder):
    """The words of each command, with scripts for the teachers that it would fetch."""
    text = section(README, "Your own questions, your own GGUF")
    scripts = {name: teacher(folder, f"t{number}") for number, name in enumerate(FETCHED)}
    lines = [shlex.split(command)[1:] for command in commands(text)]
    return [[scripts.get(word, word) for word in words if word != "--fetch"] for words in lines]


def follow_the_readme(desk, gguf, monkeypatch, *limits):
    """Do what it says with a GGUF, and a CSV of 40 questions and a broken row; what each said."""
    shutil.copy(gguf, desk.folder / "my-student.gguf")
    rows = [f"What is the code of item {n}?;{n}" for n in range(4011, 4051)]
    (desk.folder / "mine.csv").write_text("\n".join(["Question;Answer", *rows, "Broken?;"]))
    add, import_, run, ask, chat = readme_commands(desk.folder)
    names = [words[0] for words in (add, import_, run, ask, chat)]
    assert names == ["models", "tasks", "run", "ask", "chat"]

    before = [desk.says(*add), desk.says(*import_)]
    before.append(desk.says(*run, "--train-limit", 8, *SETTINGS, *limits))
    before.append(desk.says(*ask))
    lines = desk.folder / "lines.txt"
    lines.write_text("What is the code of item 4012?\nAnd of item 4013?\n")
    with lines.open() as typed:
        monkeypatch.setattr("sys.stdin", typed)
        chatted = desk.says(*chat, "--only", "after", "--engine", "llama_cpp")
    return [*before, chatted]


def test_the_readmes_five_commands_lead_from_a_csv_and_a_gguf_to_a_chat(
    desk, tiny_gguf_student, monkeypatch
):
    every = follow_the_readme(desk, tiny_gguf_student, monkeypatch)
    for said in every:
        assert said.code == 0, said.err
    _, imported, trained, asked, chatted = every
    assert "warning: left out 1 faulty row: line 42" in imported.err
    assert "after" in trained.out
    titles = [line.split()[0] for line in asked.out.splitlines() if line[:1].strip()]
    assert titles == ["before", "after"]
    assert chatted.out


@pytest.fixture
def smollm2():
    """SmolLM2's file; where it is not, a machine of CI fails and another skips."""
    try:
        model = find_model("smollm2-135m-instruct", ROOT)
    except MissingWeights as missing:
        give_up = pytest.fail if os.environ.get("CI") else pytest.skip
        give_up(f"{missing}; {missing.hint}")
    assert isinstance(model, Model)
    return model.path


@pytest.mark.real
def test_so_they_do_with_the_weights_of_smollm2(desk, smollm2, monkeypatch):
    every = follow_the_readme(desk, smollm2, monkeypatch, "--test-limit", 4)
    for said in every:
        assert said.code == 0, said.err
    assert all(character.isprintable() or character == "\n" for character in every[-1].out)
    assert every[-1].out.strip()
