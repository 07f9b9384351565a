"""Answers in JSON that fit a schema: checked, repaired once by asking again, else refused."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Unpack

from anima.gateway import service
from anima.gateway.model import Model
from anima.gateway.service import Account, Options
from anima.kernel.errors import BadInput
from anima.vendors.llm.calls import Completion, Message, Usage
from anima.vendors.llm.errors import MalformedAnswer

_FENCED = re.compile(r"\A\s*```(?:json)?\s*\n(.*?)\n?\s*```\s*\Z", re.DOTALL | re.IGNORECASE)
_MOST_SHOWN = 8_000
_MOST_TOLD = 300


def complete_json(
    model: Model,
    messages: Sequence[Message],
    schema: Mapping[str, Any],
    *,
    max_tokens: int,
    name: str = "answer",
    deadline: float | None = None,
    account: Account | None = None,
    **more: Unpack[Options],
) -> tuple[Any, Completion]:
    """A value that fits the JSON schema, and the call that it came by, with the usage of all that were made.

    Where the first answer does not fit, the model is told what is wrong and asked once more. Takes and raises what
    `service.complete` does, and MalformedAnswer where the second does not fit either.
    """
    wanted = {"type": "json_schema", "json_schema": {"name": name, "schema": dict(schema), "strict": True}}
    more["response_format"] = wanted
    first = service.complete(model, messages, max_tokens=max_tokens, deadline=deadline, account=account, **more)
    value, wrong = _read(first, schema)
    if wrong is None:
        return value, first
    again = [*messages, *_correction(first.text, wrong)]
    second = service.complete(model, again, max_tokens=max_tokens, deadline=deadline, account=account, **more)
    value, wrong = _read(second, schema)
    if wrong is not None:
        raise MalformedAnswer(model=second.by or model.id, reason=f"twice no JSON of the schema: {wrong}")
    return value, Completion(second.text, second.finish, _both(first.usage, second.usage), by=second.by)


def _read(done: Completion, schema: Mapping[str, Any]) -> tuple[Any, str | None]:
    """The value of an answer, and what is wrong with it in one line."""
    fenced = _FENCED.match(done.text)
    try:
        value = json.loads(fenced.group(1) if fenced else done.text)
    except (ValueError, RecursionError) as error:
        why = "it was cut at its longest length" if done.finish == "length" else str(error)
        return None, f"it is no JSON ({why})"
    return value, problem(value, schema)


def problem(value: object, schema: Mapping[str, Any]) -> str | None:
    """What is wrong with a value by a JSON schema (2020-12) in one short line; None where it fits. Nothing is fetched.

    Raises BadInput for what is no schema, and for one that refers elsewhere.
    """
    import jsonschema
    from jsonschema.exceptions import SchemaError, best_match
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    try:
        jsonschema.Draft202012Validator.check_schema(dict(schema))
        found = best_match(jsonschema.Draft202012Validator(dict(schema), registry=Registry()).iter_errors(value))
    except (SchemaError, Unresolvable) as error:
        raise BadInput(reason=f"the JSON schema is not valid: {str(error)[:_MOST_TOLD]}") from None
    if found is None:
        return None
    place = ".".join(map(str, found.absolute_path)) or "the whole"
    return f"{place}: {found.message}"[:_MOST_TOLD]


def _correction(said: str, wrong: str) -> list[Message]:
    asked = f"This does not fit: {wrong}. Answer again, with nothing but one JSON value that fits the schema."
    return [{"role": "assistant", "content": said[:_MOST_SHOWN] or "…"}, {"role": "user", "content": asked}]


def _both(one: Usage | None, other: Usage | None) -> Usage | None:
    return one or other if one is None or other is None else one + other
