"""TRL's defaults on our lessons learn the replies alone; they learnt the quoted mistakes of chats."""

from pathlib import Path

import pytest

from localfair.export.lessons import chats, write
from localfair.export.once import Destination
from localfair.record.store import Store
from tests.slow.outside.trl_steps import steps

pytest.importorskip("trl")
pytest.importorskip("datasets")


def test_three_steps_on_prompt_and_completion_learn_the_replies_alone(taught, tmp_path):
    with Store.open(taught.db) as store:
        replies = {chat.messages[-1].content for chat in chats(store, None)}
        path = write(store, None, "prompt-completion", Destination(tmp_path))
    learnt = steps(Path(taught.student), path, tmp_path / "trl")
    assert learnt["steps"] == 3
    assert set(learnt["learnt"]) == replies
