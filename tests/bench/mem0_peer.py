"""The peer of what is kept of what is said: mem0 as its documentation sets it up, on a given model.

Read by benches for what to install; run by the peer's own interpreter it takes sentences, a JSON line each. It keeps
its vectors in memory and its history in a folder that goes with it, and sends nothing anywhere.
"""

import importlib
import json
import sys
import tempfile
import time
from typing import Any

MEM0 = ("mem0ai==2.2.1", "openai==3.54.0", "qdrant-client==1.20.0")
QUIET = {"MEM0_TELEMETRY": "False", "QDRANT__TELEMETRY_DISABLED": "true"}
"""What its environment holds so that it tells nobody of its use."""
_ANSWER_TOKENS = 400


def main(settings: str) -> None:
    """Reads `{"of", "told"}`; writes `{"memories": [text, …], "seconds", "failed"}`.

    `settings` is JSON: chat_url, key, model, embed_url, dimension.
    """
    memory = _memory(json.loads(settings))
    for line in sys.stdin:
        asked = json.loads(line)
        began, failed = time.monotonic(), ""
        try:
            memory.add([{"role": "user", "content": asked["told"]}], user_id=asked["of"])
        except Exception as error:
            failed = f"{type(error).__name__}: {error}"[:200]
        held = memory.get_all(filters={"user_id": asked["of"]})["results"]
        seconds = time.monotonic() - began
        print(
            json.dumps({"memories": [each["memory"] for each in held], "seconds": seconds, "failed": failed}),
            flush=True,
        )


def _memory(given: dict[str, Any]) -> Any:
    chat = {"model": given["model"], "openai_base_url": given["chat_url"], "api_key": given["key"], "temperature": 0.0}
    embed = {"model": "all-MiniLM-L6-v2", "openai_base_url": given["embed_url"], "api_key": "none"}
    vectors = {"collection_name": "bench", "embedding_model_dims": given["dimension"], "path": ":memory:"}
    # It is in the peer's environment only.
    return importlib.import_module("mem0").Memory.from_config(
        {
            "llm": {"provider": "openai", "config": {**chat, "max_tokens": _ANSWER_TOKENS}},
            "embedder": {"provider": "openai", "config": embed},
            "vector_store": {"provider": "qdrant", "config": vectors},
            "history_db_path": f"{tempfile.mkdtemp()}/history.db",
        }
    )


if __name__ == "__main__":
    main(sys.argv[1])
