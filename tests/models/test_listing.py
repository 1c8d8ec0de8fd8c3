"""A list says of every card whether its weights are here, and hashes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from localfair.models.listing import Listed, listing, table

from .weights import card_text, gguf


def put_card(workspace: Path, **changes: Any) -> None:
    (workspace / "models" / "tiny.toml").write_text(card_text(**changes))


def put_weights(workspace: Path) -> Path:
    return gguf(workspace / "models" / "weights" / "tiny.gguf")


def tiny(workspace: Path) -> Listed:
    (listed,) = [model for model in listing(workspace) if model.name == "tiny"]
    return listed


def test_every_card_is_listed_by_name(workspace: Path) -> None:
    put_card(workspace)
    names = [model.name for model in listing(workspace)]
    assert names == sorted(names)
    assert len(names) == 15


def test_weights_that_are_here_tell_size_and_context(workspace: Path) -> None:
    put_card(workspace)
    path = put_weights(workspace)
    listed = tiny(workspace)
    assert listed.state == "here"
    assert listed.path == str(path)
    assert listed.size == path.stat().st_size
    assert listed.context == 128


def test_a_context_in_the_card_stands_before_the_weights_own(workspace: Path) -> None:
    put_card(workspace, context_length=32)
    put_weights(workspace)
    assert tiny(workspace).context == 32


def test_weights_that_are_not_here_leave_what_the_card_says(workspace: Path) -> None:
    put_card(workspace, size=7, roles=["student"])
    listed = tiny(workspace)
    assert listed.state == "not here"
    assert listed.path is None
    assert listed.size == 7
    assert listed.roles == ("student",)


def test_another_size_and_damage_are_told(workspace: Path) -> None:
    put_card(workspace, size=7)
    path = put_weights(workspace)
    assert tiny(workspace).state == "another size"
    path.write_bytes(path.read_bytes()[:-1])
    assert tiny(workspace).state.startswith("damaged: ")
    assert tiny(workspace).size == 7


def test_a_hash_in_the_card_is_not_compared(workspace: Path) -> None:
    put_card(workspace, sha256="0" * 64)
    put_weights(workspace)
    assert tiny(workspace).state == "here"
    assert not (workspace / "models" / "weights" / ".hashes.json").exists()


def test_an_endpoint_is_listed_by_its_address(workspace: Path) -> None:
    url = "http://127.0.0.1:1"
    put_card(workspace, format="endpoint", file="", url=url, served="m", server="vllm")
    assert tiny(workspace).state == "endpoint"
    assert tiny(workspace).path == url


def test_a_table_has_aligned_columns_and_marks_what_nobody_says(workspace: Path) -> None:
    put_card(workspace, size=2**30, roles=["student", "teacher"])
    heading, line = table([tiny(workspace)]).splitlines()
    cells = ["tiny", "unverified", "unverified", "1.00 GiB", "?", "student,teacher", "not here"]
    names = ["name", "licence", "outputs", "size", "context", "roles", "weights"]
    assert [heading.index(name) for name in names] == [
        line.index("tiny"),
        line.index("unverified"),
        line.rindex("unverified"),
        line.index("1.00 GiB"),
        line.index("?"),
        line.index("student,"),
        line.index("not here"),
    ]
    assert line.split() == " ".join(cells).split()
