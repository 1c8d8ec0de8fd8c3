"""Each published layout in small, and what a file in a wrong layout is told."""

from __future__ import annotations

import json

import pytest

from localfair.errors import BadDataset, TaskError, UnknownTask
from localfair.tasks import all_tasks, get_task
from localfair.tasks.svamp import joined

GSM8K = {"question": "How many?", "answer": "3+4 = <<3+4=7>>7\n#### 7"}
LOGIQA = (
    "\nb\nAll cats sleep.\nWhich is true?\nA.Cats run.\nB.Cats sleep.\nC.Dogs run.\nD.Dogs sleep.\n"
)


def written(folder, name, content):
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_gsm8k_takes_the_number_after_the_hashes_and_keeps_the_reasoning(tmp_path):
    question = get_task("gsm8k").read(written(tmp_path, "train.jsonl", GSM8K)).questions[0]
    assert (question.gold, question.rationale) == ("7", "3+4 = 7. The answer is 7.")


def test_strategyqa_takes_the_authors_dev_file_as_test(tmp_path):
    rows = [{"qid": "1", "question": "Is it?", "answer": False, "facts": ["It is not."]}]
    question = get_task("strategyqa").read(written(tmp_path, "dev.json", rows)).questions[0]
    assert (question.gold, question.split, question.rationale) == (
        "no",
        "test",
        "It is not. The answer is no.",
    )


def test_logiqa_reads_eight_lines_an_item(tmp_path):
    questions = (
        get_task("logiqa")
        .read(written(tmp_path, "Test.txt", LOGIQA + LOGIQA.replace("cats", "cows")))
        .questions
    )
    assert [q.gold for q in questions] == ["B", "B"]
    assert questions[0].text == "All cats sleep.\nWhich is true?"
    assert questions[0].choices == ("Cats run.", "Cats sleep.", "Dogs run.", "Dogs sleep.")


def test_big_bench_choices_are_not_in_the_files_order(tmp_path):
    examples = [
        {
            "input": f"Question {n}?",
            "target_scores": {f"right {n}": 1, f"wrong {n}": 0, f"other {n}": 0},
        }
        for n in range(60)
    ]
    questions = (
        get_task("date").read(written(tmp_path, "task.json", {"examples": examples})).questions
    )
    assert {q.gold for q in questions} == {"A", "B", "C"}
    assert all(q.choices["ABC".index(q.gold)].startswith("right") for q in questions)


def test_a_folder_gives_all_its_files_and_says_which_is_missing(tmp_path):
    written(tmp_path, "train.jsonl", GSM8K)
    with pytest.raises(BadDataset, match=r"test\.jsonl"):
        get_task("gsm8k").read(tmp_path)
    written(tmp_path, "test.jsonl", GSM8K)
    dataset = get_task("gsm8k").read(tmp_path)
    assert [s.name for s in dataset.sources] == ["train.jsonl", "test.jsonl"]
    assert [q.split for q in dataset.questions] == ["test"], "the same question in train is dropped"


@pytest.mark.parametrize(
    ("body", "question", "text"),
    [
        ("He has 3.", "How many?", "He has 3. How many?"),
        ("He has 3", "How many?", "He has 3. How many?"),
        ("He has 3. If he finds 2", "How many?", "He has 3. If he finds 2, how many?"),
    ],
)
def test_svamp_joins_body_and_question_with_the_punctuation_it_lacks(body, question, text):
    assert joined(body, question) == text


@pytest.mark.parametrize(
    ("task", "name", "content", "where"),
    [
        (
            "gsm8k",
            "train.jsonl",
            json.dumps(GSM8K) + "\n{oops\n",
            r"train\.jsonl line 2: is not JSON",
        ),
        ("gsm8k", "train.jsonl", '{"question": "x"}', "line 1: has no 'answer'"),
        ("gsm8k", "train.jsonl", '{"question": "x", "answer": "7"}', "line 1: .*####"),
        (
            "gsm8k",
            "train.jsonl",
            '{"question": 5, "answer": "#### 7"}',
            "line 1: 'question' must be a text",
        ),
        (
            "gsm8k",
            "train.jsonl",
            '{"question": "x", "answer": "#### many"}',
            "line 1: .*not a number",
        ),
        ("gsm8k", "train.jsonl", '"text"', "line 1: is not a JSON object"),
        (
            "gsm8k",
            "train.jsonl",
            '{"question": "\\ud800", "answer": "#### 7"}',
            "line 1: .*Unicode",
        ),
        ("gsm8k", "train.jsonl", "9" * 5000, "line 1: .*too large"),
        ("gsm8k", "train.jsonl", "", "line 1: the file is empty"),
        ("svamp", "SVAMP.json", "[\n{},\n{oops}]", "line 3: is not JSON"),
        ("svamp", "SVAMP.json", [{"Body": "x", "Question": "y"}], "item 1: has no 'Answer'"),
        (
            "svamp",
            "SVAMP.json",
            [{"Body": "x", "Question": "y", "Answer": [1]}],
            "item 1: 'Answer' must be",
        ),
        ("svamp", "SVAMP.json", "[]", "holds no questions"),
        ("svamp", "SVAMP.json", "[" * 100000, "too large|is not JSON"),
        (
            "strategyqa",
            "train.json",
            [{"qid": "1", "question": "x", "answer": "yes"}],
            "item 1: .*true or false",
        ),
        (
            "commonsenseqa",
            "dev_rand_split.jsonl",
            {"id": "1", "question": {}},
            "line 1: has no 'answerKey'",
        ),
        (
            "commonsenseqa",
            "dev_rand_split.jsonl",
            {"answerKey": "A", "question": []},
            "line 1: is not a JSON",
        ),
        (
            "obqa",
            "obqa_test.json",
            [{"id": 1, "question": "x", "choices": ["a", "b"], "answer": "c"}],
            "none of",
        ),
        (
            "obqa",
            "obqa_test.json",
            [{"id": 1, "question": "x", "choices": "ab", "answer": "a"}],
            "must be a list",
        ),
        ("arc", "arc_test.json", [None], "item 1: is not a JSON object"),
        ("date", "task.json", "[]", "line 1: is not a JSON object with 'examples'"),
        ("date", "task.json", {"examples": 5}, "is not a list"),
        (
            "date",
            "task.json",
            {"examples": [{"input": "x", "target_scores": {"a": 0, "b": 0}}]},
            "item 1: .*exactly",
        ),
        (
            "last-letters",
            "last_letters.json",
            {"examples": [{"question": "x"}]},
            "item 1: has no 'answer'",
        ),
        ("logiqa", "Test.txt", "\nE\nx\ny\nA.a\nB.b\nC.c\nD.d\n", "line 2: .*answer A to D"),
        ("logiqa", "Test.txt", "\na\nx\ny\nA.a\nB.b\nD.d\nC.c\n", "line 7: is not option 'C'"),
        ("logiqa", "Test.txt", LOGIQA + "\na\nx\n", "line 9: the last item has 3 lines"),
        ("logiqa", "Test.txt", LOGIQA.strip("\n"), "line 1: "),
    ],
)
def test_a_wrong_layout_names_file_and_line_and_hints_at_the_right_one(
    tmp_path, task, name, content, where
):
    with pytest.raises(BadDataset, match=where) as caught:
        get_task(task).read(written(tmp_path, name, content))
    assert name in caught.value.message
    assert caught.value.hint.startswith("expected")


def test_bytes_that_are_not_text_name_their_line(tmp_path):
    path = tmp_path / "train.jsonl"
    path.write_bytes(b"{}\n\xff\xfe")
    with pytest.raises(BadDataset, match="line 2: is not UTF-8"):
        get_task("gsm8k").read(path)


def test_a_path_that_is_not_there_is_named(tmp_path):
    with pytest.raises(BadDataset, match="nowhere"):
        get_task("gsm8k").read(tmp_path / "nowhere")


def test_an_unknown_task_gets_the_nearest_name():
    with pytest.raises(UnknownTask) as caught:
        get_task("gsm8")
    assert "gsm8k" in caught.value.hint


def test_a_task_is_generated_or_has_files():
    for task in all_tasks():
        assert task.answer_format() and task.licence and task.public_source
        if not task.generated:
            with pytest.raises(TaskError):
                task.generate()


def test_a_prompt_is_the_text_and_lettered_choices(tmp_path):
    task = get_task("logiqa")
    question = task.read(written(tmp_path, "Test.txt", LOGIQA)).questions[0]
    assert task.prompt(question).splitlines()[2:4] == ["A. Cats run.", "B. Cats sleep."]
