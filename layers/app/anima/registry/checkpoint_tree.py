"""States of optimisers, schedulers and generators as JSON that comes back with the very same types and bits.

Plain JSON would not do: keys become text, tuples become lists, and the server's numbers know neither -0.0 nor NaN. So
whatever is neither null, boolean, integer, text nor list is an object with a tag under `$`. Nothing is pickled.
"""

from __future__ import annotations

import base64
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from anima.registry.naming import is_text
from anima.registry.run_errors import UnsupportedState

Json = Any
Path = tuple[object, ...]
Leaf = Callable[[Path, object], "Json | None"]
"""Makes a node of a value that is no plain Python (an array), and None of what it does not know."""

DEEPEST = 60
_MAPPINGS: dict[str, type[dict[Any, Any]]] = {"dict": dict, "ordered": OrderedDict, "counter": Counter}


def encode(value: object, leaf: Leaf, path: Path = ()) -> Json:
    """A value as JSON. Raises UnsupportedState, which names the place of what cannot be kept."""
    if value is None or isinstance(value, bool):
        return value
    if type(value) is int:
        return value
    if isinstance(value, str) and type(value) is str:
        return _text(value)
    if len(path) > DEEPEST:
        raise UnsupportedState(path=told(path), kind="nested too deeply")
    node = leaf(path, value)
    return node if node is not None else _tagged(value, leaf, path)


def _text(value: str) -> Json:
    return value if is_text(value) else {"$": "text", "v": _base64(value.encode("utf-8", "surrogatepass"))}


def _tagged(value: object, leaf: Leaf, path: Path) -> Json:
    if type(value) is float:
        return {"$": "float", "v": value.hex()}
    if isinstance(value, bytes | bytearray):
        return {"$": "bytes", "v": _base64(bytes(value))}
    if type(value) is list:
        return [encode(one, leaf, (*path, at)) for at, one in enumerate(value)]
    if type(value) is tuple:
        return {"$": "tuple", "v": [encode(one, leaf, (*path, at)) for at, one in enumerate(value)]}
    for tag, kind in _MAPPINGS.items():
        if isinstance(value, dict) and type(value) in (kind, *([] if tag != "dict" else _plain(value))):
            pairs = [[encode(key, leaf, path), encode(one, leaf, (*path, key))] for key, one in value.items()]
            return {"$": tag, "v": pairs}
    raise UnsupportedState(path=told(path), kind=f"a {type(value).__name__}")


def _plain(value: Mapping[Any, Any]) -> list[type]:
    """A defaultdict comes back as a dict: what made its missing values is code, and stays where it is."""
    return [type(value)] if type(value).__name__ == "defaultdict" else []


def decode(node: Json, leaf: Callable[[Mapping[str, Json]], object]) -> Any:
    """The value of what `encode` made; `leaf` makes those of the nodes that the other one's leaf made."""
    if isinstance(node, list):
        return [decode(one, leaf) for one in node]
    if not isinstance(node, dict):
        return node
    tag: str = node["$"]
    value: Any = node.get("v")
    if tag in _MAPPINGS:
        return _MAPPINGS[tag]({decode(key, leaf): decode(one, leaf) for key, one in value})
    if tag == "tuple":
        return tuple(decode(one, leaf) for one in value)
    plain: dict[str, Callable[[str], object]] = {
        "float": float.fromhex,
        "bytes": base64.b64decode,
        "text": lambda text: base64.b64decode(text).decode("utf-8", "surrogatepass"),
    }
    return plain[tag](value) if tag in plain else leaf(node)


def told(path: Path) -> str:
    """A place as people read it: `state.0.exp_avg`."""
    return ".".join(str(one) for one in path) or "the whole"


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
