"""One cluster's server process: found running, started, prepared, stopped. Callers hold the start lock."""

from __future__ import annotations

import random
import socket
import subprocess
import time
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

import psycopg
from psycopg import sql

from anima.kernel.postgres import copies
from anima.kernel.postgres.cluster import SUPERUSER, Cluster
from anima.kernel.postgres.errors import PostgresNotStarted
from anima.kernel.postgres.locks import heritable, nobody_holds
from anima.kernel.postgres.processes import end_children, pid_file, postmaster
from anima.kernel.postgres.urls import DatabaseUrl

HOST = "127.0.0.1"
OWNER = "anima_owner"
DATABASE = "anima"
# Below the ports that the kernel gives to outgoing connections, so that the same one is free next time.
_PORTS = range(20_000, 32_000)
# Crash recovery replays at most max_wal_size; an old disk may take its time.
_START_SECONDS = 120
# What a killed postmaster leaves ends within milliseconds, or does not notice.
_ORPHANS_SECONDS = 1.0
_TRIES = 3
_FINAL = ("FATAL", "PANIC")
_PORT_TAKEN = ("could not bind", "could not create any TCP/IP sockets")


def running(cluster: Cluster) -> int:
    """The port of the cluster's server, made, started and prepared as far as it is not yet."""
    cluster.ensure_made()
    return _found(cluster) or _started(cluster)


def superuser_url(cluster: Cluster, port: int, dbname: str = "postgres") -> str:
    """For maintenance of the server itself; nothing of the application runs under it."""
    return _url(SUPERUSER, cluster.identity().superuser_password, port, dbname)


def owner_url(cluster: Cluster, port: int) -> str:
    """The owner of the application's database: no superuser, as at a hosted Postgres."""
    return _url(OWNER, cluster.identity().owner_password, port, DATABASE)


def stop(cluster: Cluster) -> None:
    """Stops the server: sessions end, commits are kept."""
    for mode in ("fast", "immediate"):
        if postmaster(cluster.pgdata) is None:
            return
        cluster.programs.run("pg_ctl", "stop", "-D", str(cluster.pgdata), "-w", "-t", "60", "-m", mode)


def _url(user: str, password: str, port: int, dbname: str) -> str:
    # Whoever takes our port while we are down must not be sent a password in clear: only SCRAM is answered.
    options = (("sslmode", "disable"), ("gssencmode", "disable"), ("require_auth", "scram-sha-256"))
    return str(DatabaseUrl(user, password, HOST, port, dbname, options))


def _found(cluster: Cluster) -> int | None:
    """The port of the server that already runs for this folder, waiting while it starts, recovers or ends."""
    began = time.monotonic()
    while not nobody_holds(cluster.server_lock):
        held, waited = pid_file(cluster.pgdata), time.monotonic() - began
        if held and held.port and _answers(cluster, held.port):
            return held.port
        if waited > _START_SECONDS:
            reason = "a server that does not answer has it, perhaps in another container"
            raise PostgresNotStarted(folder=cluster.home, reason=reason)
        if waited > _ORPHANS_SECONDS and postmaster(cluster.pgdata) is None:
            end_children(cluster.name)
        time.sleep(0.05)
    # Left by one that was killed: Postgres would take whoever has that process id today for the postmaster.
    (cluster.pgdata / "postmaster.pid").unlink(missing_ok=True)
    return None


def _answers(cluster: Cluster, port: int) -> bool:
    """Whether the server on this port is ours: it knows our password (SCRAM) and has our folder."""
    try:
        with psycopg.connect(superuser_url(cluster, port), connect_timeout=5, autocommit=True) as connection:
            row = connection.execute("show data_directory").fetchone()
    except psycopg.OperationalError:
        return False
    return row is not None and Path(row[0]).resolve() == cluster.pgdata.resolve()


def _started(cluster: Cluster) -> int:
    reason = ""
    for _ in range(_TRIES):
        port, began = _free_port(cluster.identity().port), datetime.now(UTC)
        done = _launched(cluster, port)
        if done.returncode == 0:
            _prepare(cluster, port)
            if port != cluster.identity().port:
                cluster.remember_port(port)
            return port
        reason = _last_words(cluster.pgdata, began) or done.stderr.strip() or done.stdout.strip()
        if any(word in reason for word in _FINAL) and not any(words in reason for words in _PORT_TAKEN):
            break
        # It was killed while it started, or somebody was faster with the port.
        if late := _found(cluster):
            return late
    raise PostgresNotStarted(folder=cluster.home, reason=reason)


def _launched(cluster: Cluster, port: int) -> subprocess.CompletedProcess[str]:
    cluster.write_configuration()
    options = ["-D", str(cluster.pgdata), "-w", "-t", str(_START_SECONDS), "-o", f"-p {port}"]
    options += ["-l", str(cluster.pgdata / "startup.log")]
    with heritable(cluster.server_lock) as heritage:
        seconds = _START_SECONDS + 30
        return cluster.programs.run("pg_ctl", "start", *options, seconds=seconds, heritage=[heritage])


def _free_port(remembered: int) -> int:
    """The port of last time, or another if that one is taken."""
    candidates = chain([remembered] if remembered else [], iter(lambda: random.choice(_PORTS), None))  # noqa: S311
    return next(port for port in candidates if _is_free(port))


def _is_free(port: int) -> bool:
    with socket.socket() as trial:
        # As Postgres does it: connections of the last server that still linger are no obstacle.
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((HOST, port))
        except OSError:
            return False
    return True


def _last_words(pgdata: Path, began: datetime) -> str:
    """What the server wrote since `began` before it gave up; lines of the log begin with the time, in UTC."""
    since = began.strftime("%Y-%m-%d %H:%M:%S")
    logs = [pgdata / "startup.log", *sorted((pgdata / "log").glob("*.log"))]
    lines = [line for log in logs if log.is_file() for line in log.read_text(errors="replace").splitlines()]
    return " | ".join(line for line in lines if line[:19] >= since)[-1200:]


def _prepare(cluster: Cluster, port: int) -> None:
    """Makes the owner, its database, and the extension that only a superuser may create."""
    identity = cluster.identity()
    owner, database = sql.Identifier(OWNER), sql.Identifier(DATABASE)
    with psycopg.connect(superuser_url(cluster, port), autocommit=True) as connection:
        if connection.execute("select from pg_roles where rolname = %s", [OWNER]).fetchone() is None:
            password = sql.Literal(identity.owner_password)
            make = sql.SQL("create role {} login createdb createrole password {}")
            connection.execute(make.format(owner, password))
        connection.execute(sql.SQL("grant pg_signal_backend, pg_monitor, pg_checkpoint to {}").format(owner))
        # Closed by one who was killed while he copied it: not even a superuser could connect below.
        copies.reopen_all(connection)
        if connection.execute("select from pg_database where datname = %s", [DATABASE]).fetchone() is None:
            connection.execute(sql.SQL("create database {} owner {}").format(database, owner))
    # Also where every new database of this server begins: a branch with the schema only, a backup being restored.
    for name in ("template1", DATABASE):
        with psycopg.connect(superuser_url(cluster, port, name), autocommit=True) as connection:
            connection.execute("create extension if not exists vector")
            connection.execute("alter extension vector update")
