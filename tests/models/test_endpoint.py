"""Which hosts are asked at all, and a card for a model that somebody else's server holds."""

import pytest
from click.testing import CliRunner

from localfair.cli import cli
from localfair.committee.seating import Options, Seating
from localfair.engines import open_engine
from localfair.errors import CorruptWeights, EngineError, NetworkRefused, UsageError
from localfair.models import check, endpoint, resolve
from localfair.models.adding import add_endpoint
from localfair.models.card import Card, save_card
from tests.engines.asking import asked, texts
from tests.engines.stub_server import Stub, models, reply
from tests.engines.test_openai_http import answering, engine_at

# -- which hosts ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/v1", "http://localhost:1", "http://[::1]:1/v1/"]
)
def test_this_machine_may_be_asked(url):
    assert not endpoint.allowed(url, frozenset()).endswith("v1")


def test_another_host_is_refused_unless_the_workspace_names_it_and_then_it_shows(tmp_path):
    url = "http://gpu-box:8080"
    with pytest.raises(NetworkRefused, match="gpu-box") as refused:
        engine_at(url)
    assert "hosts.txt" in refused.value.hint
    (tmp_path / "hosts.txt").write_text("# mine\nGPU-box  # under the desk\n")
    engine = engine_at(url, "vllm", hosts=endpoint.allowed_hosts(tmp_path)).identity
    assert engine.engine == "openai_http/vllm@gpu-box"


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1", "127.0.0.1:80", "http://", "http://a:b@127.0.0.1/", "http://[::1"]
)
def test_what_is_no_address_is_refused(url):
    with pytest.raises(UsageError):
        endpoint.allowed(url, frozenset())


def test_neither_proxies_nor_redirects_are_followed(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with answering(lambda body: (200, reply())) as stub:
        assert len(texts(engine_at(stub.url), asked(1))) == 1
    with answering(lambda body: (302, {})) as stub, pytest.raises(EngineError, match="302"):
        texts(engine_at(stub.url), asked(1))


# -- cards ------------------------------------------------------------------------------------------

META = {"n_params": 9, "size": 8, "n_ctx": 64}


def llama_server(path, body):
    if path == "/props":
        return 200, {
            "default_generation_settings": {"n_ctx": 64},
            "model_path": "/x/y.gguf",
            "chat_template": "t",
        }
    return 200, models("m", owned_by="llamacpp", meta=META)


def test_models_add_makes_a_card_of_what_the_server_says(tmp_path, monkeypatch):
    monkeypatch.setenv("LOCALFAIR_WORKSPACE", str(tmp_path))
    with Stub(llama_server) as stub, Stub(llama_server) as same:
        words = ["models", "add", "--served", "m", "--name", "far", "--endpoint"]
        told = CliRunner().invoke(cli, [*words, stub.url + "/v1"]).output
        model = check("far", tmp_path)
        assert (
            "cannot be verified" in told and model.card.server == "llamacpp" and model.context == 64
        )
        assert add_endpoint(same.url, "m", tmp_path, name="twin").identity == model.fingerprint
    listed = CliRunner().invoke(cli, ["models", "list"]).output
    assert [line.split()[-1] for line in listed.splitlines() if line.startswith("far")] == [
        "endpoint"
    ]


def test_a_server_that_changed_its_weights_is_found_out(tmp_path, monkeypatch):
    meta = dict(META)
    monkeypatch.setitem(globals(), "META", meta)
    with Stub(llama_server) as stub:
        add_endpoint(stub.url, "m", tmp_path, name="far")
        meta["size"] = 7
        with pytest.raises(CorruptWeights, match="something else"):
            check("far", tmp_path)
        with pytest.raises(EngineError, match="other weights"):
            next(open_engine("openai_http", resolve("far", tmp_path)).generate(asked(1)))


def test_a_server_that_tells_nothing_of_its_weights_is_known_by_its_address(tmp_path):
    with Stub(lambda path, body: (200, models("m")) if path == "/v1/models" else (404, {})) as stub:
        add_endpoint(stub.url, "m", tmp_path)
        with pytest.raises(UsageError, match="no model 'n'"):
            add_endpoint(stub.url, "n", tmp_path)
    model = resolve("m", tmp_path)
    assert model.card.identity == "" and model.fingerprint == endpoint.fingerprint(
        stub.url, "m", ""
    )


@pytest.mark.parametrize(
    ("tags", "server"), [([{"name": "m:latest", "digest": "d"}], "ollama"), ([], "unknown")]
)
def test_ollama_is_known_by_the_digest_of_its_model(tags, server):
    with Stub(
        lambda path, body: (
            200,
            models("m", models=1) if path == "/v1/models" else {"models": tags},
        )
    ) as stub:
        seen = endpoint.look(stub.url, "m")
    assert (seen.server, bool(seen.identity)) == (server, bool(tags))


def test_a_model_behind_an_endpoint_sits_where_it_is_asked_and_is_never_trained(tmp_path):
    with Stub(llama_server) as stub:
        add_endpoint(stub.url, "m", tmp_path, name="far")
    seating = Seating(tmp_path, 0, Options(engine="vllm"))
    place = seating.member("teacher", 0, "far")
    assert (place.engine.name, place.identity.engine) == ("openai_http", "openai_http/llamacpp")
    assert place.open().identity == place.identity
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
