"""The embedded Postgres for data that stays: one server per folder, shared by all processes that ask for it.

Every commit is on disk. The server outlives a client that is killed; a server that was killed comes back with
all that it had acknowledged. Whoever gives back the last share stops it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from anima.kernel.postgres import cluster as clusters
from anima.kernel.postgres import postmaster
from anima.kernel.postgres.cluster import Cluster
from anima.kernel.postgres.errors import PostgresNotStarted
from anima.kernel.postgres.locks import Lease, exclusive, nobody_holds


@dataclass(frozen=True, slots=True)
class Server:
    """A running server and this process's share in it."""

    host: str
    port: int
    data_dir: Path
    owner_url: str = field(repr=False)
    _cluster: Cluster = field(repr=False)
    _lease: Lease = field(repr=False)

    def lost(self) -> bool:
        """Whether the server is gone, though this process has a share in it."""
        with exclusive(self._cluster.start_lock):
            return self._lease.held and nobody_holds(self._cluster.server_lock)

    def ensure(self) -> Server:
        """The server, started again if it is gone; its port differs only if somebody took the old one."""
        with exclusive(self._cluster.start_lock):
            port = postmaster.running(self._cluster)
        return replace(self, port=port, owner_url=postmaster.owner_url(self._cluster, port))

    def release(self) -> None:
        """Gives this process's share back; the last one stops the server. Doing it twice is harmless."""
        if not self._lease.held:
            return
        if not self._cluster.durable:
            # The watchdog of an ephemeral cluster waits for the last share and clears away.
            self._lease.close()
            return
        with exclusive(self._cluster.start_lock):
            self._lease.close()
            if nobody_holds(self._cluster.users_lock):
                postmaster.stop(self._cluster)

    def stop(self) -> None:
        """Stops the server, whoever else uses it."""
        with exclusive(self._cluster.start_lock):
            postmaster.stop(self._cluster)
        self._lease.close()

    def superuser_url(self, dbname: str = "postgres") -> str:
        """For maintenance of the server itself; nothing of the application runs under it."""
        return postmaster.superuser_url(self._cluster, self.port, dbname)


def start(data_dir: Path) -> Server:
    """Starts the server that keeps its data in `data_dir`, or joins it if another process runs it.

    Raises PostgresNotInstalled, PostgresNotStarted, ClusterBusy, ClusterMissing, ClusterKeyMissing,
    ClusterVersionDiffers, NoPlaceForCluster.
    """
    return join(data_dir, durable=True)


def join(folder: Path, *, durable: bool) -> Server:
    """The server of `folder`, started if it does not run, and a share in it."""
    try:
        cluster = clusters.at(folder, durable=durable)
        with exclusive(cluster.start_lock):
            lease = Lease(cluster.users_lock)
            try:
                port = postmaster.running(cluster)
                clusters.point_to(folder, cluster)
            except BaseException:
                lease.close()
                raise
    except OSError as error:
        raise PostgresNotStarted(folder=folder, reason=str(error)) from error
    return Server(postmaster.HOST, port, folder, postmaster.owner_url(cluster, port), cluster, lease)
