"""The task for lm-evaluation-harness: the exam's prompts, golds as its filters write answers, plain data."""

import json
import re

import pytest
import yaml

from localfair.errors import UsageError
from localfair.export.harness import Asked, write
from localfair.export.harness_filters import filters_of, metric_of
from localfair.export.once import Destination
from localfair.record.nouns import Grade
from localfair.tasks.grading import grade


class Loader(yaml.SafeLoader):
    """YAML as lm-eval reads it: `!function` names a function of a file beside it."""


Loader.add_constructor("!function", lambda loader, node: f"function {node.value}")


def exported(lab, out, questions=Asked(), force=False):  # noqa: B008
    with lab.opened() as (store, student):
        return write(store, student, questions, Destination(out, force))


def tasks_of(folder):
    return [yaml.load(path.read_text(), Loader) for path in sorted(folder.glob("*.yaml"))]


def rows_of(folder):
    (path,) = folder.glob("questions-*.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_folder_asks_the_test_questions_in_the_exams_words(taught, tmp_path):
    folder = exported(taught, tmp_path)
    rows = rows_of(folder)
    asked = taught.column(
        "SELECT g.messages FROM answers a JOIN generations g ON g.id = a.generation "
        "JOIN questions q ON q.id = a.question WHERE q.split = 'test'"
    )
    prompts = {json.loads(messages)[0][1] for messages in asked}
    assert {row["prompt"] for row in rows} == prompts
    (task,) = tasks_of(folder)
    assert task["custom_dataset"] == "function utils.load"
    assert (task["doc_to_text"], task["doc_to_target"]) == ("prompt", "gold")
    assert task["generation_kwargs"]["max_gen_toks"] == 8
    assert task["generation_kwargs"]["do_sample"] is False
    assert task["task"] in (folder / "README.md").read_text()


def test_a_split_and_a_limit_are_the_users_choice(taught, tmp_path):
    rows = rows_of(exported(taught, tmp_path, Asked("train", 3)))
    assert len(rows) == 3
    train = taught.column("SELECT id FROM questions WHERE split = 'train'")
    assert {row["id"] for row in rows} <= set(train)


def test_golds_of_several_kinds_are_a_group_of_tasks(taught, tmp_path):
    lab = taught.copy(tmp_path)
    with lab.opened() as (store, _):
        key = "SELECT id FROM questions WHERE split = 'test' LIMIT 1"
        store.db.execute(f"UPDATE questions SET key = 'x:text', gold = 'a wolf' WHERE id = ({key})")
        store.db.conn.commit()
    folder = exported(lab, tmp_path / "out")
    *tasks, group = sorted(tasks_of(folder), key=lambda settings: "group" in settings)
    assert group["task"] == [task["task"] for task in tasks] or set(group["task"]) == {
        task["task"] for task in tasks
    }
    assert {task["dataset_kwargs"]["kind"] for task in tasks} == {"number", "text"}


def test_what_others_wrote_is_data_and_never_a_template(taught, tmp_path):
    lab = taught.copy(tmp_path)
    hostile = "{{ 7 * 7 }} {% raw %} !function os.system\n- x: \u2028 #"
    with lab.opened() as (store, _):
        store.db.execute("UPDATE questions SET text = ? WHERE split = 'test'", [hostile])
        store.db.execute("UPDATE runs SET recipe = ?", [hostile])
        store.db.conn.commit()
    folder = exported(lab, tmp_path / "out")
    assert all(row["prompt"].startswith("{{ 7 * 7 }} {% raw %}") for row in rows_of(folder))
    (task,) = tasks_of(folder)
    assert "7 * 7" not in json.dumps(task)
    assert "{{ 7" not in (folder / "utils.py").read_text()
    assert folder.parent == tmp_path / "out"


def test_a_prompt_with_turns_of_an_assistant_is_refused(taught, tmp_path):
    lab = taught.copy(tmp_path)
    with lab.opened() as (store, student):
        turns = "--- user ---\nOne?\n--- assistant ---\nOne.\n--- user ---\n{{ question }}"
        student.recipe.prompts["ask-rationale"] = turns
        with pytest.raises(UsageError, match="turns user, assistant, user") as refused:
            write(store, student, Asked(), Destination(tmp_path / "out"))
    assert refused.value.hint
    assert not (tmp_path / "out").exists()


# -- filters: tried as lm-eval applies them -------------------------------------------------------


def filtered(answer_kind, reply, choices=4):
    """A reply after the filters, as lm-eval's regex filter and its others work."""
    text = reply
    for step in filters_of(answer_kind, choices):
        if step["function"] == "regex":
            matches = re.findall(step["regex_pattern"], text)
            text = step["fallback"]
            if matches:
                first = matches[step["group_select"]]
                groups = [first] if isinstance(first, str) else [group for group in first if group]
                text = groups[0].strip() if groups else step["fallback"]
        elif step["function"] == "lowercase":
            text = text.lower()
        elif step["function"] == "map":
            text = step["mapping_dict"].get(text, step["default_value"])
    return text


def is_right(answer_kind, gold, reply, choices=4):
    metric = metric_of(answer_kind)
    both = [filtered(answer_kind, reply, choices), gold]
    for pattern in metric.get("regexes_to_ignore", ()):
        both = [re.sub(pattern, "", text) for text in both]
    return both[0].lower() == both[1].lower()


REPLIES = {
    "number": [
        ("72", "48 + 24 = 72. The answer is 72."),
        ("72", "#### 72"),
        ("72", r"So \boxed{72} pens in 3 boxes."),
        ("72", "The answer is 3 x 24 = 72."),
        ("72", "She has 72 pens."),
        ("1200", "The answer is $1,200.00."),
        ("-5", "The answer is -5 degrees."),
        ("12", "<think>Perhaps 7? The answer is 7.</think>\nThe answer is 12."),
        ("12", "<think>The answer is 12."),
        ("12", "The answer is 12.\n\nQuestion: Another has 9. How many?\nThe answer is 9."),
        ("12", "The answer is 13."),
        ("12", "<answer>12</answer> for 4 boxes"),
        ("12", '{"answer": 12, "confidence": 0.9}'),
        ("12", "I do not know."),
        ("2.5", "The answer is 2.50."),
        ("12", "First 12, and 30 of them later. The answer is 12 apples."),
    ],
    "choice": [
        ("B", "The answer is B."),
        ("B", "The answer is (B) library."),
        ("B", "**B**"),
        ("B", "Not A. The answer is: B. library"),
        ("B", "The answer is C."),
        ("B", "<answer>B</answer>. A is wrong."),
        ("A", "It has to be a bank, so (A)."),
    ],
    "yes-no": [
        ("yes", "So the answer is yes."),
        ("no", "The answer is No."),
        ("no", "That is false."),
        ("yes", "The answer is no."),
        ("yes", "Perhaps."),
    ],
    "text": [
        ("yajo", 'The answer is "yajo".'),
        ("yajo", "The answer is ya."),
        ("03/12/2021", "The answer is 03/12/2021."),
    ],
}
CASES = [(kind, gold, reply) for kind, replies in REPLIES.items() for gold, reply in replies]


@pytest.mark.parametrize(("answer_kind", "gold", "reply"), CASES)
def test_a_filter_reads_common_replies_as_we_do(answer_kind, gold, reply):
    choices = ("bank", "library", "store", "mall") if answer_kind == "choice" else ()
    ours = grade(answer_kind, gold, reply, choices).grade == Grade.RIGHT
    assert is_right(answer_kind, gold, reply) == ours


def test_no_filter_takes_long_over_a_long_reply():
    reply = "The answer is " + "1, 2 and x = " * 2000
    for answer_kind in ("number", "choice", "yes-no", "text", "latex"):
        filtered(answer_kind, reply)
