"""Every engine on something tiny, so that one contract is asked of them all."""

import tempfile
from pathlib import Path

import pytest

from localfair.engines.base import installed, open_engine
from localfair.engines.scripted import load_script
from tests.engines.asking import ENGINES

SCRIPT = """
context = 512
[[rule]]
when = "many pens"
replies = ["There are five.", "There are eight.", "She has none.", "It is hard to say."]
[[rule]]
when = ""
replies = ["The answer is 60 and no more than that, as everyone can see who counts."]
"""


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory):
    """The tiny llama as safetensors."""
    pytest.importorskip("transformers")
    from tests import tiny

    return tiny.build(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def tiny_gguf_path(tiny_folder, tmp_path_factory):
    """The same model as a GGUF."""
    pytest.importorskip("gguf")
    from tests import tiny_gguf

    return tiny_gguf.write(tiny_folder, tmp_path_factory.mktemp("gguf") / "tiny.gguf")


@pytest.fixture(scope="session")
def script(tmp_path_factory):
    path = tmp_path_factory.mktemp("script") / "tiny.script.toml"
    path.write_text(SCRIPT)
    return load_script(path)


@pytest.fixture(params=ENGINES)
def engine(request):
    if not installed(request.param):
        pytest.skip(f"{request.param} is not installed")
    if request.param == "vllm":
        pytest.skip(
            "its server takes half a minute to start; test_vllm holds it to the same contract"
        )
    return request.param


@pytest.fixture(scope="session")
def user_server(tiny_gguf_path):
    """A server as a user has it running, on the tiny GGUF: its address and its key."""
    pytest.importorskip("xllamacpp")
    from localfair.engines import server, xllamacpp
    from tests import tiny_gguf

    backend = xllamacpp.open(tiny_gguf.model(tiny_gguf_path), batch=4, threads=1)
    running = server.start(backend._launch(tiny_gguf.CONTEXT))
    yield running.url, running.client.key
    running.stop()


@pytest.fixture
def endpoint_model(user_server, monkeypatch):
    """What `models add --endpoint` makes of that server, resolved."""
    from localfair.models.adding import add_endpoint
    from localfair.models.registry import verified

    url, key = user_server
    monkeypatch.setenv("LOCALFAIR_ENDPOINT_KEY", key)
    with tempfile.TemporaryDirectory() as workspace:
        return verified(
            add_endpoint(url + "/v1", "localfair", Path(workspace)), Path(workspace), None
        )


@pytest.fixture
def opened(engine, request):
    """`opened(**options)`: the engine on its tiny model, four requests at a time; closed after the test."""
    backends = []

    def make(**options):
        model, own = _model(engine, request.getfixturevalue)
        backends.append(open_engine(engine, model, **{"batch": 4} | own | options))
        return backends[-1]

    yield make
    for backend in backends:
        backend.close()


def _model(engine, fixture):
    if engine == "scripted":
        return fixture("script"), {}
    if engine == "openai_http":
        return fixture("endpoint_model"), {}
    if engine in ("llama_cpp", "xllamacpp"):
        path = fixture("tiny_gguf_path")
        from tests import tiny_gguf

        return tiny_gguf.model(path), {"threads": 1}
    folder = fixture("tiny_folder")
    from tests import tiny

    return tiny.model(), {"folder": folder, "precision": "fp32"}
