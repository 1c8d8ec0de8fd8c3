"""What is read from files that others wrote, at random and at the command line: it is taken, or it is
a line and a hint, soon; never a traceback.

What any of it asks for is bounded in size, depth and steps, so no example may take long.
"""

from __future__ import annotations

import json
import shutil
import struct
import time
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localfair.errors import LocalfairError
from localfair.machine.bounds import MOST_DEPTH
from localfair.machine.limited import TemplateFault
from localfair.machine.terminal import ESCAPED, shown_in_line
from localfair.models.templates import rendered
from localfair.recipe.prompts import Prompts
from localfair.tasks.scores import read_score

AT_RANDOM = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
SECONDS = 20  # for one command; the slowest is ended after 3 seconds of processor time
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(),
    st.text(max_size=30),
    st.sampled_from(["\x1b[31m", "\u202e", "\ud800", "x" * 5000, "{{ x }}", "../../x", "\n", ""]),
)
VALUES = st.recursive(
    ODD,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=12,
)
DEEP = st.integers(1, 3000).map(lambda depth: "[" * depth + "]" * depth)
WORDS = (
    *("{{ ", " }}", "{% if x %}", "{% endif %}", "{% for a in x %}", "{% endfor %}", "x", " ~ "),
    *(" * ", " | fence", " | upper", "[0]", ".y", "(", ")", "9" * 30, "'a'", " % ", "**", "range("),
    *("{% set x = ", " %}", "\n--- user ---\n", "{% macro m() %}", "{% endmacro %}", "{{ m() }}"),
)
TEMPLATES = st.lists(st.sampled_from(WORDS), max_size=14).map("".join)
KEYS = ("before.sampling.max_tokens", "rounds", "train.loss", "train.adapter.rank", "review.accept")
CARD = (
    "name",
    "format",
    "file",
    "sha256",
    "bytes",
    "context",
    "licence",
    "chat_template",
    "source",
)
ROW = ("question", "answer", "id", "text", "gold", "choices")


def toml(pairs):
    """Tables of TOML of which each line may or may not be one."""
    return "".join(f"{json.dumps(key)} = {json.dumps(value)}\n" for key, value in pairs)


def rows(names):
    """Lines of JSON under names that a reader looks for."""
    objects = st.dictionaries(st.sampled_from(names) | st.text(max_size=5), VALUES, max_size=6)
    return st.lists((objects | VALUES).map(json.dumps) | DEEP, max_size=4).map("\n".join)


@pytest.fixture
def ends_well(desk):
    """Run a command line: it ends soon, with 0 or with a line and a hint, and shows no raw code."""

    def run(*arguments):
        start = time.perf_counter()
        said = desk.says(*arguments)
        assert time.perf_counter() - start < SECONDS
        assert said.code in (0, 1, 2)
        if said.code == 2:
            assert said.error
            assert said.hint
        assert not ESCAPED.search((said.out + said.err).replace("\n", ""))
        return said

    return run


def says_so(error: LocalfairError) -> None:
    """What the command line prints of an error: a line without codes, and exit code 2."""
    assert error.message
    assert error.exit_code == 2
    assert not ESCAPED.search(shown_in_line(error.message))


@AT_RANDOM
@given(st.lists(st.tuples(st.text(max_size=9), VALUES), max_size=5), st.text(max_size=60) | DEEP)
def test_a_recipe_of_anything_is_refused(desk, ends_well, pairs, noise):
    folder = desk.folder / "recipes" / "odd"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recipe.toml").write_bytes((toml(pairs) + noise).encode(errors="replace"))
    assert ends_well("recipes", "check", "odd").code == 2


@AT_RANDOM
@given(st.sampled_from(KEYS), st.text(max_size=40) | VALUES.map(json.dumps) | DEEP)
def test_a_setting_is_taken_or_is_a_line(ends_well, key, value):
    for setting in (f"{key}={value}", f"{value}={key}", value):
        ends_well("recipes", "check", "fair", f"--set={setting}")


@AT_RANDOM
@given(TEMPLATES)
def test_a_prompt_is_taken_or_is_a_line(desk, ends_well, template):
    if not (desk.folder / "recipes").exists():
        ends_well("recipes", "copy", "fair", "odd")
    (desk.folder / "recipes" / "odd" / "prompts" / "ask-rationale.md").write_text(template)
    ends_well("recipes", "check", "odd")


@AT_RANDOM
@given(TEMPLATES, ODD)
def test_a_prompt_renders_or_is_a_line_whatever_its_values(template, value):
    try:
        Prompts({"p": template}, b"k" * 32).render("p", x=value)
    except LocalfairError as error:
        says_so(error)


@AT_RANDOM
@given(TEMPLATES, ODD)
def test_a_chat_template_renders_or_is_a_line_whatever_its_values(template, value):
    try:
        rendered(template, {"x": value}, date(2026, 1, 1))
    except TemplateFault as fault:
        assert fault.said.isprintable()


@AT_RANDOM
@given(st.sampled_from([".jsonl", ".json", ".csv"]), rows(ROW) | st.text(max_size=80))
def test_a_table_of_anything_is_taken_or_is_a_line(desk, ends_well, suffix, text):
    (desk.folder / f"odd{suffix}").write_bytes(text.encode(errors="replace"))
    (desk.folder / "odd.db").unlink(missing_ok=True)
    ends_well("tasks", "import", "table", f"odd{suffix}", "--as", "odd", "--db", "odd.db")
    ends_well("tasks", "show", "gsm8k", f"odd{suffix}")


@AT_RANDOM
@given(rows(ROW))
def test_replies_are_graded_or_are_a_line(desk, ends_well, text):
    (desk.folder / "odd.jsonl").write_bytes(text.encode(errors="replace"))
    ends_well("grade", "gsm8k", "odd.jsonl")


@AT_RANDOM
@given(st.lists(st.tuples(st.sampled_from(CARD) | st.text(max_size=5), VALUES), max_size=9))
def test_a_card_of_anything_is_a_line_of_the_list(desk, ends_well, pairs):
    folder = desk.folder / "models" / "cards"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "odd.toml").write_bytes(toml(dict(pairs).items()).encode(errors="replace"))
    ends_well("models", "list")
    assert ends_well("models", "check", "odd").code == 2


@AT_RANDOM
@given(st.binary(max_size=120), st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_a_gguf_of_any_bytes_is_a_line(desk, ends_well, noise, tensors, values):
    header = b"GGUF" + struct.pack("<IQQ", 3, tensors, values)
    (desk.folder / "odd.gguf").write_bytes(header + noise)
    assert ends_well("models", "add", "odd.gguf", "--force").code == 2


@AT_RANDOM
@given(
    st.dictionaries(st.sampled_from(["architectures", "model_type", "auto_map", "x"]), VALUES),
    st.dictionaries(st.text(max_size=9), VALUES, max_size=4).map(json.dumps) | DEEP,
    st.binary(max_size=20),
)
def test_a_folder_of_any_safetensors_is_taken_or_is_a_line(desk, ends_well, config, header, noise):
    folder = desk.folder / "odd"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    encoded = header.encode()
    size = struct.pack("<Q", len(encoded))
    (folder / "model.safetensors").write_bytes(size + encoded + noise)
    ends_well("models", "add", "odd", "--force")


@AT_RANDOM
@given(st.dictionaries(st.sampled_from(["rule", "context", "delay", "x"]), VALUES, max_size=4))
def test_a_script_of_anything_is_a_line(desk, ends_well, content):
    (desk.folder / "odd.script.toml").write_bytes(toml(content.items()).encode(errors="replace"))
    arguments = ("exam", "fair", "--student", "odd.script.toml", "--task", "arithmetic-1")
    assert ends_well(*arguments, "--teacher", "odd.script.toml", "--test-limit", 1).code == 2


@AT_RANDOM
@given(st.text(max_size=80) | st.text("[]0123456789/. scoreScore:【】⁵½-", max_size=40))
def test_a_reply_has_a_score_from_1_to_5_or_none(reply):
    score = read_score(reply)
    assert score is None or 1 <= score <= 5


@AT_RANDOM
@given(st.text(max_size=200))
def test_no_text_reaches_a_terminal_with_a_code(text):
    assert not ESCAPED.search(shown_in_line(text))


def test_depth_is_refused_at_the_bound_and_not_where_a_library_gives_up(desk, ends_well):
    for depth, code in ((MOST_DEPTH + 1, 2), (10**5, 2)):
        (desk.folder / "config.json").write_text('{"a":' * depth + "1" + "}" * depth)
        (desk.folder / "model.safetensors").write_bytes(struct.pack("<Q", 2) + b"{}")
        assert ends_well("models", "add", ".").code == code
