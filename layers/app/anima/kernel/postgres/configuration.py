"""Settings of the embedded server: one set that keeps every commit, one for tests that keeps none."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

# The file that initdb's own is replaced by: ours first, then room for those of the machine's owner.
POSTGRESQL_CONF = "include '../launcher.conf'  # written anew at every start\n\n# Settings below win.\n"
# Only this machine, only by password: any user of the machine can reach a port.
PG_HBA_CONF = "host all all 127.0.0.1/32 scram-sha-256\n"

_EVERYWHERE = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "password_encryption": "scram-sha-256",
    "jit": "off",
    "random_page_cost": "1.1",
    "max_locks_per_transaction": "128",
    # A query whose client was killed ends with it.
    "client_connection_check_interval": "1s",
    # What people wrote stays out of the log: neither statements nor the values of a violated key.
    "log_min_messages": "warning",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_line_prefix": "%m [%p] ",
}
_DURABLE = {
    "fsync": "on",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "128MB",
    "min_wal_size": "64MB",
    "max_wal_size": "512MB",
    # A week of logs, each day over the one of a week before.
    "logging_collector": "on",
    "log_directory": "log",
    "log_filename": "postgres-%a.log",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_truncate_on_rotation": "on",
}
_EPHEMERAL = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "256MB",
    "checkpoint_timeout": "1h",
    "max_connections": "200",
    "shared_buffers": "32MB",
    # A template is copied only while nobody, so no autovacuum worker either, is connected to it.
    "autovacuum": "off",
    # The default of 4,096 rounds protects passwords that people choose; these are random, and gone tomorrow.
    "scram_iterations": "1",
}


def text(folder: Path, cluster_name: str, *, durable: bool) -> str:
    """The settings file of a cluster in `folder`."""
    chosen = _EVERYWHERE | (_DURABLE if durable else _EPHEMERAL)
    chosen["cluster_name"] = cluster_name
    chosen["effective_cache_size"] = f"{_memory_mb() // 2}MB"
    if _clones(folder):
        # Branches of a database then share their blocks (`create database … strategy file_copy`).
        chosen["file_copy_method"] = "clone"
    return "".join(f"{name} = '{value}'\n" for name, value in chosen.items())


def _memory_mb() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20


def _clones(folder: Path) -> bool:
    """Whether files of this file system share blocks when copied, tried with `cp` as Postgres would do it."""
    option = "-c" if os.uname().sysname == "Darwin" else "--reflink=always"
    with tempfile.TemporaryDirectory(prefix=".clone-", dir=folder) as trial:
        (Path(trial) / "a").write_bytes(b"x" * 8192)
        copier = shutil.which("cp")
        if copier is None:
            return False
        tried = subprocess.run([copier, option, f"{trial}/a", f"{trial}/b"], capture_output=True, check=False)
        return tried.returncode == 0
