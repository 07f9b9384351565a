"""Reading a simulation file: every error of it with its path, what is wrong, and what is accepted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import TypeAdapter, ValidationError

from anima.neuromodulation.simulation.consistency import inconsistencies, unphysical
from anima.neuromodulation.simulation.faults import Fault, SimulationInvalid, accepted, path_of
from anima.neuromodulation.simulation.file import Simulation
from anima.neuromodulation.simulation.overrides import overridden

MOST_CHARACTERS = 1_000_000
MOST_DEPTH = 64
_ANY_MODULATOR = {"standard": {"baseline_concentration_nM": 1.0, "max_concentration_nM": 2.0}}
_NOTHING: Mapping[str, str] = MappingProxyType({})


class _Pairs(list[tuple[str, Any]]):
    """An object of JSON as it was written, with keys that are there twice."""


def read(text: str | bytes, environment: Mapping[str, str] = _NOTHING) -> Simulation:
    """The file; MODE, MAX_STEPS and SEED of the environment win. Raises SimulationInvalid with every error of it."""
    faults: list[Fault] = []
    given = _parsed(text, faults)
    given = overridden(given, environment, faults)
    sections = _sections(given, faults)
    wrong = {fault.path for fault in faults}
    made = Simulation(**sections)
    faults.extend(each for each in inconsistencies(made) if not _within(each.path, wrong))
    faults.extend(unphysical(made) if not faults else [])
    if faults:
        raise SimulationInvalid(faults)
    return made


def read_object(given: Mapping[str, Any], environment: Mapping[str, str] = _NOTHING) -> Simulation:
    """The same of an object that came as JSON already. Raises SimulationInvalid."""
    try:
        return read(json.dumps(given), environment)
    except (TypeError, ValueError, RecursionError) as error:
        if isinstance(error, SimulationInvalid):
            raise
        raise SimulationInvalid([Fault("$", f"is no JSON: {error}", "an object")]) from None


def _parsed(text: str | bytes, faults: list[Fault]) -> dict[str, Any]:
    """The object of the file; an empty one where it is none."""
    try:
        words = text.decode("utf-8-sig") if isinstance(text, bytes) else text.removeprefix("\ufeff")
        if len(words) > MOST_CHARACTERS:
            raise SimulationInvalid([Fault("$", "is too long", f"{MOST_CHARACTERS:,} characters at most")])
        loaded = json.loads(words, object_pairs_hook=_Pairs)
        tree = _without_doubles(loaded, (), faults)
    except SimulationInvalid:
        raise
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise SimulationInvalid([Fault("$", f"is no JSON: {error.msg} at {where}", "an object of JSON")]) from None
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise SimulationInvalid([Fault("$", f"is no JSON: {reason}", "an object of JSON in UTF-8")]) from None
    if not isinstance(tree, dict):
        raise SimulationInvalid([Fault("$", "is no object", "an object with the sections of a simulation file")])
    return _named(tree, faults)


def _without_doubles(value: Any, path: tuple[str | int, ...], faults: list[Fault]) -> Any:
    if len(path) > MOST_DEPTH:
        raise RecursionError
    if isinstance(value, _Pairs):
        made: dict[str, Any] = {}
        for key, each in value:
            if key in made:
                faults.append(Fault(path_of((*path, key)), "is there twice", "each key once"))
            made[key] = _without_doubles(each, (*path, key), faults)
        return made
    if isinstance(value, list):
        return [_without_doubles(each, (*path, place), faults) for place, each in enumerate(value)]
    return value


def _named(tree: dict[str, Any], faults: list[Fault]) -> dict[str, Any]:
    """With the names of modulators in lower case, GABA too."""
    named = tree.get("modulators")
    if not isinstance(named, dict):
        return tree
    lower: dict[str, Any] = {}
    for name, each in named.items():
        if name.lower() in lower:
            faults.append(Fault(path_of(("modulators", name)), "is there twice", "each modulator once"))
        lower[name.lower()] = each
    return {**tree, "modulators": lower}


def _sections(given: dict[str, Any], faults: list[Fault]) -> dict[str, Any]:
    """The sections that are right; what is wrong with the others goes into `faults`."""
    known, made = Simulation.model_fields, {}
    for name in given:
        if name not in known:
            faults.append(Fault(path_of((name,)), "is no section", f"one of {', '.join(known)}"))
    for name, value in given.items():
        if name in known:
            made[name] = _section(name, value, faults)
    return made


def _section(name: str, value: Any, faults: list[Fault]) -> Any:
    """A section; of a wrong one what is left without its wrong keys, so that the rest is looked at too."""
    value, errors = _with_integers(name, value)
    if not errors:
        return _ADAPTERS[name].validate_json(json.dumps(value))
    faults.extend(_fault(name, each) for each in errors)
    wrong = {each["loc"][0] for each in errors if each["loc"]}
    if not (isinstance(value, dict) and wrong):
        return Simulation.model_fields[name].get_default(call_default_factory=True)
    left = {key: each for key, each in value.items() if key not in wrong}
    if name == "modulators":
        left.update({key: _ANY_MODULATOR for key in wrong & value.keys()})
    try:
        return _ADAPTERS[name].validate_json(json.dumps(left))
    except ValidationError:
        return Simulation.model_fields[name].get_default(call_default_factory=True)


def _with_integers(name: str, value: Any) -> tuple[Any, list[Any]]:
    """The value with 2e6 as 2000000 where an integer is wanted, as JSON Schema has it; and what is wrong with it."""
    errors = _errors(name, value)
    whole = [each["loc"] for each in errors if each["type"] == "int_type" and _is_integer(each["input"])]
    if whole:
        value = _replaced(value, (), frozenset(whole))
        errors = _errors(name, value)
    return value, errors


def _errors(name: str, value: Any) -> list[Any]:
    try:
        _ADAPTERS[name].validate_json(json.dumps(value))
    except ValidationError as error:
        return list(error.errors(include_url=False))
    return []


def _is_integer(value: object) -> bool:
    return isinstance(value, float) and value.is_integer()


def _replaced(value: Any, path: tuple[str | int, ...], whole: frozenset[tuple[str | int, ...]]) -> Any:
    """The value, with an int for the float at each of these paths."""
    if isinstance(value, dict):
        return {key: _replaced(each, (*path, key), whole) for key, each in value.items()}
    if isinstance(value, list):
        return [_replaced(each, (*path, place), whole) for place, each in enumerate(value)]
    return int(value) if path in whole else value


def _within(path: str, wrong: set[str]) -> bool:
    """Whether a path has been found wrong already, or holds what has."""
    return any(each.startswith(path) or path.startswith(each) for each in wrong)


def _fault(section: str, error: Any) -> Fault:
    path = (section, *(each for each in error["loc"] if not (isinstance(each, str) and each.startswith("function-"))))
    message, wanted = accepted(error)
    return Fault(path_of(path), message, wanted)


def _adapter(name: str) -> TypeAdapter[Any]:
    field = Simulation.model_fields[name]
    annotated: Any = field.annotation
    for each in field.metadata:
        annotated = Annotated[annotated, each]
    return TypeAdapter(annotated)


_ADAPTERS: dict[str, TypeAdapter[Any]] = {name: _adapter(name) for name in Simulation.model_fields}
