"""Which hosts are asked at all, and what a server reports of the model that it holds."""

import os

import pytest

from localfair.committee.seating import Options, Seating
from localfair.engines import open_engine
from localfair.errors import (
    CorruptWeights,
    EngineDied,
    EngineError,
    LocalfairError,
    ModelError,
    NetworkRefused,
    UsageError,
)
from localfair.models import check, endpoint, resolve
from localfair.models.adding import add_endpoint
from localfair.models.card import Card, load_card, save_card
from tests.engines.asking import asked, texts
from tests.engines.stub_server import Stub, models, reply

LIST = "/v1/models"
CHAT = "/v1/chat/completions"


def llama_server(meta):
    """Answers like a llama-server whose only model, `m`, is what `meta` says."""
    properties = {
        "default_generation_settings": {"n_ctx": 64},
        "model_path": "/x/y.gguf",
        "chat_template": "t",
    }

    def answer(path, body):
        if path == "/props":
            return 200, properties
        return 200, models("m", owned_by="llamacpp", meta=meta)

    return answer


def listing(**model):
    """Answers like a server that can do nothing but list the model `m`."""

    def answer(path, body):
        return (200, models("m", **model)) if path == LIST else (404, {})

    return answer


def chatting(chat):
    """Answers like a server that lists the model `m`, and says `chat` to every chat."""

    def answer(path, body):
        if path == CHAT:
            return chat
        return (200, models("m")) if path == LIST else (404, {})

    return answer


def meta(**changes):
    return {"n_params": 9, "size": 8, "n_ctx": 64, **changes}


# -- which hosts ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "root"),
    [
        ("http://127.0.0.1:1/v1", "http://127.0.0.1:1"),
        ("http://localhost:1", "http://localhost:1"),
        ("http://[::1]:1/v1/", "http://[::1]:1"),
        ("https://127.0.0.1/behind/v1", "https://127.0.0.1/behind"),
    ],
)
def test_this_machine_may_be_asked(url, root):
    assert endpoint.allowed(url, frozenset()) == root


def test_another_host_is_refused_unless_it_is_named():
    url = "http://gpu-box:8080"
    with pytest.raises(NetworkRefused, match="gpu-box") as refused:
        endpoint.allowed(url, frozenset())
    assert "hosts.txt" in refused.value.hint
    assert endpoint.allowed(url, frozenset({"gpu-box"})) == url


def test_a_workspace_names_hosts_one_a_line(tmp_path):
    assert endpoint.allowed_hosts(tmp_path) == frozenset()
    (tmp_path / "hosts.txt").write_text("# mine\n\nGPU-box  # under the desk\n")
    assert endpoint.allowed_hosts(tmp_path) == {"gpu-box"}


def test_a_comment_ends_with_its_line_and_with_nothing_else(tmp_path):
    text = "\ufeffgood\r\n# why\u2028evil\x0bworse\x85worst\n"
    (tmp_path / "hosts.txt").write_text(text, newline="")
    assert endpoint.allowed_hosts(tmp_path) == {"good"}


def test_hosts_that_are_no_text_are_refused_in_a_line(tmp_path):
    (tmp_path / "hosts.txt").write_bytes(b"good\n\xff\n")
    with pytest.raises(UsageError, match=r"no UTF-8 text \(byte 5\)"):
        endpoint.allowed_hosts(tmp_path)


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_hosts_that_never_end_are_a_line(tmp_path, make):
    make(tmp_path / "hosts.txt")
    with pytest.raises(UsageError, match="cannot be read: it is no regular file"):
        endpoint.allowed_hosts(tmp_path)


def test_an_engine_on_another_host_says_so(tmp_path):
    card = Card(
        name="far",
        family="x",
        format="endpoint",
        url="http://gpu-box:8080",
        served="m",
        server="vllm",
    )
    save_card(card, tmp_path / "models" / "far.toml")
    engine = open_engine("openai_http", resolve("far", tmp_path), hosts=frozenset({"gpu-box"}))
    assert engine.identity.engine == "openai_http/vllm@gpu-box"


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1",
        "127.0.0.1:80",
        "http://",
        "http://a:b@127.0.0.1/",
        "http://:b@127.0.0.1/",
        "http://127.0.0.1/\x1b[2J",
        "http://127.0.0.1/a b",
        "http://\u212aube.example/",
        "http://127.0.0.1/?a=b",
        "http://127.0.0.1:0",
        "http://127.0.0.1:port",
        "http://[::1",
    ],
)
def test_what_is_no_address_is_refused(url):
    with pytest.raises(UsageError, match="not the address"):
        endpoint.allowed(url, frozenset())


@pytest.fixture
def dead_proxy(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")


@pytest.mark.usefixtures("dead_proxy")
def test_no_proxy_is_used(tmp_path):
    with Stub(chatting((200, reply()))) as stub:
        add_endpoint(stub.url, "m", tmp_path, name="far")
        engine = open_engine("openai_http", resolve("far", tmp_path))
        assert len(texts(engine, asked(1))) == 1


def test_no_redirect_is_followed(tmp_path):
    with Stub(lambda path, body: (302, {})) as stub, pytest.raises(EngineError, match="302"):
        endpoint.look(stub.url, "m")
    with Stub(chatting((302, {}))) as stub:
        add_endpoint(stub.url, "m", tmp_path, name="far")
        with pytest.raises(EngineError, match="302"):
            texts(open_engine("openai_http", resolve("far", tmp_path)), asked(1))


# -- what servers report ----------------------------------------------------------------------------


def test_llama_server_is_known_by_its_model_and_not_by_its_address():
    with Stub(llama_server(meta())) as stub, Stub(llama_server(meta())) as twin:
        reported = endpoint.look(stub.url, "whatever it is called by")
        assert endpoint.look(twin.url, "m") == reported
    assert reported.server == "llamacpp"
    assert reported.context == 64
    # cards on disk hold it: it may never change
    assert reported.identity == "b2:5294e96fabe66c25ec1164e2383bdd38"


@pytest.mark.parametrize(("changes", "same"), [({"size": 7}, False), ({"n_ctx": 32}, True)])
def test_its_identity_is_that_of_the_weights_and_not_of_how_they_are_served(changes, same):
    with Stub(llama_server(meta())) as stub, Stub(llama_server(meta(**changes))) as other:
        reported = endpoint.look(stub.url, "m")
        assert (endpoint.look(other.url, "m").identity == reported.identity) is same


def test_vllm_is_known_by_the_path_of_its_weights():
    with Stub(listing(owned_by="vllm", root="/weights", max_model_len=512)) as stub:
        reported = endpoint.look(stub.url, "m")
    assert reported.server == "vllm"
    assert reported.context == 512
    assert reported.identity == "b2:5d302958978e7a587c50ba8ade689369"


@pytest.mark.parametrize(
    ("tag", "identity"),
    [
        ({"name": "m:latest", "digest": "d"}, "b2:f2448b36407062fd5a3f8c871d9344c0"),
        ({"name": "m", "digest": "d"}, "b2:f2448b36407062fd5a3f8c871d9344c0"),
        ({"name": "m"}, ""),
        ({"name": "other", "digest": "d"}, ""),
    ],
)
def test_ollama_is_known_by_the_digest_of_its_model(tag, identity):
    def answer(path, body):
        return 200, models("m") if path == LIST else {"models": [tag]}

    with Stub(answer) as stub:
        reported = endpoint.look(stub.url, "m")
    assert reported.server == "ollama"
    assert reported.identity == identity


def test_lm_studio_tells_the_context_alone():
    def answer(path, body):
        if path == "/api/tags":
            return 404, {}
        return 200, models("m", loaded_context_length=256)

    with Stub(answer) as stub:
        reported = endpoint.look(stub.url, "m")
    assert reported == endpoint.ServedModel(server="lmstudio", identity="", context=256)


def test_a_server_without_tags_is_unknown():
    def answer(path, body):
        return 200, models("m", models=1) if path == LIST else {"models": []}

    with Stub(answer) as stub:
        reported = endpoint.look(stub.url, "m")
    assert reported == endpoint.ServedModel(server="unknown", identity="", context=None)


def test_a_server_of_other_models_gets_the_nearest_name():
    with Stub(listing()) as stub, pytest.raises(UsageError, match="no model 'n'") as refused:
        endpoint.look(stub.url, "n")
    assert "m" in refused.value.hint


def test_nobody_at_the_address_is_an_engine_that_died():
    with Stub(listing()) as stub:
        pass
    with pytest.raises(EngineDied, match="nobody answers"):
        endpoint.look(stub.url, "m")


@pytest.mark.parametrize(("status", "reason"), [(401, "wants a key"), (404, "lists no models")])
def test_a_server_that_lists_nothing_says_why(status, reason):
    with Stub(lambda path, body: (status, {})) as stub, pytest.raises(EngineError, match=reason):
        endpoint.look(stub.url, "m")


# -- models behind an endpoint ----------------------------------------------------------------------


def test_a_server_that_changed_its_weights_is_found_out(tmp_path):
    weights = meta()
    with Stub(llama_server(weights)) as stub:
        add_endpoint(stub.url, "m", tmp_path, name="far")
        weights["size"] = 7
        with pytest.raises(CorruptWeights, match="something else"):
            check("far", tmp_path)
        engine = open_engine("openai_http", resolve("far", tmp_path))
        with pytest.raises(EngineError, match="other weights"):
            next(engine.generate(asked(1)))


def test_a_model_behind_an_endpoint_sits_where_it_is_asked_and_is_never_trained(tmp_path):
    with Stub(llama_server(meta())) as stub:
        add_endpoint(stub.url, "m", tmp_path, name="far")
    seating = Seating(tmp_path, 0, Options(engine="vllm"))
    member = seating.member("teacher", 0, "far")
    assert member.engine.name == "openai_http"
    assert member.identity.engine == "openai_http/llamacpp"
    assert member.open().identity == member.identity
    with pytest.raises(UsageError, match="behind a server"):
        seating.folder(seating.model("far"))


def test_a_card_of_a_host_that_is_not_allowed_any_more_is_refused_before_anybody_is_asked(tmp_path):
    card = Card(
        name="far", family="x", format="endpoint", url="http://gpu-box", served="m", server="vllm"
    )
    save_card(card, tmp_path / "models" / "far.toml")
    with pytest.raises(NetworkRefused, match="gpu-box"):
        Seating(tmp_path, 0, Options()).member("teacher", 0, "far")


def test_a_model_that_is_no_endpoint_is_not_asked_over_http(tmp_path, tiny_student):
    with pytest.raises(UsageError, match="behind no server"):
        Seating(tmp_path, 0, Options(engine="openai_http")).member("teacher", 0, str(tiny_student))


# -- keys -------------------------------------------------------------------------------------------


def test_a_card_has_a_key_of_its_own_else_the_plain_one(monkeypatch):
    monkeypatch.setenv("LOCALFAIR_ENDPOINT_KEY", " plain-one\n")
    monkeypatch.setenv("LOCALFAIR_ENDPOINT_KEY_MY_GPU_2", "own-one")
    assert endpoint.key_of("my-gpu.2") == "own-one"
    assert endpoint.key_of("other") == "plain-one"
    monkeypatch.setenv("LOCALFAIR_ENDPOINT_KEY_OTHER", "")
    assert endpoint.key_of("other") == ""


def test_a_key_that_can_be_none_names_its_variable(monkeypatch):
    monkeypatch.setenv("LOCALFAIR_ENDPOINT_KEY_FAR", "two\nlines")
    with pytest.raises(UsageError, match="LOCALFAIR_ENDPOINT_KEY_FAR") as refused:
        endpoint.key_of("far")
    assert "two" not in refused.value.message


def test_one_key_goes_to_one_server_alone(monkeypatch):
    here = "http://127.0.0.1:1"
    there = "http://127.0.0.1:2"
    endpoint.refuse_shared_key({"a": here, "b": there})
    monkeypatch.setenv("LOCALFAIR_ENDPOINT_KEY", "the-only-one")
    endpoint.refuse_shared_key({"a": here, "b": here})
    with pytest.raises(UsageError, match="2 servers") as refused:
        endpoint.refuse_shared_key({"a": here, "b": there})
    assert "LOCALFAIR_ENDPOINT_KEY_A, LOCALFAIR_ENDPOINT_KEY_B" in refused.value.hint
    monkeypatch.setenv("LOCALFAIR_ENDPOINT_KEY_B", "")
    endpoint.refuse_shared_key({"a": here, "b": there})


def test_a_run_with_two_servers_and_one_key_is_refused_before_it_asks(monkeypatch, tmp_path):
    monkeypatch.delenv("LOCALFAIR_ENDPOINT_KEY", raising=False)
    with Stub(chatting((200, reply()))) as one, Stub(chatting((200, reply()))) as other:
        add_endpoint(one.url, "m", tmp_path, name="one")
        add_endpoint(other.url, "m", tmp_path, name="other")
    monkeypatch.setenv("LOCALFAIR_ENDPOINT_KEY", "the-only-one")
    seating = Seating(tmp_path, 0, Options())
    with pytest.raises(UsageError, match="one key"):
        seating.seat("teacher", ["one", "other"])


# -- servers that lie of themselves -----------------------------------------------------------------


@pytest.mark.parametrize(
    "listed",
    [
        b"[]",
        b"null",
        b"<html>",
        b"[" * 10**5,
        b'{"data": 7}',
        b'{"data": [7, null, {"id": ["m"]}]}',
        b'{"data": [{"id": {"m": 1}, "owned_by": 3}]}',
        b'{"data": [{"id": "m", "owned_by": "vllm", "root": 1e999}]}',
        b'{"data": [{"id": "m", "owned_by": "llamacpp", "meta": {"a": 1e999}}]}',
        b'{"data": [{"id": "' + b"n" * 10**6 + b'"}]}',
    ],
    ids=range(10),
)
def test_a_list_of_models_that_is_none_is_one_line(listed):
    with Stub(lambda path, body: (200, listed)) as stub, pytest.raises(LocalfairError) as refused:
        endpoint.look(stub.url, "m")
    assert len(refused.value.message + refused.value.hint) < 1000
    assert "\n" not in refused.value.message


@pytest.mark.parametrize("context", [-1, 0, "9", True, 2**70, 1.5, [8], None])
def test_a_context_that_is_none_is_not_believed(context):
    with Stub(listing(owned_by="vllm", root="/w", max_model_len=context)) as stub:
        assert endpoint.look(stub.url, "m").context is None


def test_a_card_says_how_long_and_how_often_its_server_is_asked(tmp_path):
    with Stub(chatting((500, {}))) as stub:
        card = add_endpoint(stub.url, "m", tmp_path, name="far")
        path = tmp_path / "models" / "far.toml"
        path.write_text(path.read_text() + "\n[endpoint]\ntries = 1\ntimeout = 5\n")
        engine = open_engine("openai_http", resolve("far", tmp_path))
        with pytest.raises(EngineError, match="fails: status 500"):
            texts(engine, asked(1))
        assert [path for path, _ in stub.calls].count(CHAT) == 1
    assert card.endpoint.tries == 6


@pytest.mark.parametrize("line", ["tries = 0", "timeout = inf", "timeout = 1e9", "patience = 3"])
def test_settings_of_an_endpoint_out_of_bounds_are_one_line(tmp_path, line):
    save_card(
        Card(name="far", family="x", format="endpoint", url="http://x", served="m", server="y"),
        tmp_path / "far.toml",
    )
    path = tmp_path / "far.toml"
    path.write_text(path.read_text() + f"\n[endpoint]\n{line}\n")
    with pytest.raises(ModelError, match=r"endpoint\.") as refused:
        load_card(path)
    assert "\n" not in refused.value.message
