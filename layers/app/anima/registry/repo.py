"""SQL of models: versions, status, deployments."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from anima.kernel import db
from anima.registry.model import Deployment, Model, Named


@dataclass(frozen=True, slots=True)
class Id:
    """The id of a model."""

    model_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class Entered:
    """What the database gave a new model."""

    version: int
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class State:
    """A model with its status, while a lock is held."""

    model_id: uuid.UUID
    name: str
    version: int
    status: str


LOCK_NAME = db.Command(
    "select pg_advisory_xact_lock(hashtextextended('models:' || %(owner_id)s::bigint || ':' || %(name)s::text, 0))"
)

ADD = db.Query(
    Entered,
    """
    insert into models (model_id, owner_id, name, version, type, architecture, status, parent_id, derivation,
        created_at, updated_at)
    select %(model_id)s, %(owner_id)s, %(name)s,
        1 + coalesce((select max(m.version) from models m where m.owner_id = %(owner_id)s and m.name = %(name)s), 0),
        %(type)s, %(architecture)s, %(status)s, %(parent_id)s, %(derivation)s, %(now)s, %(now)s
    returning version, updated_at
    """,
)

MODEL_BY_ID = db.Query(
    Model,
    """
    select m.model_id, m.name, m.version, m.type, m.architecture, m.status, m.parent_id, m.derivation, m.created_at,
        m.updated_at, v.parameter_count as parameters, v.trainable_parameter_count as trainable_parameters, v.n_bytes
    from models m join v_model_architecture v on v.owner_id = m.owner_id and v.model_id = m.model_id
    where m.owner_id = %(owner_id)s and m.model_id = %(model_id)s
    """,
)

MODEL_BY_NAME = db.Query(
    Model,
    """
    with newest as (
        select model_id from models
        where owner_id = %(owner_id)s and name = %(name)s
            and (%(version)s::integer is null or version = %(version)s::integer)
        order by version desc limit 1
    )
    select m.model_id, m.name, m.version, m.type, m.architecture, m.status, m.parent_id, m.derivation, m.created_at,
        m.updated_at, v.parameter_count as parameters, v.trainable_parameter_count as trainable_parameters, v.n_bytes
    from models m join v_model_architecture v on v.owner_id = m.owner_id and v.model_id = m.model_id
    where m.owner_id = %(owner_id)s and m.model_id = (select model_id from newest)
    """,
)

MODELS = db.Query(
    Model,
    """
    with shown as (
        select * from models
        where owner_id = %(owner_id)s and (%(name)s::text is null or name = %(name)s::text)
            and (%(status)s::text is null or status = %(status)s::text)
            and (%(before)s::timestamptz is null
                or (created_at, model_id) < (%(before)s::timestamptz, %(before_id)s::uuid))
        order by created_at desc, model_id desc limit %(limit)s
    )
    select m.model_id, m.name, m.version, m.type, m.architecture, m.status, m.parent_id, m.derivation, m.created_at,
        m.updated_at, v.parameter_count as parameters, v.trainable_parameter_count as trainable_parameters, v.n_bytes
    from shown m join v_model_architecture v on v.owner_id = m.owner_id and v.model_id = m.model_id
    order by m.created_at desc, m.model_id desc
    """,
)

LOCKED = db.Query(
    State,
    """
    select model_id, name, version, status from models
    where owner_id = %(owner_id)s and model_id = %(model_id)s
    for update
    """,
)

HELD = db.Query(
    Id,
    """
    select model_id from models where owner_id = %(owner_id)s and model_id = %(model_id)s
    for key share
    """,
)

DEPLOYED = db.Query(
    Id, "select model_id from models where owner_id = %(owner_id)s and name = %(name)s and status = 'deployed'"
)

PUT_STATUS = db.Command(
    "update models set status = %(status)s where owner_id = %(owner_id)s and model_id = %(model_id)s"
)

WITHDRAW = db.Command(
    """
    update models set status = 'trained'
    where owner_id = %(owner_id)s and name = %(name)s and status = 'deployed'
    """
)

ADD_DEPLOYMENT = db.Command(
    """
    insert into model_deployments (deployment_id, owner_id, name, number, model_id, replaced_id, previous_number,
        deployed_at)
    select %(deployment_id)s, %(owner_id)s, %(name)s,
        1 + coalesce((
            select max(d.number) from model_deployments d where d.owner_id = %(owner_id)s and d.name = %(name)s
        ), 0),
        %(model_id)s, %(replaced_id)s, %(previous_number)s, %(now)s
    """
)

DEPLOYMENTS = db.Query(
    Deployment,
    """
    select d.deployment_id, d.name, d.number, d.model_id, m.version, d.replaced_id, d.previous_number, d.deployed_at
    from model_deployments d join models m on m.owner_id = d.owner_id and m.model_id = d.model_id
    where d.owner_id = %(owner_id)s and d.name = %(name)s and d.number < %(before)s
    order by d.number desc limit %(limit)s
    """,
)

DEPLOYMENT = db.Query(
    Deployment,
    """
    select d.deployment_id, d.name, d.number, d.model_id, m.version, d.replaced_id, d.previous_number, d.deployed_at
    from model_deployments d join models m on m.owner_id = d.owner_id and m.model_id = d.model_id
    where d.owner_id = %(owner_id)s and d.name = %(name)s and d.number = %(number)s
    """,
)

DELETE = db.Command("delete from models where owner_id = %(owner_id)s and model_id = %(model_id)s")


def model(tx: db.Transaction, owner_id: int, named: Named) -> db.Pending[Model]:
    """The model of a reference."""
    if named.model_id is not None:
        return tx.fetch(MODEL_BY_ID, owner_id=owner_id, model_id=named.model_id)
    return tx.fetch(MODEL_BY_NAME, owner_id=owner_id, name=named.name, version=named.version)


def add(tx: db.Transaction, owner_id: int, new: Model) -> db.Pending[Entered]:
    """Enters a model as the next version of its name."""
    tx.execute(LOCK_NAME, owner_id=owner_id, name=new.name)
    return tx.fetch(
        ADD,
        owner_id=owner_id,
        model_id=new.model_id,
        name=new.name,
        type=new.type,
        architecture=db.jsonb(new.architecture),
        status=new.status,
        parent_id=new.parent_id,
        derivation=db.jsonb(new.derivation),
        now=new.created_at,
    )


def models(
    tx: db.Transaction,
    owner_id: int,
    limit: int,
    before: tuple[datetime, uuid.UUID] | None,
    name: str | None,
    status: str | None,
) -> db.Pending[Model]:
    """Models, newest first."""
    at, model_id = before or (None, None)
    return tx.fetch(MODELS, owner_id=owner_id, limit=limit, before=at, before_id=model_id, name=name, status=status)


def lock_name(tx: db.Transaction, owner_id: int, name: str) -> None:
    """Whoever deploys or makes a version of a name waits for the others."""
    tx.execute(LOCK_NAME, owner_id=owner_id, name=name)


def locked(tx: db.Transaction, owner_id: int, model_id: uuid.UUID) -> db.Pending[State]:
    """A model whose status is about to change."""
    return tx.fetch(LOCKED, owner_id=owner_id, model_id=model_id)


def held(tx: db.Transaction, owner_id: int, model_id: uuid.UUID) -> db.Pending[Id]:
    """A model that nobody deletes before the transaction ends; no row where somebody has."""
    return tx.fetch(HELD, owner_id=owner_id, model_id=model_id)


def deployed(tx: db.Transaction, owner_id: int, name: str) -> db.Pending[Id]:
    """Which version of a name is deployed."""
    return tx.fetch(DEPLOYED, owner_id=owner_id, name=name)


def put_status(tx: db.Transaction, owner_id: int, model_id: uuid.UUID, status: str) -> None:
    """Writes a status."""
    tx.execute(PUT_STATUS, owner_id=owner_id, model_id=model_id, status=status)


def withdraw(tx: db.Transaction, owner_id: int, name: str) -> None:
    """No version of a name is deployed any more."""
    tx.execute(WITHDRAW, owner_id=owner_id, name=name)


def add_deployment(tx: db.Transaction, owner_id: int, new: Deployment) -> None:
    """Enters a deployment, with the next number of its name."""
    tx.execute(
        ADD_DEPLOYMENT,
        owner_id=owner_id,
        deployment_id=new.deployment_id,
        name=new.name,
        model_id=new.model_id,
        replaced_id=new.replaced_id,
        previous_number=new.previous_number,
        now=new.deployed_at,
    )


def deployments(tx: db.Transaction, owner_id: int, name: str, before: int, limit: int) -> db.Pending[Deployment]:
    """Deployments of a name, newest first."""
    return tx.fetch(DEPLOYMENTS, owner_id=owner_id, name=name, before=before, limit=limit)


def deployment(tx: db.Transaction, owner_id: int, name: str, number: int | None) -> db.Pending[Deployment]:
    """A deployment by its number."""
    return tx.fetch(DEPLOYMENT, owner_id=owner_id, name=name, number=number)


def delete(tx: db.Transaction, owner_id: int, model_id: uuid.UUID) -> None:
    """Deletes a model with all that is its own."""
    tx.execute(DELETE, owner_id=owner_id, model_id=model_id)
