"""Where the scripts of the jobs lie: packed with this code, else in the repository."""

from __future__ import annotations

from pathlib import Path

import anima


def script(job: str) -> Path:
    """The entry of a job: `gpu_jobs/<job>/<job>.py`. Raises FileNotFoundError for a job that there is not."""
    package = Path(anima.__file__).resolve().parent
    for folder in (package / "_jobs", package.parents[2] / "gpu_jobs"):
        path = folder / job / f"{job}.py"
        if path.is_file():
            return path
    raise FileNotFoundError(f"no job {job}")
