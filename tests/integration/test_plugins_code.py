"""Programs of models in the sandbox: what they compute comes back, and whatever else they try ends with them."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from anima.kernel import db
from anima.plugins.builtin import load, place
from anima.plugins.outcome import Job
from anima.plugins.running_here import run
from anima.vendors import sandbox
from anima.vendors.sandbox import process
from fixtures.coroutines import awaited

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
SECOND = sandbox.Limits(cpu_seconds=1, memory_bytes=96 << 20, output_bytes=10_000)


def ran(code: str, seconds: float = 20.0) -> sandbox.Ran:
    return sandbox.run(code, until=time.monotonic() + seconds, limits=SECOND)


def test_a_program_computes_and_its_last_line_is_told() -> None:
    done = ran(
        "import statistics, datetime\nprint('first')\nstatistics.mean([1, 2, 4.5]), datetime.date(2026, 1, 31).year"
    )
    assert (done.ok, done.output, done.ended_by) == (True, "first\n(2.5, 2026)\n", "itself")
    assert "seccomp" in done.isolation
    broken = ran("x = 1\nx / 0")
    assert (broken.ok, broken.output) == (False, "  line 2\nZeroDivisionError: division by zero\n")


FORBIDDEN = [
    "open('{file}').read()",
    "open('{file}', 'w')",
    "import os; os.open('{file}', os.O_RDONLY)",
    "import os; os.listdir('/')",
    "import os; os.mkdir('{file}-made')",
    "import os; os.remove('{file}')",
    "import os; os.fork()",
    "import os; os.posix_spawn('/bin/true', ['true'], {{}})",
    "import os; os.execv('/bin/true', ['true'])",
    "import os; os.kill(os.getppid() or 1, 9)",
    "import _thread; _thread.start_new_thread(print, ())",
    "import socket",
    "import ctypes",
    "import subprocess",
    "import importlib.util",
]


@pytest.mark.parametrize("code", FORBIDDEN)
def test_a_program_has_no_files_no_network_and_no_other_processes(code: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("a secret of the house")
    done = ran(code.format(file=file))
    assert not done.ok
    assert any(word in done.output for word in ("Error", "not permitted", "can't start"))
    assert "secret of the house" not in done.output
    assert sorted(one.name for one in tmp_path.iterdir()) == ["file"]
    assert file.read_text() == "a secret of the house"


def test_native_code_reaches_no_further() -> None:
    """Whoever gets past Python is still before the kernel: the calls themselves are refused."""
    done = ran(
        "import sys\n"
        "loader = next(one for one in (object.__subclasses__()) if one.__name__ == 'BuiltinImporter')\n"
        "posix = sys.modules['posix']\n"
        "answers = []\n"
        "for act in (lambda: posix.open('/etc/hostname', 0), lambda: posix.fork(), lambda: posix.pipe(), "
        "lambda: posix.stat('/'), lambda: posix.memfd_create('x'), lambda: posix.setuid(0)):\n"
        "    try:\n        answers.append(act())\n"
        "    except OSError as error:\n        answers.append(error.errno)\n"
        "answers\n"
    )
    assert done.output == "[1, 1, 1, 1, 1, 1]\n"


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("while True: pass", "time"),
        ("import time; time.sleep(60)", "time"),
        ("x = 'x' * (1 << 30)", "memory"),
        ("held = []\nwhile True: held.append('x' * 1_000_000)", "memory"),
        ("while True: print('flood' * 1000)", "output"),
        ("import sys\nsys.setrecursionlimit(10**9)\ndef f(): f()\nf()", None),
    ],
)
def test_a_program_that_takes_too_much_is_ended(code: str, why: str | None) -> None:
    done = ran(code, 0.7 if why == "time" else 1.0 if why is None else 20.0)
    assert not done.ok
    assert why in (None, done.ended_by)
    assert len(done.output) <= SECOND.output_bytes + 200


def test_it_knows_nothing_of_the_house(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-house")
    done = ran("import os, sys\nprint(dict(os.environ), sys.argv, [one for one in sys.modules if 'anima' in one])")
    assert done.ok
    assert "sk-of-the-house" not in done.output
    assert done.output.endswith("['program'] []\n")


def test_where_the_kernel_cannot_bound_it_nothing_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine without seccomp; whoever runs the place in a container of its own may say so."""
    from anima.vendors.sandbox import code as running

    source = running._INSIDE.read_text().replace('"x86_64":', '"other":').replace('"aarch64":', '"another":')
    unknown = tmp_path / "inside.py"
    unknown.write_text(source)
    monkeypatch.setattr(running, "_INSIDE", unknown)
    with pytest.raises(sandbox.NoSandbox, match="cannot bound"):
        ran("print('it ran')")
    done = sandbox.run("print('it ran')", until=time.monotonic() + 5, limits=SECOND, isolation="elsewhere")
    assert (done.ok, done.output, done.isolation) == (True, "it ran\n", ("limits",))


def test_a_process_that_leaves_others_behind_takes_them_along(tmp_path: Path) -> None:
    mark = tmp_path / "alive"
    script = (
        f"import os, time\nif os.fork() == 0:\n    time.sleep(0.6)\n    open({str(mark)!r}, 'w')\nprint('parent')\n"
    )
    import sys

    until = time.monotonic() + 3
    ended = process.bounded([sys.executable, "-c", script], b"", until=until, max_output=100, env=dict(os.environ))
    assert (ended.status, ended.output, ended.late) == (0, b"parent\n", False)
    threading.Event().wait(0.8)
    assert not mark.exists()


def job(code: str, seconds: float = 20.0, **config: object) -> Job:
    arguments = {"code": code}
    until = time.monotonic() + seconds
    return Job(db.Principal(1), 1, "code", "run_python", "", arguments, config, None, False, 0, until, False)


def test_the_tool_tells_what_a_model_needs_to_know() -> None:
    assert run(job("6 * 7")).text == "42\n"
    assert run(job("x = 1")).text == "It ended, and wrote nothing."
    failed = run(job("print('before')\n1 / 0"))
    assert (failed.error, failed.text.splitlines()[0]) == ("failed", "before")
    late = run(job("while True: pass", 0.8, cpu_seconds=1))
    assert (late.error, late.text) == ("timeout", "It was ended: it took too long.")
    long = run(job("print('x' * 20_000)\n1 / 0"))
    assert "[...]" in long.text
    assert "ZeroDivisionError" in long.text
    assert load(place("code")).tool("run_python").approval == "never", "the catalogue says who is asked"


def test_the_server_of_the_documents_runs_programs() -> None:
    """docs/examples/python-runner, as another process would call it."""
    import runpy

    server = runpy.run_path(str(EXAMPLES / "python-runner" / "server.py"))["server"]
    answer = awaited(server.call_tool("run_python", {"code": "6 * 7"}))
    assert "42" in str(answer)
