"""A reply of vLLM's server while it is written, with a server of a few lines in the place of vLLM's."""

import pytest

from localfair.engines import stream
from localfair.engines.vllm_engine import VllmEngine
from localfair.errors import PromptTooLong
from localfair.models import resolve
from localfair.record.nouns import Message, Request, Sampling
from tests.engines.asking import opening, streamed

SERVER = """
import json, os, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

arguments = dict(zip(sys.argv[1::2], sys.argv[2::2]))
PIECES = {pieces!r}


def choice(text, finish=None):
    return {{"choices": [{{"index": 0, "text": text, "finish_reason": finish}}]}}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer({{"data": [{{"id": arguments["--served-model-name"]}}]}})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        usage = {{"prompt_tokens": len(body["prompt"]), "completion_tokens": len(PIECES)}}
        if not (body.get("stream") and {streams!r}):
            self.answer({{**choice("".join(PIECES), "stop"), "usage": usage}})
            return
        events = [choice(piece) for piece in PIECES] + [choice("", "stop")]
        events.append({{"choices": [], "usage": usage}})
        lines = [f"data: {{json.dumps(event)}}\\n\\n" for event in events] + ["data: [DONE]\\n\\n"]
        self.answer("".join(lines).encode(), "text/event-stream")

    def answer(self, value, kind="application/json"):
        is_ours = self.headers["Authorization"] == f"Bearer {{os.environ['VLLM_API_KEY']}}"
        raw = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(200 if is_ours else 401)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", int(arguments["--port"])), Handler).serve_forever()
"""
REQUEST = Request(messages=(Message("user", "How many?"),), sampling=Sampling(max_tokens=9))


@pytest.fixture
def vllm(tiny_folder, tmp_path, monkeypatch):
    """`vllm(streams)` is an engine whose child is a server that writes three pieces."""
    engines = []
    package = tmp_path / "peer" / "vllm" / "entrypoints" / "openai"
    package.mkdir(parents=True)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "peer"))

    def make(streams):
        text = SERVER.format(pieces=["It", " is", " 7."], streams=streams)
        (package / "api_server.py").write_text(text)
        model = resolve(str(tiny_folder), tmp_path)
        engine = VllmEngine(model, opening("vllm", model))
        engines.append(engine)
        return engine

    yield make
    for engine in engines:
        engine.close()


def read(engine):
    """The pieces that say something, and the generation that they end in."""
    pieces, generation = streamed(engine, REQUEST)
    return [piece for piece in pieces if piece], generation


@pytest.mark.parametrize(
    ("streams", "wanted"), [(True, ["It", " is", " 7."]), (False, ["It is 7."])]
)
def test_a_reply_comes_in_pieces_where_the_server_sends_events(vllm, streams, wanted):
    pieces, generation = read(vllm(streams))
    assert pieces == wanted
    assert (generation.text, generation.finish) == ("It is 7.", "stop")
    assert generation.completion_tokens == 3 and generation.prompt_tokens > 3


def test_what_does_not_fit_is_refused_before_a_server_is_started(vllm):
    long = Request(messages=(Message("user", "pens " * 5000),), sampling=Sampling(max_tokens=9))
    engine = vllm(True)
    with pytest.raises(PromptTooLong):
        next(stream(engine, long))
    assert engine._server is None
