"""SQL of the files behind entries of the LLM catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from anima.kernel import db
from anima.registry.model import Artifact


@dataclass(frozen=True, slots=True)
class Id:
    """A number of a row."""

    id: int


ENTRY = db.Query(Id, "select model_id as id from llm_models where model_id = %(llm_model_id)s")

ARTIFACTS = db.Query(
    Artifact,
    """
    select a.artifact_id, a.model_id, a.uri, a.checksum, a.uploaded_at,
        coalesce(m.default_artifact_id = a.artifact_id, false) as is_default
    from model_artifacts a join llm_models m on m.model_id = a.model_id
    where a.model_id = %(llm_model_id)s and a.artifact_id < %(before)s
    order by a.artifact_id desc limit %(limit)s
    """,
)

ARTIFACT = db.Query(
    Artifact,
    """
    select a.artifact_id, a.model_id, a.uri, a.checksum, a.uploaded_at,
        coalesce(m.default_artifact_id = a.artifact_id, false) as is_default
    from model_artifacts a join llm_models m on m.model_id = a.model_id
    where a.model_id = %(llm_model_id)s and a.artifact_id = %(artifact_id)s
    """,
)

ADD = db.Query(
    Id,
    """
    insert into model_artifacts (model_id, uri, checksum, uploaded_at)
    values (%(llm_model_id)s, %(uri)s, %(checksum)s, %(now)s)
    on conflict (model_id, uri, checksum) do update set uri = excluded.uri
    returning artifact_id as id
    """,
)

SET_DEFAULT = db.Command(
    """
    update llm_models m set default_artifact_id = a.artifact_id
    from model_artifacts a
    where m.model_id = %(llm_model_id)s and a.model_id = m.model_id and a.artifact_id = %(artifact_id)s
    """
)

REMOVE = db.Query(
    Id,
    """
    delete from model_artifacts where model_id = %(llm_model_id)s and artifact_id = %(artifact_id)s
    returning artifact_id as id
    """,
)


def entry(tx: db.Transaction, llm_model_id: int) -> db.Pending[Id]:
    """The entry of the catalogue, if it is there."""
    return tx.fetch(ENTRY, llm_model_id=llm_model_id)


def artifacts(tx: db.Transaction, llm_model_id: int, before: int, limit: int) -> db.Pending[Artifact]:
    """The files of an entry, newest first."""
    return tx.fetch(ARTIFACTS, llm_model_id=llm_model_id, before=before, limit=limit)


def artifact(tx: db.Transaction, llm_model_id: int, artifact_id: int) -> db.Pending[Artifact]:
    """One file of an entry."""
    return tx.fetch(ARTIFACT, llm_model_id=llm_model_id, artifact_id=artifact_id)


def add(tx: db.Transaction, llm_model_id: int, uri: str, checksum: str, now: datetime) -> db.Pending[Id]:
    """Names a file; one that is there already stays."""
    return tx.fetch(ADD, llm_model_id=llm_model_id, uri=uri, checksum=checksum, now=now)


def set_default(tx: db.Transaction, llm_model_id: int, artifact_id: int) -> db.Done:
    """Makes a file the one that is used."""
    return tx.execute(SET_DEFAULT, llm_model_id=llm_model_id, artifact_id=artifact_id)


def remove(tx: db.Transaction, llm_model_id: int, artifact_id: int) -> db.Pending[Id]:
    """Forgets a file."""
    return tx.fetch(REMOVE, llm_model_id=llm_model_id, artifact_id=artifact_id)
