"""The mind of an avatar on two branches, compared."""

from __future__ import annotations

import psycopg
import pytest

from anima.kernel.errors import BadInput
from anima.operations import branch_data, branches
from fixtures.minds import sow


def test_a_mind_on_two_branches(forked: tuple[str, str, str]) -> None:
    url, base, luna = forked
    found = {one.table: one for one in branch_data.difference(url, base, "luna", ("try", "main"))}
    assert [row["content"] for row in found["messages"].added] == ["Mia climbed a tree."]
    assert [row["content"] for row in found["messages"].removed] == ["It rained."]
    assert found["messages"].same == 1
    assert [row["title"] for row in found["episodes"].added] == ["Mia climbed a tree."]
    (fact,) = found["user_facts"].changed
    assert fact.fields["value"] == ("It rained.", "Mia climbed a tree.")
    assert "embedding" not in fact.row
    assert {"user_affinity", "sessions", "avatars", "session_moods"} <= set(found)
    assert found["user_affinity"].empty, "both grew by the same"
    (mood,) = found["session_moods"].changed
    assert set(mood.fields) == {"mood_started_at"}
    assert found["avatars"].same == 1
    by_id = {one.table: one for one in branch_data.difference(url, base, luna, ("try", "main"))}
    assert by_id == found


def test_the_same_mind_on_both(trunk: str) -> None:
    with psycopg.connect(trunk) as connection:
        sow(connection, "Luna")
    branches.create("try")
    tables = branch_data.difference(branches.owner_url("try"), trunk, "Luna", ("try", "main"))
    assert all(table.empty for table in tables)
    assert sum(table.same for table in tables) == 6


def test_avatars_that_cannot_be_told(trunk: str) -> None:
    with psycopg.connect(trunk, autocommit=True) as connection:
        sow(connection, "Luna")
        sow(connection, "Luna", "theo")
    with pytest.raises(BadInput, match=r"of mara; .* of theo"):
        branch_data.difference(trunk, trunk, "Luna", ("main", "main"))
    with pytest.raises(branch_data.NoSuchAvatar, match="there are: Luna"):
        branch_data.difference(trunk, trunk, "Nova", ("main", "main"))


def test_an_avatar_that_is_called_like_the_id_of_another(trunk: str) -> None:
    with psycopg.connect(trunk, autocommit=True) as connection:
        sow(connection, "Luna")
        row = connection.execute("select avatar_id::text from avatars where name = 'Luna'").fetchone()
        assert row is not None
        sow(connection, row[0], "theo")
    tables = branch_data.difference(trunk, trunk, row[0], ("main", "main"))
    assert next(table.same for table in tables if table.table == "avatars") == 1
    assert branch_data.difference(trunk, trunk, "Luna", ("main", "main")) == tables


def test_what_people_wrote_does_not_speak_to_a_terminal() -> None:
    said = branch_data.line("messages", {"role": "user", "content": "a\x1b]0;b\x07 \x9b31mc\nd"})
    assert said == "user: a]0;b 31mc d"
