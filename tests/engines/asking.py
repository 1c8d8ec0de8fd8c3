"""Requests for the tests of engines, what they are opened with, and what comes back."""

from dataclasses import replace

from localfair.engines import Opening, engine_named, stream
from localfair.record.nouns import Message, Request, Sampling

NAMES = ("scripted", "transformers", "llama_cpp", "xllamacpp", "openai_http", "vllm")
SERVERS = ("xllamacpp", "openai_http", "vllm")


def asked(count=9, before="", **sampling):
    """Requests of uneven length, each with a seed of its own; `q3` is what the fourth is about."""
    sampling.setdefault("max_tokens", 12)
    return [_request(i, before, Sampling(**sampling)) for i in range(count)]


def _request(i, before, sampling):
    filler = "are there " * (i % 4)
    message = Message("user", f"{before}How many pens {filler}in {i} boxes?")
    return Request(messages=(message,), sampling=sampling, seed=i, about=f"q{i}")


def scoring(requests, *continuations):
    """The same requests, to be scored instead of answered."""
    return [replace(r, action="score", continuations=continuations) for r in requests]


def texts(engine, requests):
    """about -> what the engine replied."""
    return {g.request.about: g.text for g in engine.generate(requests)}


def logprobs(engine, requests):
    """about -> the log-probabilities of the continuations."""
    return {g.request.about: g.logprobs for g in engine.score(requests)}


def opening(name, model, folder=None, adapter_id="", **options):
    """What an engine's own class is opened with, for options that only it takes."""
    identity = engine_named(name).identity(model, "bf16", adapter_id)
    return Opening(identity=identity, folder=lambda: folder or model.path, **options)


def streamed(engine, request):
    """The pieces of a reply, and the generation that they end in."""
    pieces = []
    reading = stream(engine, request)
    while True:
        try:
            pieces.append(next(reading))
        except StopIteration as ended:
            return pieces, ended.value
