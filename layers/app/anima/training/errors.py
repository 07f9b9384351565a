"""What can go wrong with jobs."""

from __future__ import annotations

from anima.kernel.errors import BadInput, Conflict, Forbidden, NotFound, TooLarge


class JobNotFound(NotFound):
    """There is no job {job_id} of yours."""

    slug = "job-not-found"


class JobState(Conflict):
    """The job is {status}: {reason}."""

    slug = "job-state"


class TooManyJobs(Conflict):
    """You have {jobs} jobs that have not ended, and at most {most} are allowed: end one, or wait for one."""

    slug = "too-many-jobs"


class NoRoomEver(Conflict):
    """The job asks for {gpus} GPUs where {there} are lent out (ANIMA_TRAINING_GPUS): it would never begin."""

    slug = "no-room-ever"


class BackendNotSetUp(Conflict):
    """The backend {backend} is not set up here: {reason}."""

    slug = "backend-not-set-up"


class SimulationRefused(BadInput):
    """The simulation is not valid: {reason}."""

    slug = "simulation-invalid"
    quoted = ("reason",)


class MayNotStart(Forbidden):
    """Only a researcher, an operator or an admin may do this: others may look on."""

    slug = "may-not-start-jobs"


class NoTrajectory(NotFound):
    """The job {job_id} has no such file: {reason}."""

    slug = "no-file-of-job"


class TrajectoryTooLarge(TooLarge):
    """The trajectory is too large to be given in one piece: {size} bytes where at most {limit} are."""

    slug = "trajectory-too-large"
