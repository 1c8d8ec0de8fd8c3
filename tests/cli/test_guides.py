"""The guides of the rooms' pages do what they say: their commands and their code, at toy size."""

import json
import shlex
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

import localfair
from localfair.engines import Engine, EngineSpec, Opening
from localfair.models.script import load_script
from localfair.recipe.load import find_recipe
from localfair.tasks.base import split_questions
from tests.cli.conftest import review
from tests.engines.asking import asked
from tests.lab import FAST, teacher
from tests.pages import ROOT, blocks, commands, section

ROOMS = ROOT / "localfair"
SETTINGS = [word for setting in FAST for word in ("--set", setting)]


def words_of(page: Path, heading: str, instead: dict[str, str]) -> list[list[str]]:
    """The words of each command of a guide, some of them replaced by what is here."""
    lines = [shlex.split(command)[1:] for command in commands(section(page, heading))]
    return [[instead.get(word, word) for word in words] for words in lines]


def code_of(page: Path, heading: str) -> dict[str, object]:
    """What the guide's one block of Python defines."""
    (code,) = blocks(section(page, heading), "python")
    defined: dict[str, object] = {"__name__": "guide"}
    exec(compile(code, str(page), "exec"), defined)
    return defined


def options_of_the_page(page: Path) -> localfair.RunOptions:
    """The options of the page's Python, up to where they are used."""
    (code,) = blocks(section(page, "Python"), "python")
    head, used, _ = code.partition("planned = ")
    assert used
    defined: dict[str, localfair.RunOptions] = {}
    exec(compile(head, str(page), "exec"), defined)
    return defined["options"]


def test_the_guide_from_a_csv_and_a_gguf_to_a_chat(desk, tiny_gguf_student, monkeypatch):
    shutil.copy(tiny_gguf_student, desk.folder / "my-student.gguf")
    (example,) = blocks(
        section(ROOMS / "cli" / "README.md", "From a CSV and a GGUF to a chat"), "csv"
    )
    rows = [f"What is the code of item {n}?,{n}" for n in range(4011, 4051)]
    (desk.folder / "mine.csv").write_text("\n".join([*example.splitlines(), *rows]))
    scripts = {f"my-teacher-{x}": teacher(desk.folder, f"t{x}") for x in "ab"}
    guide = words_of(ROOMS / "cli" / "README.md", "From a CSV and a GGUF to a chat", scripts)
    exports = words_of(ROOMS / "export" / "README.md", "From lessons to a trainer", {})
    monkeypatch.setattr("sys.stdin", (desk.folder / "mine.csv").open())  # what is typed in the chat

    for words in [*guide, *exports]:
        small = SETTINGS if words[0] in ("plan", "run") else []
        short = ["--max-tokens", "4"] if words[0] in ("ask", "chat") else []
        said = desk.says(*words, *small, *short)
        assert said.code == 0, (words, said.err)

    written = {path.name for path in (desk.folder / "exports").rglob("*")}
    assert {"Modelfile", "lessons.jsonl", "dataset_info.json", "train.parquet"} <= written
    (info,) = (desk.folder / "exports").rglob("dataset_info.json")
    assert list(json.loads(info.read_text())) == [info.parent.name]  # as the guide names it

    # Python's way, with the seats and settings of here, is the same run: nobody is asked again
    options = options_of_the_page(ROOMS / "cli" / "README.md")
    options = replace(options, teachers=tuple(scripts.values()), settings=FAST)
    findings = localfair.run("fair", options)
    assert (findings.status, findings.calls) == ("done", 0)


def test_the_guide_on_a_laptop_plans_for_a_gguf(desk, tiny_gguf_student, tiny_student):
    here = {
        "qwen2.5-coder-1.5b-instruct": str(tiny_gguf_student),
        "qwen2.5-coder-0.5b-instruct": str(tiny_gguf_student),
        "smollm2-135m-instruct": str(tiny_student),
    }
    guide = words_of(ROOMS / "engines" / "README.md", "A laptop with llama.cpp", here)
    done = []
    for words in guide:
        if words[0] in ("bench", "plan"):
            words += ["--batch", "2"] if words[0] == "bench" else SETTINGS
            said = desk.says(*words)
            assert said.code == 0, (words, said.err)
            done.append(words[0])
    assert sorted(done) == ["bench", "plan"]


def test_the_guide_to_an_own_recipe(desk):
    teachers = {"A": "anna.script.toml", "B": "bert.script.toml"}
    student = {"smollm2-135m-instruct": "student.script.toml"}
    guide = words_of(ROOT / "recipes" / "README.md", "A recipe of your own", teachers | student)
    untrained = ["--set", "train.enabled=false", "--set", "after.enabled=false"]
    *looks, plan, compare = guide
    plan += untrained  # a script cannot be trained
    assert (plan[0], compare[0]) == ("plan", "compare")
    for words in [*looks, plan]:
        said = desk.says(*words)
        assert said.code == 0, (words, said.err)

    prompt = find_recipe("mine", desk.folder) / "prompts" / "ask-rationale.md"
    prompt.write_text(prompt.read_text() + "{{ weather }}\n")
    refused = desk.says(*plan)
    assert refused.code == 2
    assert "weather" in refused.error


def test_the_guide_to_own_questions(desk):
    items = [{"question": f"What is the code of item {n}?", "answer": n} for n in range(40)]
    rows = [f"{item['question']},{item['answer']}" for item in items]
    (desk.folder / "mine.csv").write_text("\n".join(["Question,ANSWER", *rows]))
    nested = [{"data": item} for item in items]
    (desk.folder / "nested.json").write_text(json.dumps(nested))
    for name, part in (("train", items[:20]), ("dev", items[20:30]), ("test", items[30:])):
        lines = "\n".join(json.dumps(item) for item in part)
        (desk.folder / f"{name}.jsonl").write_text(lines)

    for words in words_of(ROOMS / "tasks" / "README.md", "Questions of your own", {}):
        said = desk.says(*words)
        assert said.code == 0, (words, said.err)
    for name in ("mine", "sets", "nested"):
        assert f"\n{name}" in said.out  # the last command lists them


def test_the_records_page_asks_what_the_record_answers(desk):
    assert desk.says(*review()).code == 0
    queries = blocks(section(ROOMS / "record" / "README.md", "Ask it"), "sql")
    record = sqlite3.connect(desk.folder / "localfair.db")
    assert len(queries) == 3
    for query in queries:
        assert record.execute(query).fetchall(), query


def test_the_guide_to_a_new_task(tmp_path):
    (task,) = code_of(ROOMS / "tasks" / "README.md", "Add a task")["TASKS"]
    riddles = [{"ask": f"How many legs have {n} spiders?", "number": str(8 * n)} for n in range(50)]
    path = tmp_path / "riddles.json"
    path.write_text(json.dumps(riddles))
    read = split_questions(task.read(path).questions)
    assert {"train", "dev", "test"} == set(read)
    question = read["train"][0]
    assert task.grade(question, f"The answer is {question.gold}.").grade == "right"
    assert "legs" in task.prompt(question)


def test_the_guide_to_a_new_engine(desk):
    spec = code_of(ROOMS / "engines" / "README.md", "Add an engine")["SPEC"]
    assert isinstance(spec, EngineSpec)
    model = load_script(desk.folder / "anna.script.toml")
    identity = spec.identity(model, "bf16")
    engine = spec.open(model, Opening(identity=identity, folder=Path))
    assert isinstance(engine, Engine)
    requests = asked(3)
    replies = list(engine.generate(requests))
    assert [reply.text for reply in replies] == [r.messages[-1].content for r in requests]
    engine.close()


def test_the_trainers_files_say_what_the_exported_lessons_say():
    yaml = pytest.importorskip("yaml")
    text = section(ROOMS / "export" / "README.md", "From lessons to a trainer")
    axolotl, llama_factory = map(yaml.safe_load, blocks(text, "yaml"))
    (lessons,) = axolotl["datasets"]
    assert lessons["roles_to_train"] == ["assistant"]
    assert lessons["train_on_eos"] == "turn"
    assert axolotl["train_on_inputs"] is False
    assert llama_factory["train_on_prompt"] is False
    assert llama_factory["mask_history"] is True


@pytest.mark.parametrize(
    "page", sorted(ROOMS.rglob("README.md")), ids=lambda page: page.parent.name
)
def test_python_on_a_page_is_python(page):
    for code in blocks(page.read_text(), "python"):
        compile(code, str(page), "exec")


def test_a_workspace_elsewhere_takes_cards_and_recipes_and_leaves_results_here(
    desk, tiny_gguf_student, tmp_path_factory, monkeypatch
):
    elsewhere = tmp_path_factory.mktemp("workspace")
    monkeypatch.setenv("LOCALFAIR_WORKSPACE", str(elsewhere))
    rows = "".join(f"What is the code of item {n}?,{n}\n" for n in range(20))
    (desk.folder / "mine.csv").write_text(f"question,answer\n{rows}")
    for words in (
        ("models", "add", tiny_gguf_student, "--name", "my-student"),
        ("recipes", "copy", "fair", "mine"),
        ("tasks", "import", "table", "mine.csv", "--as", "mine"),
    ):
        said = desk.says(*words)
        assert said.code == 0, said.err
    assert (elsewhere / "models" / "my-student.toml").is_file()
    assert (elsewhere / "recipes" / "mine" / "recipe.toml").is_file()
    assert (desk.folder / "localfair.db").is_file()
    assert not (elsewhere / "localfair.db").exists()
