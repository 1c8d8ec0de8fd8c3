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

TEXT = (
    "Take the five pens away from the twelve, which leaves seven pens in the box. The answer is 7."
)


def body(path: str, asked: dict[str, object]) -> bytes:
    """What the endpoint at `path` answers."""
    if path.endswith("/models"):
        return json.dumps(
            {"object": "list", "data": [{"id": "stub", "object": "model", "owned_by": "stub"}]}
        ).encode()
    if not path.endswith("/completions"):
        return b'{"status": "ok"}'
    chat = path.endswith("/chat/completions")
    said = {"message": {"role": "assistant", "content": TEXT}} if chat else {"text": TEXT}
    return json.dumps(
        {
            "id": "stub-1",
            "object": "chat.completion" if chat else "text_completion",
            "created": 1,
            "model": asked.get("model", "stub"),
            "choices": [{"index": 0, "finish_reason": "stop", "logprobs": None, **said}],
            "usage": {"prompt_tokens": 40, "completion_tokens": 24, "total_tokens": 64},
        }
    ).encode()


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, latency: float) -> None:
    """One connection, kept alive until its client closes it."""
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.split("\r\n")
            fields = {k.lower(): v.strip() for k, _, v in (entry.partition(":") for entry in lines)}
            sent = await reader.readexactly(int(fields.get("content-length", 0)))
            path = first.split(" ")[1]
            if path.endswith("/completions"):
                await asyncio.sleep(latency)
            answer = body(path, json.loads(sent) if sent else {})
            start = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(answer)}\r\n\r\n"
            writer.write(start.encode() + answer)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main(latency: float) -> None:
    server = await asyncio.start_server(lambda r, w: serve(r, w, latency), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    waiting = asyncio.get_running_loop().run_in_executor(
        None, sys.stdin.read
    )  # ends with whoever started it
    async with server:
        await waiting


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency", type=float, default=0.05, help="seconds before every reply")
    asyncio.run(main(parser.parse_args().latency))
