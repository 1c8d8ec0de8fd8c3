"""A server of OpenAI's chat API that answers every request with the same reply after the same
time.

Reads HTTP from 127.0.0.1 and writes nothing else; needs no package beyond Python's own. Prints
its port. It runs in a process of its own, so that its CPU time is nobody's overhead.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from functools import partial

END = b"\r\n\r\n"  # of a head
TEXT = (
    "Take the five pens away from the twelve, which leaves seven pens in the box. The answer is 7."
)


def body(path: str, asked: dict[str, object]) -> bytes:
    """What the endpoint at `path` answers."""
    if path.endswith("/models"):
        model = {"id": "stub", "object": "model", "owned_by": "stub"}
        return json.dumps({"object": "list", "data": [model]}).encode()
    if not path.endswith("/completions"):
        return b'{"status": "ok"}'
    chat = path.endswith("/chat/completions")
    choice: dict[str, object] = {"index": 0, "finish_reason": "stop", "logprobs": None}
    if chat:
        choice["message"] = {"role": "assistant", "content": TEXT}
    else:
        choice["text"] = TEXT
    completion = {
        "id": "stub-1",
        "object": "chat.completion" if chat else "text_completion",
        "created": 1,
        "model": asked.get("model", "stub"),
        "choices": [choice],
        "usage": {"prompt_tokens": 40, "completion_tokens": 24, "total_tokens": 64},
    }
    return json.dumps(completion).encode()


def content_length(head: str) -> int:
    """How many bytes follow the head of a request."""
    for field in head.splitlines():
        name, _, value = field.partition(":")
        if name.lower() == "content-length":
            return int(value)
    return 0


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, latency: float) -> None:
    """One connection, kept alive until its client closes it."""
    try:
        while True:
            head = (await reader.readuntil(END)).decode("latin-1")
            sent = await reader.readexactly(content_length(head))
            path = head.split(" ")[1]
            if path.endswith("/completions"):
                await asyncio.sleep(latency)
            answer = body(path, json.loads(sent) if sent else {})
            start = [
                "HTTP/1.1 200 OK",
                "Content-Type: application/json",
                f"Content-Length: {len(answer)}",
            ]
            writer.write("\r\n".join(start).encode() + END + answer)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main(latency: float) -> None:
    """Serve until stdin ends, which it does with whoever started the stub."""
    server = await asyncio.start_server(partial(serve, latency=latency), "127.0.0.1", 0)
    _, port = server.sockets[0].getsockname()
    print(port, flush=True)
    stdin_ends = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    async with server:
        await stdin_ends


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency", type=float, default=0.05, help="seconds before every reply")
    asyncio.run(main(parser.parse_args().latency))
