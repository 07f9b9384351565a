"""HTTP of the registry's models: versions of a name, what state each is in, and which one is deployed."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from anima.kernel import http
from anima.kernel.http import Items
from anima.registry import lineage_service, service
from anima.registry.model import Model

router = APIRouter(tags=["registry"])

Kind = Literal["decoder", "encoder", "encoder-decoder", "other"]
Status = Literal["initialized", "training", "trained", "deployed"]
ID = "01977a2e-6f0b-7cc3-98c4-dc0c0c07398f"
_OF_WEIGHTS = ("tensors", "kept")
_TIME = "2026-11-22T10:00:00Z"
MODEL_EXAMPLE: dict[str, Any] = {
    "model_id": ID,
    "name": "tiny-gpt2",
    "version": 2,
    "type": "decoder",
    "architecture": {"family": "gpt2", "layers": 12, "heads": 12, "hidden_size": 768},
    "status": "trained",
    "parent_id": None,
    "derivation": {"kind": "import"},
    "parameters": 124439808,
    "trainable_parameters": 124439808,
    "n_bytes": 497759232,
    "created_at": _TIME,
    "updated_at": _TIME,
}
_DEPLOYMENT = {
    "deployment_id": ID,
    "name": "tiny-gpt2",
    "model_id": ID,
    "version": 2,
    "replaced_id": None,
    "deployed_at": _TIME,
}
_KIN = {
    "model_id": ID,
    "name": "tiny-gpt2",
    "version": 1,
    "status": "trained",
    "parent_id": None,
    "derivation": {"kind": "import"},
    "generation": -1,
    "created_at": _TIME,
}
_KIN_RUN = {
    "run_id": ID,
    "name": "warm restarts",
    "status": "completed",
    "step": 1200,
    "started_at": _TIME,
    "ended_at": _TIME,
    "checkpoints": 3,
}


class NewRegisteredModel(http.Body):
    """A model that is about to be trained; its weights come with checkpoints."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"name": "tiny-gpt2", "type": "decoder", "architecture": {"family": "gpt2", "layers": 12}}]
        },
    )
    name: str = Field(min_length=1, max_length=200, description="A name that has versions gets a further one")
    type: Kind = "decoder"
    architecture: dict[str, Any] = Field(default_factory=dict, description="In words of your own, or of config.json")
    parent_id: uuid.UUID | None = Field(None, description="The model that it came from")


class StatusBody(http.Body):
    """The state that a model goes into."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"status": "training"}]})
    status: Status


class RegisteredModel(BaseModel):
    """A version of a model."""

    model_id: uuid.UUID
    name: str
    version: int
    type: Kind
    architecture: dict[str, Any]
    status: Status
    parent_id: uuid.UUID | None
    derivation: dict[str, Any] = Field(description="How it came from its parent, or from where it was imported")
    parameters: int
    trainable_parameters: int
    n_bytes: int = Field(description="Of its weights in memory")
    created_at: datetime
    updated_at: datetime


class Deployment(BaseModel):
    """A version that was put in place of another."""

    deployment_id: uuid.UUID
    name: str
    model_id: uuid.UUID
    version: int
    replaced_id: uuid.UUID | None
    deployed_at: datetime


class Kin(BaseModel):
    """A model that another one came from, or that came from it."""

    model_id: uuid.UUID
    name: str
    version: int
    status: Status
    parent_id: uuid.UUID | None
    derivation: dict[str, Any]
    generation: int = Field(description="Below zero for ancestors, above for descendants")
    created_at: datetime


class KinRun(BaseModel):
    """A run that trained a model."""

    run_id: uuid.UUID
    name: str
    status: str
    step: int
    started_at: datetime | None
    ended_at: datetime | None
    checkpoints: int


class Lineage(BaseModel):
    """Where a model comes from, and what was made of it."""

    model_id: uuid.UUID
    ancestors: list[Kin] = Field(description="The nearest first")
    descendants: list[Kin]
    runs: list[KinRun]
    checkpoints: int


def told(model: Model) -> dict[str, Any]:
    """A model as it is answered: what its derivation says of single weights has an address of its own."""
    derivation = {name: value for name, value in model.derivation.items() if name not in _OF_WEIGHTS}
    return {**asdict(model), "derivation": derivation}


@router.get(
    "/registry/models",
    summary="Models of the registry",
    response_model=Items[RegisteredModel],
    responses={**http.example({"items": [MODEL_EXAMPLE], "next_cursor": None}), **http.problems()},
)
def list_models(
    caller: http.Caller,
    name: Annotated[str | None, Query(max_length=200, description="Only versions of this name")] = None,
    status: Annotated[Status | None, Query(description="Only those in this state")] = None,
    cursor: http.PageCursor = None,
    limit: http.PageLimit = 50,
) -> Any:
    """Every version is a model of its own; the newest first."""
    page = service.models(caller, cursor, limit, name=name, status=status)
    return {"items": [told(one) for one in page.items], "next_cursor": page.next_cursor}


@router.post(
    "/registry/models",
    status_code=201,
    summary="Enter a model",
    response_model=RegisteredModel,
    responses={**http.example(MODEL_EXAMPLE, 201), **http.problems(404)},
)
def create_model(caller: http.Caller, body: NewRegisteredModel) -> Any:
    """A further version of its name, without weights as yet. What has weights already comes by `anima model import`."""
    return told(service.create(caller, body.name, body.type, body.architecture, body.parent_id))


@router.get(
    "/registry/models/{model_id}",
    summary="A model",
    response_model=RegisteredModel,
    responses={**http.example(MODEL_EXAMPLE), **http.problems(404)},
)
def get_model(caller: http.Caller, model_id: uuid.UUID) -> Any:
    """What it is, how large, and how it came to be."""
    return told(service.get(caller, model_id))


@router.patch(
    "/registry/models/{model_id}",
    summary="Change the state of a model",
    response_model=RegisteredModel,
    responses={**http.example(MODEL_EXAMPLE), **http.problems(404, 409)},
)
def change_status(caller: http.Caller, model_id: uuid.UUID, body: StatusBody) -> Any:
    """From initialized to training, trained, deployed; a deployed one back to trained, a trained one to training."""
    return told(service.set_status(caller, model_id, body.status))


@router.delete(
    "/registry/models/{model_id}",
    status_code=204,
    summary="Delete a model",
    responses={**http.problems(404, 409)},
)
def delete_model(caller: http.Caller, model_id: uuid.UUID) -> None:
    """With its layers and checkpoints; what it shares with other models stays. One that is deployed is refused."""
    service.delete(caller, model_id)


@router.post(
    "/registry/models/{model_id}/deploy",
    status_code=201,
    summary="Deploy a model",
    response_model=RegisteredModel,
    responses={**http.example(MODEL_EXAMPLE | {"status": "deployed"}, 201), **http.problems(404, 409)},
)
def deploy(caller: http.Caller, model_id: uuid.UUID) -> Any:
    """In place of the version of its name that is deployed, at once and in one transaction."""
    return told(service.deploy(caller, model_id))


@router.post(
    "/registry/models/{model_id}/rollback",
    status_code=201,
    summary="Go back to what was deployed before",
    response_model=RegisteredModel,
    responses={**http.example(MODEL_EXAMPLE | {"status": "deployed", "version": 1}, 201), **http.problems(404, 409)},
)
def roll_back(caller: http.Caller, model_id: uuid.UUID) -> Any:
    """Deploys the version that stood in place of the present one of this model's name."""
    return told(service.roll_back(caller, service.get(caller, model_id).name))


@router.get(
    "/registry/models/{model_id}/deployments",
    summary="What was deployed when",
    response_model=Items[Deployment],
    responses={**http.example({"items": [_DEPLOYMENT], "next_cursor": None}), **http.problems(404)},
)
def list_deployments(
    caller: http.Caller, model_id: uuid.UUID, cursor: http.PageCursor = None, limit: http.PageLimit = 50
) -> Any:
    """Deployments of this model's name, the newest first."""
    return service.deployments(caller, model_id, cursor, limit)


@router.get(
    "/registry/models/{model_id}/lineage",
    summary="Where a model comes from",
    response_model=Lineage,
    responses={
        **http.example(
            {
                "model_id": ID,
                "ancestors": [_KIN],
                "descendants": [],
                "runs": [_KIN_RUN],
                "checkpoints": 3,
            }
        ),
        **http.problems(404),
    },
)
def get_lineage(caller: http.Caller, model_id: uuid.UUID) -> Any:
    """Models that it came from, models that were made of it, and the runs that trained it."""
    return lineage_service.lineage(caller, model_id)
