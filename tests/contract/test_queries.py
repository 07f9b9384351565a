"""Every statement of the house fits the migrated schema, and fills the class that it is meant to fill."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import psycopg
import pytest

from tenancy.statements import Source, Statement, sources, statements

ALL = statements()
QUERIES = [one for one in ALL if one.row is not None]


def described(connection: psycopg.Connection[Any], statement: Statement) -> list[str]:
    """The names of the columns that the server would answer; it looks at types and names, and runs nothing."""
    pgconn = connection.pgconn
    prepared = pgconn.prepare(b"", statement.numbered.encode())
    assert not prepared.error_message, prepared.error_message.decode()
    answer = pgconn.describe_prepared(b"")
    return [(answer.fname(number) or b"").decode() for number in range(answer.nfields)]


@pytest.mark.parametrize("statement", ALL, ids=str)
def test_the_server_understands_it(owner_conn: psycopg.Connection[Any], statement: Statement) -> None:
    columns = described(owner_conn, statement)
    assert columns or statement.row is None, "a query answers columns"


@pytest.mark.parametrize("statement", QUERIES, ids=str)
def test_its_columns_are_the_fields_of_its_row(owner_conn: psycopg.Connection[Any], statement: Statement) -> None:
    columns = described(owner_conn, statement)
    assert statement.row is not None
    fields = dataclasses.fields(statement.row)
    needed = {
        one.name for one in fields if one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING
    }
    assert len(columns) == len(set(columns)), "a column comes twice"
    assert set(columns) <= {one.name for one in fields if one.init}
    assert needed <= set(columns)
    parameters = statement.row.__dataclass_params__  # type: ignore[attr-defined]
    assert parameters.frozen, "a row does not change"


@pytest.mark.parametrize("statement", ALL, ids=str)
def test_it_is_in_lower_case_and_takes_values_as_parameters_only(statement: Statement) -> None:
    bare = re.sub(r"--.*|'[^']*'", "", statement.sql)
    bare = re.sub(r"%\(\w+\)s", "", bare)
    assert bare == bare.lower()
    assert "%s" not in bare
    assert bare.count("%") == 2 * bare.count("%%")


@pytest.mark.parametrize("source", sources(), ids=lambda source: source.module)
def test_it_is_a_constant_of_a_repo_or_of_the_kernel(source: Source) -> None:
    assert source.made == source.constants, "a statement is made elsewhere than at the top of the module"
    name = source.module.rpartition(".")[2]
    assert name == "repo" or name.endswith("_repo") or source.module.startswith("anima.kernel.")


def test_they_were_found() -> None:
    assert {"identity.repo.USER", "kernel.delivery.CLAIM", "kernel.auth.HOLDER_OF_KEY"} <= {str(one) for one in ALL}
    assert len(ALL) >= sum(source.constants for source in sources())
