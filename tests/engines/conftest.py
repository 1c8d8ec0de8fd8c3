"""Every engine on something tiny, so that one contract is asked of them all."""

import tempfile
from pathlib import Path

import pytest

from localfair.engines import engine_named, open_engine
from localfair.models import load_script
from tests.engines.asking import NAMES

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


@pytest.fixture(params=NAMES)
def name(request):
    """The name of each engine that is installed here."""
    if not engine_named(request.param).installed:
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
    from localfair.engines import server
    from tests import tiny_gguf

    engine = open_engine("xllamacpp", tiny_gguf.model(tiny_gguf_path), batch=4, threads=1)
    running = server.start(engine._launch(tiny_gguf.CONTEXT))
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
        card = add_endpoint(url + "/v1", "localfair", Path(workspace))
        return verified(card, Path(workspace), None)


@pytest.fixture
def opened(name, request):
    """`opened(**options)`: the engine on its tiny model, four requests at a time; closed after the test."""
    engines = []

    def make(**options):
        model = tiny_model(name, request.getfixturevalue)
        usual = {"precision": "fp32", "batch": 4, "threads": 1}
        engine = open_engine(name, model, **usual | options)
        engines.append(engine)
        return engine

    yield make
    for engine in engines:
        engine.close()


def tiny_model(name, fixture):
    """Something tiny that the engine reads."""
    if name == "scripted":
        return fixture("script")
    if name == "openai_http":
        return fixture("endpoint_model")
    if name in ("llama_cpp", "xllamacpp"):
        path = fixture("tiny_gguf_path")
        from tests import tiny_gguf

        return tiny_gguf.model(path)
    folder = fixture("tiny_folder")
    from tests import tiny

    return tiny.model(path=folder)
