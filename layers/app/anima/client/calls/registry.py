"""The registry of models: versions, what they consist of, tensors, compression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal
from uuid import UUID

from anima.client.call import Given, present
from anima.client.operations import listing, operation
from anima.client.results.registry import (
    Artifact,
    Compressed,
    Deployment,
    Deviation,
    Lineage,
    ModelFile,
    ModelHead,
    ModelKind,
    ModelLayer,
    ModelStatus,
    ModelWeight,
    RegisteredModel,
    Tensor,
)

Id = UUID | str


class Registry:
    """Models of the registry."""

    @listing("/registry/models", RegisteredModel)
    def list_registered_models(self, *, name: str | None = None, status: ModelStatus | None = None) -> Given:
        """Versions of models, newest first; those of a name, or in a state."""
        return Given(query=present(name=name, status=status))

    @operation("POST", "/registry/models", RegisteredModel)
    def create_registered_model(
        self,
        name: str,
        *,
        type: ModelKind = "decoder",
        architecture: Mapping[str, Any] | None = None,
        parent_id: Id | None = None,
    ) -> Given:
        """A further version of a name, without weights as yet."""
        return Given(body={"name": name, "type": type, **present(architecture=architecture, parent_id=parent_id)})

    @operation("GET", "/registry/models/{model_id}", RegisteredModel)
    def get_registered_model(self, model_id: Id) -> Given:
        """A version of a model."""
        return Given({"model_id": model_id})

    @operation("PATCH", "/registry/models/{model_id}", RegisteredModel)
    def set_model_status(self, model_id: Id, status: ModelStatus) -> Given:
        """Another state: initialized, training, trained, deployed, and back."""
        return Given({"model_id": model_id}, body={"status": status})

    @operation("DELETE", "/registry/models/{model_id}")
    def delete_registered_model(self, model_id: Id) -> Given:
        """A model with its layers and checkpoints."""
        return Given({"model_id": model_id})

    @operation("POST", "/registry/models/{model_id}/deploy", RegisteredModel)
    def deploy_model(self, model_id: Id) -> Given:
        """Puts it in place of the version of its name that is deployed."""
        return Given({"model_id": model_id})

    @operation("POST", "/registry/models/{model_id}/rollback", RegisteredModel)
    def roll_back_model(self, model_id: Id) -> Given:
        """Deploys the version that stood there before the present one of this model's name."""
        return Given({"model_id": model_id})

    @listing("/registry/models/{model_id}/deployments", Deployment)
    def list_deployments(self, model_id: Id) -> Given:
        """What was deployed of this model's name, newest first."""
        return Given({"model_id": model_id})

    @operation("GET", "/registry/models/{model_id}/lineage", Lineage)
    def get_lineage(self, model_id: Id) -> Given:
        """Where it comes from, and what was made of it."""
        return Given({"model_id": model_id})

    @listing("/registry/models/{model_id}/layers", ModelLayer)
    def list_layers(self, model_id: Id) -> Given:
        """Its layers, from the input on."""
        return Given({"model_id": model_id})

    @listing("/registry/models/{model_id}/heads", ModelHead)
    def list_heads(self, model_id: Id) -> Given:
        """Its attention heads, by layer."""
        return Given({"model_id": model_id})

    @listing("/registry/models/{model_id}/weights", ModelWeight)
    def list_weights(self, model_id: Id) -> Given:
        """Its weights, in the order of the files."""
        return Given({"model_id": model_id})

    @listing("/registry/models/{model_id}/tensors", Tensor)
    def list_model_tensors(self, model_id: Id) -> Given:
        """What its weights are stored as."""
        return Given({"model_id": model_id})

    @listing("/registry/models/{model_id}/files", ModelFile)
    def list_model_files(self, model_id: Id) -> Given:
        """The files that it came in."""
        return Given({"model_id": model_id})

    @operation("GET", "/registry/tensors/{tensor_id}", Tensor)
    def get_tensor(self, tensor_id: Id) -> Given:
        """What a tensor is, and how it is stored."""
        return Given({"tensor_id": tensor_id})

    @operation("GET", "/registry/tensors/{tensor_id}/data", bytes)
    def get_tensor_data(self, tensor_id: Id, *, part: str = "", form: Literal["npy", "raw"] = "npy") -> Given:
        """Its numbers as a NumPy file (or raw); a part of it as `0:10,:`. Large ones are better read where they lie."""
        return Given({"tensor_id": tensor_id}, {"slice": part, "format": form})

    @operation("POST", "/registry/models/{model_id}/quantize", Compressed)
    def quantize_model(
        self,
        model_id: Id,
        *,
        bits: Literal[4, 8] = 8,
        group_size: int = 64,
        symmetric: bool = True,
        keep: Sequence[str] = (),
        name: str | None = None,
    ) -> Given:
        """A quantised version, and what it lost; for small models."""
        body = {"bits": bits, "group_size": group_size, "symmetric": symmetric, "keep": keep, **present(name=name)}
        return Given({"model_id": model_id}, body=body)

    @operation("POST", "/registry/models/{model_id}/prune", Compressed)
    def prune_model(
        self,
        model_id: Id,
        share: float,
        *,
        method: Literal["magnitude", "heads", "neurons"] = "magnitude",
        scope: Literal["tensor", "global"] = "tensor",
        keep: Sequence[str] = (),
        name: str | None = None,
    ) -> Given:
        """A pruned version, and what it lost; for small models."""
        body = {"method": method, "share": share, "scope": scope, "keep": keep, **present(name=name)}
        return Given({"model_id": model_id}, body=body)

    @listing("/registry/models/{model_id}/deviations", Deviation)
    def list_deviations(self, model_id: Id) -> Given:
        """What compression lost, weight by weight."""
        return Given({"model_id": model_id})

    @listing("/models/{catalogue_id}/artifacts", Artifact)
    def list_artifacts(self, catalogue_id: int) -> Given:
        """Files behind an entry of the catalogue of language models; for admins."""
        return Given({"catalogue_id": catalogue_id})

    @operation("POST", "/models/{catalogue_id}/artifacts", Artifact)
    def add_artifact(self, catalogue_id: int, uri: str, checksum: str, *, default: bool = False) -> Given:
        """Names such a file: "sha256:…" or "blake3:…"; for admins."""
        return Given({"catalogue_id": catalogue_id}, body={"uri": uri, "checksum": checksum, "default": default})

    @operation("POST", "/models/{catalogue_id}/artifacts/{artifact_number}/default", Artifact)
    def set_default_artifact(self, catalogue_id: int, artifact_number: int) -> Given:
        """Serves the entry from this file; for admins."""
        return Given({"catalogue_id": catalogue_id, "artifact_number": artifact_number})

    @operation("DELETE", "/models/{catalogue_id}/artifacts/{artifact_number}")
    def remove_artifact(self, catalogue_id: int, artifact_number: int) -> Given:
        """Forgets such a file; for admins."""
        return Given({"catalogue_id": catalogue_id, "artifact_number": artifact_number})
