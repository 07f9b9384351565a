"""Training runs, checkpoints, and what inference kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from anima.client.call import Given, Steps, present
from anima.client.files import read
from anima.client.operations import listing, operation, steps
from anima.client.results.registry import RegisteredModel, Role, RunStatus, Scope
from anima.client.results.runs import (
    AttentionInput,
    AttentionPattern,
    Checkpoint,
    CheckpointTensor,
    Comparison,
    InferenceCaches,
    InferenceMetrics,
    InferenceSession,
    MetricsWritten,
    Run,
    RunMetrics,
)

Id = UUID | str


class Runs:
    """Training runs, checkpoints and inference."""

    @listing("/registry/runs", Run)
    def list_runs(self, *, model_id: Id | None = None, status: RunStatus | None = None) -> Given:
        """Training runs, newest first; those of a model, or in a state."""
        return Given(query=present(model_id=model_id, status=status))

    @operation("POST", "/registry/runs", Run)
    def start_run(
        self,
        name: str,
        *,
        model_id: Id | None = None,
        configuration: Mapping[str, Any] | None = None,
        dataset: Mapping[str, Any] | None = None,
        total_epochs: float | None = None,
    ) -> Given:
        """A run that is trained elsewhere and sends what it measures."""
        more = present(model_id=model_id, configuration=configuration, dataset=dataset, total_epochs=total_epochs)
        return Given(body={"name": name, **more})

    @operation("GET", "/registry/runs/{run_id}", Run)
    def get_run(self, run_id: Id) -> Given:
        """How far a run is."""
        return Given({"run_id": run_id})

    @operation("PATCH", "/registry/runs/{run_id}", Run)
    def set_run_status(self, run_id: Id, status: RunStatus, *, error: str | None = None) -> Given:
        """Pauses a run, ends it, or lets it go on."""
        return Given({"run_id": run_id}, body={"status": status, **present(error=error)})

    @operation("DELETE", "/registry/runs/{run_id}")
    def delete_run(self, run_id: Id) -> Given:
        """Deletes a run with what it measured and its checkpoints."""
        return Given({"run_id": run_id})

    @operation("GET", "/registry/runs/{run_id}/metrics", RunMetrics)
    def get_run_metrics(self, run_id: Id, *names: str, scope: Scope | None = None, points: int | None = None) -> Given:
        """What it measured, downsampled; only metrics of these names, where there are any."""
        return Given({"run_id": run_id}, present(name=list(names) or None, scope=scope, points=points))

    @operation("POST", "/registry/runs/{run_id}/metrics", MetricsWritten)
    def send_run_metrics(self, run_id: Id, values: Sequence[Mapping[str, Any]]) -> Given:
        """Values, each with step, name, value, and where wanted scope, epoch and at; up to 1000 in one go."""
        return Given({"run_id": run_id}, body={"values": values})

    @listing("/registry/runs/{run_id}/checkpoints", Checkpoint)
    def list_run_checkpoints(self, run_id: Id) -> Given:
        """Checkpoints of a run, newest first."""
        return Given({"run_id": run_id})

    @listing("/registry/models/{model_id}/checkpoints", Checkpoint)
    def list_checkpoints(self, model_id: Id) -> Given:
        """Checkpoints of a model, newest first."""
        return Given({"model_id": model_id})

    @operation("POST", "/registry/models/{model_id}/checkpoints", Checkpoint, harmless=True)
    def bring_checkpoint(self, model_id: Id, content: bytes, *, step: int, epoch: float | None = None) -> Given:
        """Brings the bytes of a safetensors file. The same step twice with the same weights is one checkpoint."""
        query = {"step": step, **present(epoch=epoch)}
        return Given({"model_id": model_id}, query, content=content, media_type="application/octet-stream")

    @steps
    def upload_checkpoint(
        self, model_id: Id, file: Path | str | bytes, *, step: int, epoch: float | None = None
    ) -> Steps[Checkpoint]:
        """Brings a safetensors file. Large ones are better entered where they lie: `anima.registry.runs`."""
        content = read(file)[1]
        return (yield from Runs.bring_checkpoint.steps(model_id, content, step=step, epoch=epoch))

    @operation("GET", "/registry/checkpoints/{checkpoint_id}", Checkpoint)
    def get_checkpoint(self, checkpoint_id: Id) -> Given:
        """A checkpoint."""
        return Given({"checkpoint_id": checkpoint_id})

    @listing("/registry/checkpoints/{checkpoint_id}/tensors", CheckpointTensor)
    def list_checkpoint_tensors(self, checkpoint_id: Id) -> Given:
        """Its tensors, in their order."""
        return Given({"checkpoint_id": checkpoint_id})

    @operation("GET", "/registry/checkpoints/{checkpoint_id}/file", bytes)
    def get_checkpoint_file(self, checkpoint_id: Id, *, role: Role = "weight") -> Given:
        """Its weights as the bytes of a safetensors file."""
        return Given({"checkpoint_id": checkpoint_id}, {"role": role})

    @operation("DELETE", "/registry/checkpoints/{checkpoint_id}")
    def delete_checkpoint(self, checkpoint_id: Id) -> Given:
        """Deletes it; what others share with it stays."""
        return Given({"checkpoint_id": checkpoint_id})

    @operation("POST", "/registry/checkpoints/{checkpoint_id}/best", Checkpoint)
    def set_best_checkpoint(self, checkpoint_id: Id) -> Given:
        """Keeps it as the best one of its run."""
        return Given({"checkpoint_id": checkpoint_id})

    @operation("POST", "/registry/checkpoints/{checkpoint_id}/promote", RegisteredModel)
    def promote_checkpoint(self, checkpoint_id: Id, *, name: str | None = None) -> Given:
        """Makes it a version of its model, or of `name`."""
        return Given({"checkpoint_id": checkpoint_id}, body=present(name=name))

    @operation("GET", "/registry/checkpoints/{checkpoint_id}/compare", Comparison)
    def compare_checkpoints(self, checkpoint_id: Id, other: Id, *, same: bool = False) -> Given:
        """How two checkpoints differ, weight by weight."""
        return Given({"checkpoint_id": checkpoint_id}, {"with": other, "same": same})

    @listing("/inference/sessions", InferenceSession)
    def list_inference_sessions(self, *, model_id: Id | None = None) -> Given:
        """Sessions of inference, newest first."""
        return Given(query=present(model_id=model_id))

    @operation("GET", "/inference/sessions/{inference_id}", InferenceSession)
    def get_inference_session(self, inference_id: Id) -> Given:
        """A session of inference."""
        return Given({"inference_id": inference_id})

    @operation("GET", "/inference/sessions/{inference_id}/metrics", InferenceMetrics)
    def get_inference_metrics(self, inference_id: Id, *, points: int | None = None) -> Given:
        """What it measured, over time."""
        return Given({"inference_id": inference_id}, present(points=points))

    @operation("GET", "/inference/caches", InferenceCaches)
    def get_inference_caches(self) -> Given:
        """What the caches hold of the caller's, and what they saved."""
        return Given()

    @listing("/inference/attention/{model_id}", AttentionPattern)
    def list_attention(
        self, model_id: Id, *, input_hash: str | None = None, layer: int | None = None, head: int | None = None
    ) -> Given:
        """What heads attended to: the matrix of each is a tensor."""
        return Given({"model_id": model_id}, present(input=input_hash, layer=layer, head=head))

    @listing("/inference/attention/{model_id}/inputs", AttentionInput)
    def list_attention_inputs(self, model_id: Id) -> Given:
        """Texts of which attention was recorded, newest first."""
        return Given({"model_id": model_id})
