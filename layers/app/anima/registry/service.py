"""Models of a person: versions of names, the machine of their status, deployment and roll back."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from anima.kernel import clock, db, ids, pages
from anima.kernel.errors import BadInput, FieldError, NotFound
from anima.kernel.pages import Page
from anima.registry import repo
from anima.registry.errors import IsDeployed, NothingToRollBack, WrongStatus
from anima.registry.kept_json import kept_json
from anima.registry.model import NEXT, TYPES, Deployment, Model, Reference, before, named
from anima.registry.naming import checked_name, is_text
from anima.registry.repo import State
from anima.tensors import service as tensors_service


def owner(principal: db.Principal) -> int:
    """Whose models are meant. Raises BadInput for a principal without a person."""
    if principal.user_id is None:
        raise BadInput(reason="a model belongs to a person")
    return principal.user_id


def create(
    principal: db.Principal,
    name: str,
    type: str,
    architecture: Mapping[str, Any],
    parent_id: uuid.UUID | None = None,
    derivation: Mapping[str, Any] | None = None,
) -> Model:
    """A new version of a name, initialized and without weights. Raises BadInput, NotFound."""
    with db.transaction(principal) as tx:
        return create_in(tx, owner(principal), name, type, architecture, parent_id=parent_id, derivation=derivation)


def create_in(
    tx: db.Transaction,
    owner_id: int,
    name: str,
    type: str,
    architecture: Mapping[str, Any],
    *,
    parent_id: uuid.UUID | None = None,
    derivation: Mapping[str, Any] | None = None,
    status: str = "initialized",
) -> Model:
    """The same, as part of a transaction. Raises BadInput, NotFound."""
    if type not in TYPES:
        raise BadInput(reason="unknown type of a model", fields=[FieldError("type", f"one of {', '.join(TYPES)}")])
    if status not in NEXT or status == "deployed":
        raise BadInput(reason="a model begins as initialized, training or trained")
    now = clock.now()
    said, how = kept_json("architecture", architecture), kept_json("derivation", derivation or {})
    new = Model(ids.uuid7(), checked_name(name), 0, type, said, status, parent_id, how, now, now)
    if parent_id is not None:
        hold(tx, owner_id, parent_id)
    entered = repo.add(tx, owner_id, new).one()
    return replace(new, version=entered.version, updated_at=entered.updated_at)


def hold(tx: db.Transaction, owner_id: int, model_id: uuid.UUID) -> None:
    """Keeps a model from being deleted until the transaction ends. Raises NotFound."""
    if repo.held(tx, owner_id, model_id).first() is None:
        raise NotFound(what="model", id=model_id)


def get(principal: db.Principal, model: Reference) -> Model:
    """A model by "name" (its newest version), "name@3", or its id. Raises NotFound."""
    if isinstance(model, Model):
        return model
    with db.transaction(principal) as tx:
        found = repo.model(tx, owner(principal), named(_text(model)))
    row = found.first()
    if row is None:
        raise NotFound(what="model", id=model)
    return row


def _text(model: str | uuid.UUID) -> str | uuid.UUID:
    if isinstance(model, str) and not is_text(model):
        raise NotFound(what="model", id=repr(model))
    return model


def models(
    principal: db.Principal,
    cursor: str | None = None,
    limit: int = 50,
    *,
    name: str | None = None,
    status: str | None = None,
) -> Page[Model]:
    """The models of a person, newest first. Raises BadInput."""
    if status is not None and status not in NEXT:
        raise BadInput(reason="unknown status", fields=[FieldError("status", f"one of {', '.join(NEXT)}")])
    after = pages.time_and_id(cursor)
    if name is not None and not is_text(name):
        return Page([], None)
    with db.transaction(principal) as tx:
        rows = repo.models(tx, owner(principal), limit + 1, after, name, status)
    return pages.page(rows.all(), limit, lambda row: [row.created_at.isoformat(), str(row.model_id)])


def set_status(principal: db.Principal, model: Reference, status: str) -> Model:
    """Moves a model to another status; to `deployed` it is deployed. Raises NotFound, BadInput, WrongStatus."""
    if status not in NEXT:
        raise BadInput(reason="unknown status", fields=[FieldError("status", f"one of {', '.join(NEXT)}")])
    if status == "deployed":
        return deploy(principal, model)
    found = get(principal, model)
    with db.transaction(principal) as tx:
        state = _locked(tx, principal, found.model_id)
        if state.status not in before(status):
            raise _wrong(state, status)
        repo.put_status(tx, owner(principal), found.model_id, status)
    return get(principal, found.model_id)


def _locked(tx: db.Transaction, principal: db.Principal, model_id: uuid.UUID) -> State:
    state = repo.locked(tx, owner(principal), model_id).first()
    if state is None:
        raise NotFound(what="model", id=model_id)
    return state


def _wrong(state: State, wanted: str) -> WrongStatus:
    return WrongStatus(
        model=f"{state.name}@{state.version}",
        status=state.status,
        possible=" or ".join(NEXT[state.status]),
        wanted=wanted,
    )


def deploy(principal: db.Principal, model: Reference) -> Model:
    """Deploys a trained version in place of the one of its name that is deployed. Again changes nothing.

    Raises NotFound, WrongStatus.
    """
    found, owner_id = get(principal, model), owner(principal)
    with db.transaction(principal) as tx:
        repo.lock_name(tx, owner_id, found.name)
        state = _locked(tx, principal, found.model_id)
        if state.status not in (*before("deployed"), "deployed"):
            raise _wrong(state, "deployed")
        if state.status != "deployed":
            current = repo.deployed(tx, owner_id, found.name).first()
            last = repo.deployments(tx, owner_id, found.name, 2**31 - 1, 1).first()
            # A name of which nothing is deployed any more begins anew.
            previous = None if current is None or last is None else last.number
            _put_in_place(tx, owner_id, found, None if current is None else current.model_id, previous)
    return get(principal, found.model_id)


def _put_in_place(
    tx: db.Transaction, owner_id: int, model: Model, replaced: uuid.UUID | None, previous: int | None
) -> None:
    repo.withdraw(tx, owner_id, model.name)
    repo.put_status(tx, owner_id, model.model_id, "deployed")
    new = Deployment(ids.uuid7(), model.name, 0, model.model_id, model.version, replaced, previous, clock.now())
    repo.add_deployment(tx, owner_id, new)


def roll_back(principal: db.Principal, name: str) -> Model:
    """Deploys again what was deployed before the last deployment of a name; once more: what was before that.

    Raises NothingToRollBack, WrongStatus (it is in training again).
    """
    owner_id = owner(principal)
    if not is_text(name):
        raise NothingToRollBack(name=repr(name))
    with db.transaction(principal) as tx:
        repo.lock_name(tx, owner_id, name)
        last = repo.deployments(tx, owner_id, name, 2**31 - 1, 1).first()
        earlier = repo.deployment(tx, owner_id, name, last.previous_number).first() if last is not None else None
        if earlier is None:
            raise NothingToRollBack(name=name)
        state = _locked(tx, principal, earlier.model_id)
        if state.status not in (*before("deployed"), "deployed"):
            raise _wrong(state, "deployed")
        current = repo.deployed(tx, owner_id, name).first()
        target = repo.model(tx, owner_id, named(earlier.model_id)).one()
        replaced = None if current is None else current.model_id
        _put_in_place(tx, owner_id, target, replaced, earlier.previous_number)
    return get(principal, target.model_id)


def deployments(
    principal: db.Principal, model: Reference, cursor: str | None = None, limit: int = 50
) -> Page[Deployment]:
    """The deployments of a name (or of the name of a model), newest first. Raises NotFound, BadInput."""
    last = pages.number(cursor, 2**31 - 1)
    found = get(principal, model)
    with db.transaction(principal) as tx:
        rows = repo.deployments(tx, owner(principal), found.name, 2**31 - 1 if last is None else last, limit + 1)
    return pages.page(rows.all(), limit, lambda row: [row.number])


def delete(principal: db.Principal, model: Reference) -> None:
    """Deletes a version with its checkpoints; its tensors go when nothing else refers to them.

    Raises NotFound, IsDeployed.
    """
    found, owner_id = get(principal, model), owner(principal)
    with db.transaction(principal) as tx:
        state = _locked(tx, principal, found.model_id)
        if state.status == "deployed":
            raise IsDeployed(model=f"{state.name}@{state.version}")
        repo.delete(tx, owner_id, found.model_id)
        tensors_service.released(tx, owner_id)
