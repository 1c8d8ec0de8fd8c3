"""llama.cpp's own server in a process of its own: `python -m localfair.engines.xllamacpp_child SETTINGS`.

SETTINGS is a JSON object; the key comes in an environment variable, where other users cannot read it. Serves until it
is told to stop. Knows nothing of requests.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

KEY = "LOCALFAIR_SERVER_KEY"


def main(settings: dict[str, Any]) -> None:
    """Serve the GGUF at `path`: `slots` sequences of `length` tokens each, on loopback."""
    signal.signal(
        signal.SIGINT, lambda *_: os._exit(0)
    )  # its threads do not wait for Python's way of ending
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = settings["path"]
    params.model_alias = {settings["served"]}
    params.hostnames, params.port = ["127.0.0.1"], settings["port"]
    params.api_keys = [os.environ[KEY]]
    params.n_ctx, params.n_parallel = settings["length"] * settings["slots"], settings["slots"]
    params.kv_unified = False  # else one sequence takes another's place
    params.fit_params = params.ctx_shift = params.ui = params.warmup = (
        False  # nothing is cut or made smaller unasked
    )
    params.cache_ram_mib = 0
    if settings["threads"]:
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = settings["threads"]
    if settings["adapter"]:
        params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(settings["adapter"], 1.0)]
    server = xllamacpp.Server(params)
    print("serving at", server.listening_address, flush=True)
    while True:
        signal.pause()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
