"""Whatever an avatar knows: it comes out of a snapshot as it went in, to the last digit and the last character."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from psycopg.types.json import Jsonb
from scripts import docs

from anima.avatars import service as avatars
from anima.avatars.model import NewAvatar
from anima.kernel import ids
from anima.snapshots import snapshot_parts
from fixtures.api import MakeUser, Person

Connection = psycopg.Connection[Any]
SNAPSHOTS = "/api/v1/snapshots"
SCHEMA = json.loads((docs.ROOT / "docs" / "snapshot.schema.json").read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)

words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
names = words.filter(bool)
times = st.datetimes(datetime(1950, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))
maybe = st.one_of(st.none(), times)
shares = st.floats(0, 1, width=32)
NUMBERS = [
    "0",
    "-0.0",
    "1.10",
    "1e400",
    "0.1",
    "12345678901234567890.123456789012345678901234567890",
    "null",
    '"\\\\u0000"',
]
values = st.one_of(
    st.sampled_from(NUMBERS),
    st.recursive(
        st.none() | st.booleans() | words | st.integers(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
        max_leaves=6,
    ).map(json.dumps),
)


@st.composite
def lives(draw: st.DrawFn) -> dict[str, Any]:
    """Sessions with branches, and what is remembered of them; places in lists stand for rows."""
    sessions = draw(st.lists(st.fixed_dictionaries({"title": st.one_of(st.none(), words), "at": times}), max_size=3))
    messages = []
    for place, _ in enumerate(sessions):
        first = len(messages)
        for _ in range(draw(st.integers(0, 4))):
            earlier = list(range(first, len(messages)))
            near = st.one_of(st.none(), st.sampled_from(earlier)) if earlier else st.none()
            said = {"session": place, "parent": draw(near), "edits": draw(near), "content": draw(words)}
            messages.append({**said, "at": draw(times), "role": draw(st.sampled_from(["user", "assistant"]))})
    some = st.lists(st.sampled_from(range(len(messages))), max_size=3, unique=True) if messages else st.just([])
    entities = draw(st.lists(names, max_size=3, unique=True))
    fact = st.fixed_dictionaries(
        {
            **{
                "category": names,
                "value": values,
                "evidence": words,
                "context": words,
                "tags": st.lists(words, max_size=2),
            },
            **{"confidence": shares, "learned": times, "ended": maybe, "true_from": maybe, "true_until": maybe},
            **{"settled": maybe, "pinned": st.booleans(), "mentions": some, "count": st.integers(1, 99)},
            "entity": st.one_of(st.none(), st.integers(0, max(len(entities) - 1, 0))) if entities else st.none(),
            "successor": st.one_of(st.none(), st.integers(0, 5)),
        }
    )
    episode = st.fixed_dictionaries(
        {
            **{"title": words, "summary": words, "importance": st.floats(0, 10, width=32), "at": times, "told": some},
            **{
                "recalled": maybe,
                "forget": maybe,
                "pinned": st.booleans(),
                "facts": st.lists(st.integers(0, 4), max_size=2),
            },
            **{
                "made_of": st.one_of(st.none(), st.lists(some, max_size=2)),
                "decay": shares,
                "tags": st.lists(words, max_size=2),
            },
        }
    )
    return {
        **{"sessions": sessions, "messages": messages, "entities": entities, "facts": draw(st.lists(fact, max_size=5))},
        **{"episodes": draw(st.lists(episode, max_size=4)), "points": draw(shares), "bio": draw(words)},
        **{"felt": draw(st.lists(st.floats(0, 500), min_size=6, max_size=6)), "forgotten": draw(st.integers(0, 12))},
        "mood": {"at": draw(times), "intensity": draw(shares), "of": draw(words)},
    }


class Sown:
    """A life as rows, written past all rules of the house."""

    def __init__(self, owner: Connection, person: Person, life: dict[str, Any]) -> None:
        self.owner, self.me = owner, person.user_id
        self.avatar_id = avatars.create(person.principal, NewAvatar(name="Luna"), None).avatar_id
        self.sessions = [self._session(one, life["mood"]) for one in life["sessions"]]
        self.messages: list[int] = []
        for one in life["messages"]:
            self.messages.append(self._message(one))
        self.entities = [self._entity(name, n) for n, name in enumerate(life["entities"])]
        self.facts = [ids.uuid7() for _ in life["facts"]]
        for n, one in enumerate(life["facts"]):
            self._fact(n, one)
        for n, one in enumerate(life["facts"]):
            if one["successor"] is not None and one["successor"] < len(self.facts) and one["successor"] != n:
                self._run(
                    "update user_facts set superseded_by = %s where id = %s",
                    self.facts[one["successor"]],
                    self.facts[n],
                )
        self.episodes = [ids.uuid7() for _ in life["episodes"]]
        for n, one in enumerate(life["episodes"]):
            self._episode(n, one)
        self._self(life)

    def _run(self, statement: str, *values: Any) -> Any:
        row = self.owner.execute(statement, values)  # type: ignore[call-overload]
        return row.fetchone()[0] if row.description else None

    def _session(self, one: dict[str, Any], mood: dict[str, Any]) -> int:
        made: int = self._run(
            "insert into sessions (user_id, avatar_id, title, started_at, ended_at, metadata)"
            " values (%s, %s, %s, %s, %s, %s) returning session_id",
            *(self.me, self.avatar_id, one["title"], one["at"], one["at"] + timedelta(seconds=1), Jsonb({"a": [None]})),
        )
        self._run(
            "insert into session_participants (session_id, owner_id, user_id) values (%s, %s, %s)",
            made,
            self.me,
            self.me,
        )
        self._run(
            "insert into session_moods (session_id, user_id, current_mood, mood_intensity, mood_started_at)"
            " values (%s, %s, %s, %s, %s)",
            *(made, self.me, mood["of"], mood["intensity"], mood["at"]),
        )
        return made

    def _message(self, one: dict[str, Any]) -> int:
        earlier = {name: None if one[name] is None else self.messages[one[name]] for name in ("parent", "edits")}
        metadata = {"kept": [None, one["content"]], **({"edits": earlier["edits"]} if earlier["edits"] else {})}
        own = one["role"] == "user"
        made: int = self._run(
            "insert into messages (session_id, owner_id, author_id, avatar_id, parent_message_id, role, content,"
            " created_at, metadata) values (%s, %s, %s, %s, %s, %s, %s, %s, %s) returning message_id",
            *(self.sessions[one["session"]], self.me, self.me if own else None, None if own else self.avatar_id),
            *(earlier["parent"], one["role"], one["content"], one["at"], Jsonb(metadata)),
        )
        return made

    def _entity(self, name: str, n: int) -> Any:
        entity_id = ids.uuid7()
        self._run(
            "insert into entities (entity_id, owner_id, kind, name, folded, aliases, relation, mention_count)"
            " values (%s, %s, 'person', %s, %s, %s, %s, %s)",
            *(entity_id, self.me, name, name, [name, ""], None if n else "sister", n + 1),
        )
        for message_id in self.messages[: n + 1]:
            self._run(
                "insert into entity_mentions values (%s, %s, %s, %s)", self.me, self.avatar_id, entity_id, message_id
            )
        if not self.messages:
            self._fact_of(entity_id)
        return entity_id

    def _fact_of(self, entity_id: Any) -> None:
        self._run(
            "insert into user_facts (id, user_id, avatar_id, category, key, value, is_active, entity_id)"
            " values (%s, %s, %s, 'pets', 'x', '1', false, %s)",
            *(ids.uuid7(), self.me, self.avatar_id, entity_id),
        )

    def _fact(self, n: int, one: dict[str, Any]) -> None:
        entity = None if one["entity"] is None else self.entities[one["entity"]]
        source = self.messages[one["mentions"][0]] if one["mentions"] else None
        self._run(
            "insert into user_facts (id, user_id, avatar_id, source_message_id, category, key, value, confidence,"
            " status, evidence, first_mentioned, last_updated, mention_count, tags, context, is_active, true_from,"
            " true_until, learned_at, ended_at, pinned, origin, entity_id, settled_at)"
            " values (%s, %s, %s, %s, %s, %s, %s::jsonb,"
            " %s, 'confirmed', %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 'corrected', %s, %s)",
            *(
                self.facts[n],
                self.me,
                self.avatar_id,
                source,
                one["category"],
                f"key:{n}",
                one["value"],
                one["confidence"],
            ),
            *(one["evidence"], one["learned"], one["learned"], one["count"], one["tags"], one["context"]),
            *(one["ended"] is None, one["true_from"], one["true_until"], one["learned"], one["ended"], one["pinned"]),
            *(entity, one["settled"]),
        )
        for place in one["mentions"]:
            self._run(
                "insert into fact_mentions (owner_id, fact_id, message_id, evidence, said_at, gone, place, true_from)"
                " values (%s, %s, %s, %s, %s, %s, %s, %s)",
                *(self.me, self.facts[n], self.messages[place], one["evidence"], one["learned"], one["pinned"], n),
                one["true_from"],
            )

    def _episode(self, n: int, one: dict[str, Any]) -> None:
        told = [self.messages[place] for place in one["told"]]
        made_of = one["made_of"]
        parts = [{"said": "x", "message_ids": [self.messages[place] for place in each]} for each in made_of or ()]
        self._run(
            "insert into episodes (id, user_id, avatar_id, type, title, summary, importance, tags, context_messages,"
            ' "timestamp", temporal_decay, last_recalled, forget_at, pinned, related_facts, related_episodes, metadata)'
            " values (%s, %s, %s, 'moment', %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            *(self.episodes[n], self.me, self.avatar_id, one["title"], one["summary"], one["importance"], one["tags"]),
            *(told, one["at"], one["decay"], one["recalled"], one["forget"], one["pinned"]),
            [self.facts[place] for place in one["facts"] if place < len(self.facts)],
            [each for each in self.episodes if each != self.episodes[n]][:2],
            Jsonb({"parts": parts} if made_of is not None else {"a": 1.5}),
        )

    def _self(self, life: dict[str, Any]) -> None:
        self._run(
            "insert into user_affinity (user_id, avatar_id, personality_name, affinity_points, current_level)"
            " values (%s, %s, %s, %s, 'x')",
            *(self.me, self.avatar_id, life["bio"], life["points"]),
        )
        self._run(
            "insert into avatar_feelings values (%s, %s, %s, %s, %s)",
            *(self.me, self.avatar_id, life["felt"], life["felt"], life["mood"]["at"]),
        )
        for message_id in self.messages[:2]:
            self._run(
                "insert into feelings_history (feeling_id, owner_id, avatar_id, at, valence, arousal, mood,"
                " mood_intensity, sentiment, concentrations, message_id)"
                " values (%s, %s, %s, %s, %s, 0, %s, %s, %s, %s, %s)",
                *(ids.uuid7(), self.me, self.avatar_id, life["mood"]["at"], life["points"], life["bio"]),
                *(life["points"], life["points"], life["felt"], message_id),
            )
        for message_id in self.messages[:3]:
            self._run(
                "insert into curiosity_gaps (gap_id, owner_id, avatar_id, message_id, kind, question, folded, score,"
                " to_research, created_at, last_seen)"
                " values (%s, %s, %s, %s, 'unknown', 'what?', %s, %s, true, %s, %s)",
                *(ids.uuid7(), self.me, self.avatar_id, message_id, f"what {message_id % 3}", life["points"]),
                *(life["mood"]["at"], life["mood"]["at"]),
            )
        picture = life["bio"].encode() or b"x"
        self._run(
            "insert into avatar_pictures values (%s, %s, 'image/png', %s, now())", self.me, self.avatar_id, picture
        )
        last = (
            self.messages[min(life["forgotten"], len(self.messages)) - 1] if life["forgotten"] and self.messages else 0
        )
        self._run(
            "update avatars set bio = %s, remembers_after = %s where avatar_id = %s", life["bio"], last, self.avatar_id
        )


def rows(owner: Connection, user_id: int) -> dict[str, Counter[str]]:
    """What somebody has in each table of a snapshot, without ids; with files and style it needs rows of its own."""
    found = {}
    for part in snapshot_parts.PARTS.values():
        for table in set(part.tables) - {"media", "message_media", "style_profiles", "session_participants"}:
            column = "owner_id" if "owner_id" in snapshot_parts.COLUMNS_LEFT_OUT[table] else "user_id"
            left = sorted(snapshot_parts.COLUMNS_LEFT_OUT[table])
            shown = "to_jsonb(t) - %s::text[]"
            if table == "messages":
                shown += " || jsonb_build_object('metadata', t.metadata - 'edits')"
            if table == "episodes":
                shown += " || jsonb_build_object('metadata', (t.metadata #- '{parts}'))"
            statement = f"select ({shown})::text from {table} t where {column} = %s"
            found[table] = Counter(row[0] for row in owner.execute(statement, [left, user_id]))  # type: ignore[call-overload]
    return found


@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(life=lives())
@pytest.mark.usefixtures("fast_embedder")
def test_what_goes_in_comes_out(make_user: MakeUser, owner_conn: Connection, life: dict[str, Any]) -> None:
    alice, bob = make_user(), make_user()
    sown = Sown(owner_conn, alice, life)
    first = alice.http.get(f"/api/v1/avatars/{sown.avatar_id}/snapshot")
    assert first.status_code == 200, first.text
    document = json.loads(first.content)
    VALIDATOR.validate(document)
    assert len(document["parts"]["messages"]) == len(life["messages"])
    assert len(document["parts"]["episodes"]) == len(life["episodes"])
    taken = bob.http.post(SNAPSHOTS, content=first.content)
    assert taken.status_code == 200, taken.text
    second = bob.http.get(f"/api/v1/avatars/{taken.json()['avatar_id']}/snapshot")
    assert second.content.splitlines()[1:-1] == first.content.splitlines()[1:-1]
    assert rows(owner_conn, bob.user_id) == rows(owner_conn, alice.user_id)
    before = rows(owner_conn, bob.user_id)
    again = bob.http.post(SNAPSHOTS, content=first.content)
    assert again.status_code == 200, again.text
    assert not again.json()["created"]
    assert not any(one["added"] or one["changed"] for one in again.json()["parts"].values())
    assert rows(owner_conn, bob.user_id) == before
