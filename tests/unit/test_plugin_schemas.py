"""Tools as strangers describe them, their names among others, and arguments as models write them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from anima.plugins import arguments, builtin, offers, schemas
from anima.plugins.model import OfferedTool, ToolSpec
from anima.plugins.offers import Enabled
from anima.plugins.outcome import plain


def nested(depth: int, leaf: Any) -> Any:
    return leaf if depth == 0 else {"type": "object", "properties": {"x": nested(depth - 1, leaf)}}


def test_a_schema_keeps_what_is_known_and_loses_what_could_harm() -> None:
    given = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://evil.example/schema",
        "type": "object",
        "properties": {
            "place": {"type": "string", "pattern": "(a+)+$", "description": "Where\x1b[2J", "minLength": 1},
            "days": {"type": ["integer", "null"], "minimum": 1, "enum": [1, 2, None]},
            "at": {"$ref": "#/$defs/Point"},
            "far": {"$ref": "https://evil.example/other"},
            "own": {"$ref": "file:///etc/passwd#/$defs/Point"},
        },
        "patternProperties": {"(a+)+$": {"type": "string"}},
        "required": ["place", 7],
        "additionalProperties": False,
        "$defs": {"Point": {"type": "object", "properties": {"x": {"type": "number"}}, "required": ["x"]}},
    }
    assert schemas.cleaned(given) == {
        "type": "object",
        "properties": {
            "place": {"type": "string", "description": "Where[2J", "minLength": 1},
            "days": {"type": ["integer", "null"], "minimum": 1, "enum": [1, 2, None]},
            "at": {"type": "object", "properties": {"x": {"type": "number"}}, "required": ["x"]},
            "far": {},
            "own": {},
        },
        "required": ["place"],
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array"},
        {"type": "object", "description": "x" * 20_000},
        {
            "type": "object",
            "properties": {str(n): {"anyOf": [{"$ref": "#/$defs/a"}] * 60} for n in range(60)},
            "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}] * 60}},
        },
        {"default": object()},
    ],
)
def test_a_schema_that_cannot_be_used_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(schemas.BadTool):
        schemas.cleaned(schema)


def test_one_that_refers_to_itself_ends() -> None:
    schema = {
        "type": "object",
        "properties": {"next": {"$ref": "#/$defs/n"}},
        "$defs": {"n": {"type": "object", "properties": {"next": {"$ref": "#/$defs/n"}}}},
    }
    cleaned = schemas.cleaned(schema)
    assert arguments.read({"next": {"next": {"next": {}}}}, cleaned)
    assert schemas.cleaned(nested(30, {"type": "string"}))["type"] == "object"


@pytest.mark.parametrize("name", ["", "x" * 129, "a\nb", "a\x00b"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(schemas.BadTool):
        schemas.name(name)


SCHEMA = {
    "type": "object",
    "properties": {"n": {"type": "integer", "minimum": 1}, "deep": {"type": "object"}},
    "required": ["n"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    "given",
    [
        *("", "{", "null", "[]", '"x"', "{}", '{"n": 0}', '{"n": 1.5}', '{"n": "1"}', '{"n": 1, "m": 2}', '{"n": NaN}'),
        '{"n": 1, "deep": {"x": "\\u0000"}}',
        '{"n": 1, "deep": {"x": "\\ud800"}}',
        '{"n": 1, "deep": {"x": 1e999}}',
        '{"n": 1, "deep": ' + '{"x": ' * 30 + "1" + "}" * 31,
        '{"n": 1, "deep": ' + "[" * 100_000,
        '{"n": 1, "deep": {"x": "' + "y" * 40_000 + '"}}',
        {"n": 1, "deep": {"x": object()}},
    ],
)
def test_arguments_that_do_not_fit_are_refused_with_a_reason(given: Any) -> None:
    with pytest.raises(arguments.BadArguments) as error:
        arguments.read(given, SCHEMA)
    assert len(error.value.detail) < 1000
    assert arguments.read('{"n": 1}', SCHEMA) == arguments.read({"n": 1}, SCHEMA) == {"n": 1}


def test_nothing_is_fetched_to_check_arguments() -> None:
    with pytest.raises(arguments.BadArguments, match="schema cannot be used"):
        arguments.read({"x": 1}, {"properties": {"x": {"$ref": "http://127.0.0.1:1/schema.json"}}})


def enabled(plugin_id: int, name: str, *tools: str, kind: Any = "mcp", **permissions: Any) -> Enabled:
    told = [{"name": tool, "description": "", "parameters": {"type": "object"}} for tool in tools]
    return Enabled(plugin_id, name, kind, {}, told, permissions)


def names(*plugins: Enabled) -> list[str]:
    return [one.name for one in offers.offered(plugins)]


def test_every_tool_has_a_name_of_its_own_that_all_protocols_take() -> None:
    assert names(enabled(1, "weather", "get forecast!", "été")) == ["weather__get_forecast", "weather___t"]
    long = names(enabled(1, "w" * 40, "x" * 100, "x" * 100 + "y"))
    assert len(set(long)) == 2
    assert all(len(one) <= 64 for one in long)
    builtin_names = names(enabled(1, "calculator", kind="builtin"), enabled(2, "dice", "calculate", kind="package"))
    assert builtin_names[0] == "calculate"
    assert builtin_names[1].startswith("calculate_")


def tool(description: str = "x", **permission: Any) -> OfferedTool:
    told = [{"name": "t", "description": description, "parameters": {"type": "object"}}]
    return offers.offered([Enabled(1, "p", "mcp", {}, told, {"t": permission})])[0]


def test_an_approval_is_of_one_tool_as_it_is() -> None:
    mark = tool().digest
    assert tool().approval == "ask"
    assert tool(always=True, digest=mark).approval == "never"
    assert tool("y", always=True, digest=mark).approval == "ask"
    assert tool(always=False, digest=mark).approval == "ask"
    spec = ToolSpec("t", "x", {"type": "object"})
    assert offers.digest(1, spec) != offers.digest(2, spec)


def test_what_is_built_in_fits_its_own_rules() -> None:
    for name, specs in builtin.TOOLS.items():
        plugin = builtin.load(builtin.place(name)) if name != "picture" else None
        for spec in specs:
            assert schemas.cleaned(spec.parameters)["type"] == "object"
            assert plugin is None or plugin.tool(spec.name).description == spec.description
    assert set(builtin.DEFAULT_ON) <= set(builtin.TOOLS) == set(builtin.DESCRIPTIONS)
    assert json.dumps(builtin.TOOLS["code"][0].parameters)


def test_a_text_becomes_plain_and_short() -> None:
    assert plain("a\x00b\x1b[1mc\u202ed\r\ne\ud800f\tg") == "ab[1mcd\nef\tg"
    assert plain("x" * 20, 10) == "x" * 10 + "\n[10 more characters are left out]"
    assert plain("x" * 10_000_000, 10).endswith("more characters are left out]")
