"""llama.cpp's own server in a process of its own: `python -m localfair.engines.xllamacpp_child
SETTINGS`.

SETTINGS is a JSON object; the key comes in an environment variable, where other users cannot read
it. Serves until it is told to stop. Knows nothing of requests.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

KEY = "LOCALFAIR_SERVER_KEY"


def main(settings: dict[str, object]) -> None:
    """Serve the GGUF at `path`: `slots` sequences of `length` tokens each, on loopback."""
    # the server's threads do not wait for Python's own way of ending
    signal.signal(signal.SIGINT, lambda *_: os._exit(0))
    import xllamacpp

    server = xllamacpp.Server(_params(xllamacpp, settings))
    print("serving at", server.listening_address, flush=True)
    while True:
        signal.pause()


def _params(xllamacpp: Any, settings: dict[str, Any]) -> Any:
    params = xllamacpp.CommonParams()
    params.model.path = settings["path"]
    params.model_alias = {settings["served"]}
    params.hostnames = ["127.0.0.1"]
    params.port = settings["port"]
    params.api_keys = [os.environ[KEY]]
    params.n_ctx = settings["length"] * settings["slots"]
    params.n_parallel = settings["slots"]
    params.kv_unified = False  # else one sequence takes another's cells
    # nothing is cut or made smaller unasked
    params.fit_params = False
    params.ctx_shift = False
    params.ui = False
    params.warmup = False
    params.cache_ram_mib = 0
    threads = settings["threads"]
    if threads:
        params.cpuparams.n_threads = threads
        params.cpuparams_batch.n_threads = threads
    adapter = settings["adapter"]
    if adapter:
        params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(adapter, 1.0)]
    return params


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
