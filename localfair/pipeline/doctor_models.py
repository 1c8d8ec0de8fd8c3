"""What `localfair doctor` says of models: their weights, the process that renders their templates,
a reply of llama.cpp and the start of vLLM.

Reads cards, weights and the remembered hashes; writes into temporary folders alone.
"""

from __future__ import annotations

import json
import secrets
import tempfile
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path

from localfair.engines.server import Launch, ServerFailed, start
from localfair.engines.vllm_engine import environment as vllm_environment
from localfair.engines.vllm_memory import memory_arguments
from localfair.errors import LocalfairError
from localfair.models import templates
from localfair.models.card import Card
from localfair.models.hashing import Hashes
from localfair.models.listing import Listed, listing
from localfair.models.registry import all_cards, verified_at, weights_dir
from localfair.pipeline.doctor_check import (
    CACHES,
    LOADING,
    Check,
    Examination,
    Interpreter,
    ProbeFailed,
    fail,
    ok,
    warn,
)

HERE = "here"  # a state of `Listed`
ABSENT = ("not here", "endpoint")
TEMPLATE = "{% for name in names %}{{ name | upper }};{% endfor %}"
TINY = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 256,
    "intermediate_size": 256,
    "num_hidden_layers": 1,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "max_position_embeddings": 256,
    "vocab_size": 512,
    "rms_norm_eps": 1e-5,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
}
MIB = 2**20


def weights(examination: Examination) -> Iterator[Check]:
    """Each card's weights that are here, by size and header, and by hash as far as it is known.

    A deep examination reads every byte.
    """
    listed = listing(examination.workspace)
    present = [model for model in listed if model.state not in ABSENT]
    if not present:
        yield warn(
            "weights",
            f"none of {len(listed)} cards has its weights here",
            "`localfair models fetch NAME`, or `localfair models add FILE`",
        )
        return
    cards = all_cards(examination.workspace)
    for model in present:
        yield _weights_of(model, cards[model.name], examination)


def _weights_of(model: Listed, card: Card, examination: Examination) -> Check:
    name = f"weights of {model.name}"
    again = f"remove them, then `localfair models fetch {model.name}` or `models add FILE`"
    if model.state != HERE:
        return fail(name, model.state, again)
    assert model.path is not None
    path = Path(model.path)
    size = f"{(model.size or 0) / MIB:.0f} MiB"
    try:
        if examination.deep:
            with tempfile.TemporaryDirectory(prefix="localfair-doctor-") as cache:
                verified_at(card, path, Hashes(Path(cache), fresh=True))
            digest = card.sha256
        else:
            digest = Hashes(weights_dir(examination.workspace)).remembered(path)
    except LocalfairError as error:
        return fail(name, error.message, error.hint)
    if card.sha256 is None:
        return warn(
            name, f"{size}; the card holds no sha256", f"`localfair models check {card.name}`"
        )
    if digest is None:
        return ok(name, f"{size}, as the card says; not hashed yet (--deep does)")
    if digest != card.sha256:
        return fail(name, f"sha256 {digest}, and the card says {card.sha256}", again)
    how = "hashed now" if examination.deep else "as hashed before"
    return ok(name, f"{size}, sha256 as the card says ({how})")


def renderer(
    examination: Examination,
    render: Callable[[str, Mapping[str, object], date], str] = templates.rendered,
) -> Iterator[Check]:
    """Whether the process that renders chat templates answers. `render` asks it."""
    name = "renderer"
    hint = "free memory, and let this user start processes; is jinja2 installed?"
    try:
        text = render(TEMPLATE, {"names": ["ann", "bo"]}, date(2026, 1, 1))
    except templates.TemplateFault as fault:
        yield fail(name, fault.said, hint)
        return
    if text != "ANN;BO;":
        yield fail(name, f"it wrote {text!r}", "pip install --force-reinstall jinja2")
        return
    yield ok(name, "the process of chat templates answers")


def llama_reply(examination: Examination) -> Iterator[Check]:
    """In a deep examination, whether llama.cpp computes with the smallest GGUF that is here."""
    if not examination.deep:
        return
    name = "llama.cpp computes"
    present = [
        model
        for model in listing(examination.workspace)
        if model.format == "gguf" and model.state == HERE
    ]
    if not present:
        yield warn(name, "not tried: no GGUF is here", "`localfair models fetch NAME`")
        return
    smallest = min(present, key=lambda model: model.size or 0)
    assert smallest.path is not None
    try:
        answer = examination.interpreter.ask_once("llama_reply", smallest.path, seconds=LOADING)
    except ProbeFailed as failed:
        if failed.missing == "llama_cpp":
            yield warn(name, "not tried: no llama-cpp-python", "pip install 'localfair[llama]'")
        else:
            yield fail(
                name,
                f"{smallest.name}: {failed.reason}",
                "build it here: pip install --force-reinstall --no-binary :all: llama-cpp-python",
            )
        return
    if answer["finite"]:
        yield ok(name, f"{smallest.name}: {answer['vocabulary']} finite scores")
    else:
        yield fail(
            name,
            f"{smallest.name}: its scores are no numbers",
            f"`localfair models check {smallest.name}`; else build llama.cpp again",
        )


def vllm_start(examination: Examination, deadline: float = 900.0) -> Iterator[Check]:
    """In a deep examination, whether vLLM's server starts, with a tiny model of made-up weights.

    `deadline` is the seconds that it may take.
    """
    if not examination.deep:
        return
    name = "vLLM starts"
    try:
        (answer,) = examination.interpreter.ask("installed", "vllm")
    except ProbeFailed as failed:
        yield fail(name, failed.reason, "pip install --force-reinstall 'localfair[vllm]'")
        return
    if not answer["installed"]:
        yield warn(
            name,
            "not tried: vLLM is not installed",
            "pip install 'localfair[vllm]', if you want it",
        )
        return
    with tempfile.TemporaryDirectory(prefix="localfair-doctor-") as folder:
        try:
            start(_vllm_launch(Path(folder), examination.interpreter, deadline)).stop()
        except ServerFailed as error:
            reason = "; ".join([error.message, *error.problems[-1:]])
            yield fail(name, reason, error.hint)
            return
    yield ok(name, "its server started, answered and was ended")


def _vllm_launch(folder: Path, interpreter: Interpreter, deadline: float) -> Launch:
    """What starts vLLM's server with a model in a folder, which is written; so are its caches."""
    model = folder / "model"
    model.mkdir()
    (model / "config.json").write_text(json.dumps(TINY))
    served = f"localfair-{secrets.token_hex(4)}"

    def command(port: int) -> list[str]:
        asked = [interpreter.executable, "-m", "vllm.entrypoints.openai.api_server"]
        asked += ["--model", str(model), "--served-model-name", served]
        asked += ["--host", "127.0.0.1", "--port", str(port)]
        asked += ["--load-format", "dummy", "--skip-tokenizer-init", "--enforce-eager"]
        asked += ["--max-model-len", "128", "--max-num-seqs", "1", "--dtype", "bfloat16"]
        return [*asked, *memory_arguments(2**28)]

    caches = dict.fromkeys(CACHES, str(folder))
    return Launch(
        name="vLLM's server",
        command=command,
        served=served,
        environment={**vllm_environment(), **caches, **interpreter.environment},
        key_variable="VLLM_API_KEY",
        deadline=deadline,
    )
