"""Questions by split."""

from __future__ import annotations

from localfair.record.nouns import Question
from localfair.tasks.base import split_questions


def question(key, split):
    return Question(task="t", key=key, split=split, text=key, gold="1")


def test_questions_are_parted_by_split_in_their_order():
    by_split = split_questions(
        [question("a", "test"), question("b", "train"), question("c", "test")]
    )
    assert list(by_split) == ["train", "dev", "test"]
    assert [q.key for q in by_split["test"]] == ["a", "c"]
    assert [q.key for q in by_split["train"]] == ["b"]
    assert by_split["dev"] == []
