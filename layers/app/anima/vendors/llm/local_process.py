"""The process that serves a GGUF file over the OpenAI protocol, on this machine only.

Started by `local_server`: its key comes as the first line of standard input, and it ends with the process
that `--parent` names, however that one ends.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from anima.vendors.llm.local_server import SLOTS, wait_for_end

_PROMPT_CACHE_MIB = 512


def threads(cores: int) -> tuple[int, int]:
    """Threads to generate with and to read prompts with.

    Generation waits for memory: half the cores do it as fast and a third cheaper; prompts take all of them.
    """
    return max(1, min(4, cores // 2)), max(1, min(8, cores))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="GGUF file")
    parser.add_argument("--name", required=True, help="name that the model answers to")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--context", type=int, default=4096, help="tokens of each slot")
    parser.add_argument("--slots", type=int, default=SLOTS, help="requests that are worked on at once")
    parser.add_argument("--prefixes", type=Path, required=True, help="folder of saved prompt beginnings")
    parser.add_argument("--ready-file", type=Path, required=True)
    parser.add_argument("--ready-fd", type=int, required=True, help="gets a line when requests are answered")
    parser.add_argument("--parent", type=int, required=True, help="process to end with")
    return parser.parse_args()


def _parameters(options: argparse.Namespace, api_key: str) -> Any:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(options.model)
    params.model_alias = {options.name}
    params.hostnames = ["127.0.0.1"]
    params.port = options.port
    params.api_keys = [api_key]
    params.ui = False
    params.endpoint_slots = False
    params.cors_origins = ""
    params.verbosity = 1
    params.n_parallel = options.slots
    params.n_ctx = options.context * options.slots
    generate, read = threads(os.cpu_count() or 1)
    params.cpuparams.n_threads = generate
    params.cpuparams_batch.n_threads = read
    params.cache_prompt = True
    params.cache_ram_mib = _PROMPT_CACHE_MIB
    params.slot_save_path = f"{options.prefixes}{os.sep}"
    # read, not mapped: once the weights are repacked, pages of a mapped file would stay resident for nothing
    params.load_mode = xllamacpp.llama_load_mode.LLAMA_LOAD_MODE_NONE
    _set_sampling(params.sampling)
    return params


def _set_sampling(sampling: Any) -> None:
    """What holds where a request says nothing."""
    sampling.temp = 0.3
    sampling.min_p = 0.05
    sampling.top_p = 1.0
    sampling.top_k = 0
    sampling.penalty_repeat = 1.0


def _end(ready_file: Path) -> None:
    """Ends at once, whatever the library's threads are doing; nothing here needs to be kept."""
    if _announced(ready_file) == os.getpid():  # a successor may have announced itself already
        ready_file.unlink(missing_ok=True)
    os._exit(0)


def _announced(ready_file: Path) -> int | None:
    """The process that the file tells of."""
    try:
        return int(json.loads(ready_file.read_text())["pid"])
    except (OSError, ValueError, KeyError):
        return None


def _end_with(parent: int, ready_file: Path) -> None:
    wait_for_end(parent)
    _end(ready_file)


def _announce(options: argparse.Namespace, url: str, api_key: str) -> None:
    """Tells others of this user where the model is: a file that only they can read."""
    ready = {
        "url": f"{url}/v1",
        "api_key": api_key,
        "pid": os.getpid(),
        "model": options.name,
        "model_path": str(options.model),
        "started_at": datetime.now(UTC).isoformat(),
    }
    draft = options.ready_file.with_name(f".{options.ready_file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(ready, file)
    os.replace(draft, options.ready_file)
    with os.fdopen(options.ready_fd, "w") as pipe:
        pipe.write("ready\n")


def _serve(options: argparse.Namespace, api_key: str) -> Any:
    """The running server; the process ends with one line where the library or the file is not right."""
    try:
        import xllamacpp

        return xllamacpp.Server(_parameters(options, api_key))
    except ImportError as error:
        sys.exit(f"xllamacpp is not installed ({error}); install anima with its extra 'local'")
    except RuntimeError as error:
        sys.exit(f"{options.model} cannot be served: {error}")


def main() -> None:
    """Serves until it is told to stop, or until the process that it belongs to has ended."""
    options = _arguments()
    api_key = sys.stdin.readline().strip()
    signal.signal(signal.SIGTERM, lambda *_: _end(options.ready_file))
    watch = threading.Thread(target=_end_with, args=(options.parent, options.ready_file), daemon=True)
    watch.start()
    server = _serve(options, api_key)
    _announce(options, server.listening_address, api_key)
    threading.Event().wait()


if __name__ == "__main__":
    main()
