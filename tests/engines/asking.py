"""Requests for the tests of engines."""

from localfair.record.nouns import Message, Request, Sampling

ENGINES = ("scripted", "transformers", "llama_cpp", "xllamacpp", "openai_http", "vllm")
SERVERS = ("xllamacpp", "openai_http", "vllm")


def asked(count=9, before="", **sampling):
    """Requests of uneven length, with seeds of their own."""
    drawn = Sampling(**{"max_tokens": 12} | sampling)
    return [
        Request(
            messages=(
                Message("user", f"{before}How many pens {'are there ' * (i % 4)}in {i} boxes?"),
            ),
            sampling=drawn,
            seed=i,
            about=f"q{i}",
        )
        for i in range(count)
    ]


def texts(backend, requests):
    """about -> what the backend replied."""
    return {g.request.about: g.text for g in backend.generate(requests)}
