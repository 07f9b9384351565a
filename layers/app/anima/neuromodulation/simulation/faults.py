"""What is wrong with a simulation file: the path of each error, what it is, and what is accepted there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple


class Fault(NamedTuple):
    """One error; `path` as in `rl_plugin.hidden[0]`, `$` for the whole."""

    path: str
    message: str
    accepted: str

    @property
    def section(self) -> str:
        """The section that it is in."""
        return self.path.partition(".")[0].partition("[")[0]


class SimulationInvalid(ValueError):
    """A simulation file has errors; `errors` are all of them."""

    slug = "simulation-invalid"

    def __init__(self, errors: Sequence[Fault]) -> None:
        self.errors = list(errors)
        super().__init__("; ".join(f"{path}: {message} (accepted: {wanted})" for path, message, wanted in self.errors))


def path_of(parts: Sequence[str | int]) -> str:
    """A path in the file, for people: `modulators.dopamine.max`, `plugins[0].config`."""
    words = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return words.removeprefix(".") or "$"


_KINDS = {
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "string": "words",
    "dict": "an object",
    "model": "an object",
    "tuple": "a list",
    "list": "a list",
}
_BOUNDS = {"gt": "above", "ge": "from", "lt": "below", "le": "up to"}


def accepted(error: Any) -> tuple[str, str]:
    """What is wrong, and what is accepted, of an error of the parser."""
    kind, context = error["type"], error.get("ctx", {})
    shown = _shown(error.get("input"))
    if kind == "extra_forbidden":
        return "is no key of the file", "only the keys that docs/simulation.md names"
    if kind == "missing":
        return "is missing", "a value"
    if kind == "finite_number":
        return f"is {shown}", "a finite number"
    if kind == "value_error":
        said = str(context.get("error", error["msg"]))
        problem, _, wanted = said.partition("; ")
        return f"{shown} {problem}", wanted or "another value"
    if kind == "literal_error":
        return f"is {shown}", str(context["expected"])
    return _of_type_or_bound(kind, context, shown, error["msg"])


def _of_type_or_bound(kind: str, context: dict[str, Any], shown: str, message: str) -> tuple[str, str]:
    for key, word in _BOUNDS.items():
        if key in context:
            return f"is {shown}", f"a number {word} {context[key]:,}"
    if "max_length" in context:
        return "is too long", f"{context['max_length']:,} at most"
    if "min_length" in context:
        return "is too short", f"{context['min_length']:,} at least"
    for key, word in _KINDS.items():
        if kind.startswith(key):
            return f"is {shown}", word
    return f"is {shown}", message


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
