"""The JSON Schema of simulation files, for editors; generated from the code, and published in docs."""

from __future__ import annotations

from typing import Any

from anima.neuromodulation.simulation.file import Simulation


def schema() -> dict[str, Any]:
    """The schema (draft 2020-12)."""
    made = Simulation.model_json_schema(mode="validation")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://anima.invalid/simulation.schema.json",
        **made,
        "title": "Simulation file of Anima",
    }
