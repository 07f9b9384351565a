"""SQL of prompts that are kept in versions. They are those of the place: their owner is nobody."""

from __future__ import annotations

from dataclasses import dataclass

from anima.gateway.prompts_model import Prompt
from anima.kernel import db

LATEST = db.Query(
    Prompt,
    """
    select distinct on (p.name) p.prompt_id, p.name, p.version, p.content, p.created_by, p.created_at
    from prompts p
    where p.owner_id is null and (%(after)s::text is null or p.name > %(after)s)
    order by p.name, p.version desc
    limit %(most)s
    """,
)

VERSIONS = db.Query(
    Prompt,
    """
    select p.prompt_id, p.name, p.version, p.content, p.created_by, p.created_at
    from prompts p
    where p.owner_id is null and p.name = %(name)s and (%(before)s::integer is null or p.version < %(before)s)
    order by p.version desc
    limit %(most)s
    """,
)

CHOSEN = db.Query(
    Prompt,
    """
    select p.prompt_id, p.name, p.version, p.content, p.created_by, p.created_at
    from prompts p
    where p.owner_id is null and (p.name, p.version) in (
        select asked.name, asked.version
        from unnest(%(names)s::text[], %(versions)s::integer[]) as asked (name, version)
    )
    order by p.name, p.version
    """,
)


@dataclass(frozen=True, slots=True)
class Locked:
    """That nobody else adds a version meanwhile."""

    locked: bool


LOCK = db.Query(
    Locked,
    "select pg_advisory_xact_lock(hashtextextended('prompt:' || %(name)s::text, 0)) is not null as locked",
)

# The same text again is the same version.
ADD = db.Query(
    Prompt,
    """
    with newest as (
        select p.prompt_id, p.name, p.version, p.content, p.created_by, p.created_at
        from prompts p where p.owner_id is null and p.name = %(name)s
        order by p.version desc limit 1
    ),
    added as (
        insert into prompts (owner_id, name, version, content, created_by)
        select null, %(name)s, coalesce((select version from newest), 0) + 1, %(content)s, %(created_by)s
        where not exists (select from newest where content = %(content)s)
        returning prompt_id, name, version, content, created_by, created_at
    )
    select prompt_id, name, version, content, created_by, created_at from added
    union all
    select prompt_id, name, version, content, created_by, created_at from newest where content = %(content)s
    """,
)


def latest(tx: db.Transaction, after: str | None, most: int) -> db.Pending[Prompt]:
    """The newest version of each prompt, by name."""
    return tx.fetch(LATEST, after=after, most=most)


def versions(tx: db.Transaction, name: str, before: int | None, most: int) -> db.Pending[Prompt]:
    """The versions of a prompt, the newest first."""
    return tx.fetch(VERSIONS, name=name, before=before, most=most)


def chosen(tx: db.Transaction, named: list[tuple[str, int]]) -> db.Pending[Prompt]:
    """Those of these versions that are there."""
    return tx.fetch(CHOSEN, names=[name for name, _ in named], versions=[version for _, version in named])


def add(tx: db.Transaction, name: str, content: str, created_by: int | None) -> db.Pending[Prompt]:
    """The next version of a prompt; two at once wait for each other."""
    tx.fetch(LOCK, name=name)
    return tx.fetch(ADD, name=name, content=content, created_by=created_by)
