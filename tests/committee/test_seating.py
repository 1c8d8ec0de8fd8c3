"""From names to members: which weights, which engine, which seed."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest

from localfair.committee.seating import Options, Seating
from localfair.engines import Engine, engine_named
from localfair.errors import MissingDependency, MissingWeights, NetworkRefused, UsageError
from localfair.models import Card, Model


def model(format="gguf", **card):
    """A model of a format whose weights nobody will look at."""
    where = {"url": "http://127.0.0.1:1", "served": "m", "server": "vllm"}
    usual = where if format == "endpoint" else {"file": "weights"}
    return Model(
        card=Card(name="m", family="x", format=format, **usual | card),
        path=Path("/nowhere/weights"),
        fingerprint="sha256:0",
        chat_template="{{ weights }}",
        chat_template_hash="b2:t",
        context=512,
    )


def seated(role, model, tmp_path, **options):
    return Seating(tmp_path, 0, Options(**options)).placed(role, 0, model, "", None)


# -- which engine -----------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["student", "teacher", "mentor"])
def test_a_script_and_an_endpoint_have_one_engine_whatever_was_named(role, tmp_path, script):
    named = {"engine": "vllm", "student_engine": "vllm"}
    scripted = Seating(tmp_path, 0, Options(**named)).member(role, 0, script("any"))
    assert scripted.engine.name == "scripted"
    assert seated(role, model("endpoint"), tmp_path, **named).engine.name == "openai_http"


def test_a_student_sits_in_the_engine_that_trains_unless_another_was_named(tmp_path):
    assert seated("student", model(), tmp_path).engine.name == "transformers"
    assert seated("student", model(), tmp_path, student_engine="vllm").engine.name == "vllm"


@pytest.mark.parametrize("role", ["teacher", "reviewer"])
def test_a_teacher_and_a_reviewer_sit_in_the_engine_that_was_named(role, tmp_path):
    assert seated(role, model(), tmp_path, engine="xllamacpp").engine.name == "xllamacpp"
    assert seated(role, model("safetensors"), tmp_path, engine="vllm").engine.name == "vllm"


def test_a_mentor_sits_in_the_engine_that_trains_whatever_was_named(tmp_path):
    assert seated("mentor", model(), tmp_path, engine="llama_cpp").engine.name == "transformers"


@pytest.mark.parametrize(
    ("absent", "expected"),
    [
        ((), "llama_cpp"),
        (("llama_cpp",), "xllamacpp"),
        (("llama_cpp", "xllamacpp"), "transformers"),
    ],
)
def test_a_gguf_teacher_gets_the_first_of_its_engines_that_is_installed(
    absent, expected, tmp_path, monkeypatch
):
    monkeypatch.setattr(importlib.util, "find_spec", lambda package: package not in absent or None)
    assert seated("teacher", model(), tmp_path).engine.name == expected


def test_an_unknown_engine_is_refused_before_any_model_is_looked_for(tmp_path):
    with pytest.raises(UsageError, match="unknown engine 'vlm'") as refused:
        Seating(tmp_path, 0, Options(student_engine="vlm"))
    assert refused.value.hint == "did you mean 'vllm'?"


@pytest.mark.parametrize(
    ("engine", "format", "message", "hint"),
    [
        ("xllamacpp", "safetensors", "xllamacpp reads a GGUF", "use transformers or vllm"),
        ("scripted", "gguf", "scripted reads a script", "use llama_cpp or xllamacpp"),
        ("openai_http", "gguf", "m is behind no server", "models add --endpoint"),
    ],
)
def test_an_engine_that_cannot_serve_the_model_is_refused(engine, format, message, hint, tmp_path):
    with pytest.raises(UsageError, match=message) as refused:
        seated("teacher", model(format), tmp_path, engine=engine)
    assert hint in refused.value.hint


def test_another_host_is_refused_before_anybody_is_asked_unless_the_workspace_names_it(tmp_path):
    far = model("endpoint", url="http://gpu-box:8000")
    with pytest.raises(NetworkRefused, match="gpu-box"):
        seated("teacher", far, tmp_path)
    (tmp_path / "hosts.txt").write_text("gpu-box\n")
    assert seated("teacher", far, tmp_path).identity.engine == "openai_http/vllm@gpu-box"


def test_an_adapter_is_refused_where_the_engine_cannot_put_it_on_its_base(seating, tmp_path):
    with pytest.raises(UsageError, match="openai_http engine cannot put an adapter on m"):
        seating.placed("student", 0, model("endpoint"), "b2:a", tmp_path)


# -- identities and seats ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("engine", "format", "variant"),
    [
        ("llama_cpp", "gguf", "llama_cpp/gguf"),
        ("xllamacpp", "gguf", "xllamacpp/gguf"),
        ("transformers", "gguf", "transformers/nf4"),
        ("vllm", "safetensors", "vllm/nf4"),
        ("openai_http", "endpoint", "openai_http/vllm"),
    ],
)
def test_an_identity_is_known_without_opening_the_engine(engine, format, variant, tmp_path):
    member = seated("teacher", model(format), tmp_path, engine=engine, precision="nf4")
    assert member.identity.engine == variant
    assert (member.identity.model, member.identity.fingerprint) == ("m", "sha256:0")
    assert member.identity.chat_template == "b2:t"


def test_a_scripts_identity_is_its_file(seating, script):
    identity = seating.member("teacher", 0, script("any")).identity
    assert (identity.model, identity.engine, identity.chat_template) == ("any", "scripted", "")
    assert identity.fingerprint.startswith("sha256:")


def test_one_model_may_hold_several_seats_each_with_a_seed_of_its_own(seating, script):
    path = script("any")
    members = seating.seat("teacher", [path, path, path])
    assert [member.seat.index for member in members] == [0, 1, 2]
    assert len({member.seat.seed for member in members}) == 3
    assert len({member.identity for member in members}) == 1


def test_another_run_seed_is_another_seat_seed(tmp_path, script):
    path = script("any")
    first = Seating(tmp_path, 0, Options()).member("teacher", 0, path)
    second = Seating(tmp_path, 1, Options()).member("teacher", 0, path)
    assert first.seat.seed != second.seat.seed


def test_a_name_is_resolved_once_also_by_the_same_seating_with_another_engine(seating, script):
    path = script("any")
    first = seating.model(path)
    Path(path).unlink()
    assert seating.model(path) is first
    assert seating.with_engine("vllm").model(path) is first
    assert seating.with_engine("vllm").options.student_engine == "vllm"
    with pytest.raises(MissingWeights):
        Seating(seating.workspace, 0, Options()).model(path)


# -- weights and templates --------------------------------------------------------------------------


def test_a_member_with_an_adapter_keeps_its_seat_and_model(seating, script, tmp_path):
    member = seating.member("student", 0, script("any"))
    adapted = member.with_adapter("b2:a", tmp_path)
    assert (adapted.seat.role, adapted.seat.index, adapted.model) == ("student", 0, member.model)
    assert (adapted.identity.adapter, adapted.adapter) == ("b2:a", tmp_path)
    assert adapted.with_adapter("", None) == member


@pytest.mark.parametrize(("said", "expected"), [("weights", None), ("{{ mine }}", "{{ mine }}")])
def test_only_a_template_of_the_card_goes_before_that_of_the_weights(said, expected, tmp_path):
    resolved = replace(model(chat_template=said), chat_template="{{ mine }}")
    assert seated("teacher", resolved, tmp_path).chat_template == expected


def test_a_scripts_member_has_no_template(seating, script):
    assert seating.member("teacher", 0, script("any")).chat_template is None


def test_what_has_no_weights_here_cannot_be_trained(seating, script):
    with pytest.raises(UsageError, match="is a script and cannot be trained"):
        seating.folder(seating.model(script("any")))
    with pytest.raises(UsageError, match="the weights of m are behind a server"):
        seating.folder(model("endpoint"))


def test_the_folder_of_safetensors_is_its_own(seating):
    assert seating.folder(model("safetensors")) == Path("/nowhere/weights")


# -- opening ----------------------------------------------------------------------------------------


def test_a_member_opens_as_the_engine_of_its_identity(seating, script):
    member = seating.member("teacher", 0, script("any"))
    engine = member.open()
    assert isinstance(engine, Engine)
    assert engine.identity == member.identity


def test_a_member_whose_engine_is_not_installed_says_how_to_install_it(tmp_path):
    absent = replace(engine_named("vllm"), package="no_such_package")
    member = replace(seated("teacher", model("safetensors"), tmp_path), engine=absent)
    with pytest.raises(MissingDependency) as missing:
        member.open()
    assert missing.value.hint == "pip install 'localfair[vllm]'"


def test_a_gguf_teacher_opens_where_llama_cpp_was_not_compiled(tmp_path, tiny_gguf_student):
    pytest.importorskip("xllamacpp")
    options = Options(engine="xllamacpp", batch=2)
    member = Seating(tmp_path, 0, options).member("teacher", 0, str(tiny_gguf_student))
    assert member.identity.engine == "xllamacpp/gguf"
    assert member.open().identity == member.identity
