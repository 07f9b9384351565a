"""Prompts in versions, and variants that are tried on people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from anima.client.call import Given, present
from anima.client.operations import listing, operation
from anima.client.results.experiments import Experiment, Prompt, PromptDifference, ReportedExperiment

Metric = Literal["liked", "rating", "latency", "cost", "errors", "safety"]


class Experiments:
    """Prompts and experiments."""

    @listing("/prompts", Prompt)
    def list_prompts(self) -> Given:
        """The newest version of each prompt."""
        return Given()

    @operation("POST", "/prompts", Prompt)
    def create_prompt(self, name: str, content: str) -> Given:
        """A prompt, or its next version."""
        return Given(body={"name": name, "content": content})

    @listing("/prompts/{name}", Prompt)
    def list_prompt_versions(self, name: str) -> Given:
        """All versions of a prompt, newest first."""
        return Given({"name": name})

    @operation("GET", "/prompts/{name}/diff", PromptDifference)
    def compare_prompts(self, name: str, old: int, new: int) -> Given:
        """What changed from one version to another."""
        return Given({"name": name}, {"from": old, "to": new})

    @listing("/experiments", Experiment)
    def list_experiments(self) -> Given:
        """Experiments, newest first."""
        return Given()

    @operation("POST", "/experiments", Experiment)
    def start_experiment(
        self,
        name: str,
        variants: Sequence[Mapping[str, Any]],
        *,
        metric: Metric = "liked",
        guard: Mapping[str, Any] | None = None,
    ) -> Given:
        """Tries variants on people: each with a name, a weight, and a model, prompt ("name@3"), params or policy."""
        return Given(body={"name": name, "variants": variants, "metric": metric, **present(guard=guard)})

    @operation("GET", "/experiments/{exp_id}", ReportedExperiment)
    def get_experiment(self, exp_id: int) -> Given:
        """An experiment, and what it has shown, with its uncertainty."""
        return Given({"exp_id": exp_id})

    @operation("POST", "/experiments/{exp_id}/stop", Experiment)
    def stop_experiment(self, exp_id: int, reason: str = "") -> Given:
        """Ends an experiment."""
        return Given({"exp_id": exp_id}, body={"reason": reason} if reason else {})
