"""What runs inside the sandbox: takes away everything that a program could reach, then runs it. Stands alone.

In this order: limits of processor, memory and open files; namespaces of network, IPC and names where the kernel lets an
ordinary process make them; Landlock, so that no path can be opened; seccomp with a list of the calls that are allowed,
none of which opens, connects, starts or signals anything. The first line written says which of these hold. What is not
bounded: the processor's caches and timing, and faults of the kernel in those calls that are allowed.
"""

from __future__ import annotations

import ast
import ctypes
import json
import os
import platform
import resource
import struct
import sys
from typing import Any

ALLOWED = (
    "abc array base64 bisect calendar cmath collections collections.abc contextlib copy csv dataclasses datetime "
    "decimal difflib enum fractions functools hashlib heapq html io itertools json json.decoder json.encoder keyword "
    "linecache locale math numbers operator pprint random re statistics string struct textwrap time timeit traceback "
    "types typing unicodedata uuid warnings zlib"
).split()
_ALSO = "_strptime encodings.ascii encodings.latin_1 encodings.utf_16 encodings.utf_8 encodings.idna".split()

_NO_NEW_PRIVILEGES, _SECCOMP, _DEATH_SIGNAL, _DUMPABLE = 38, 22, 1, 4
_NAMESPACES = 0x10000000 | 0x40000000 | 0x08000000 | 0x04000000  # user, network, IPC, names
_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
# read write writev close fstat lseek mmap mprotect munmap mremap madvise brk, signals' return, clocks and sleep, futex,
# randomness, own numbers, select and poll, end.
_CALLS = {
    "x86_64": (
        *(0, 1, 20, 3, 5, 8, 9, 10, 11, 25, 28, 12, 13, 14, 15, 131, 35, 96, 201, 228, 229, 230, 219, 202, 273, 334),
        *(318, 324, 39, 186, 98, 100, 204, 24, 7, 23, 270, 271, 60, 231),
    ),
    "aarch64": (
        *(63, 64, 66, 57, 80, 62, 222, 226, 215, 216, 233, 214, 134, 135, 139, 132, 101, 169, 113, 114, 115, 128, 98),
        *(99, 293, 278, 283, 172, 178, 165, 153, 123, 124, 73, 72, 93, 94),
    ),
}


def main() -> None:
    """Reads what is asked, closes the doors, says which are closed, and runs the program."""
    asked = json.load(sys.stdin)
    for name in (*ALLOWED, *_ALSO):
        __import__(name)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(1, 2)
    os.close(nowhere)
    limit(asked["limits"])
    try:
        held = closed()
    except OSError as error:
        held = []
        if asked["isolation"] == "kernel":
            os.write(1, f"refused: this kernel cannot bound a program ({error})\n".encode())
            os._exit(96)
    os.write(1, ("isolation: " + " ".join([*held, "limits"]) + "\n").encode())
    os._exit(run(asked["code"]))


def limit(limits: dict[str, Any]) -> None:
    """Limits of the system; memory beside what Python itself has taken."""
    taken = 0
    try:
        with open("/proc/self/statm") as file:
            taken = int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        taken = 512 << 20
    seconds = limits["cpu_seconds"]
    wanted = {
        resource.RLIMIT_CPU: (seconds, seconds + 1),
        resource.RLIMIT_CORE: (0, 0),
        resource.RLIMIT_FSIZE: (0, 0),
        resource.RLIMIT_NOFILE: (8, 8),
    }
    if sys.platform == "linux":
        wanted[resource.RLIMIT_AS] = (taken + limits["memory_bytes"],) * 2
    for which, (soft, hard) in wanted.items():
        try:
            resource.setrlimit(which, (soft, hard))
        except (ValueError, OSError):
            continue


def closed() -> list[str]:
    """Closes what the kernel can close, and says what; raises OSError where seccomp is not to be had."""
    if sys.platform != "linux" or platform.machine() not in _CALLS:
        raise OSError(f"seccomp is not known for {sys.platform} on {platform.machine()}")
    kernel = ctypes.CDLL(None, use_errno=True)
    kernel.prctl(_DEATH_SIGNAL, 9, 0, 0, 0)
    kernel.prctl(_DUMPABLE, 0, 0, 0, 0)
    held = ["namespaces"] if kernel.unshare(_NAMESPACES) == 0 else []
    if kernel.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no_new_privs")
    if _landlock(kernel):
        held.append("landlock")
    _seccomp(kernel)
    return [*held, "seccomp"]


def _landlock(kernel: Any) -> bool:
    """Forbids every path, and TCP, where the kernel has Landlock; whether it does."""
    version = kernel.syscall(444, None, 0, 1)
    if version < 1:
        return False
    files = (1 << {1: 13, 2: 14, 3: 15, 4: 15}.get(version, 16)) - 1
    rules = struct.pack("QQQ", files, 3, 3)[: 8 if version < 4 else 16 if version < 6 else 24]
    descriptor = kernel.syscall(444, rules, len(rules), 0)
    if descriptor < 0:
        return False
    done = bool(kernel.syscall(446, descriptor, 0) == 0)
    os.close(descriptor)
    return done


def _seccomp(kernel: Any) -> None:
    """Allows the calls of the list; every other one answers "not permitted". Raises OSError."""
    machine = platform.machine()
    calls = _CALLS[machine]

    def line(code: int, yes: int, no: int, value: int) -> bytes:
        return struct.pack("HBBI", code, yes, no, value)

    load, equal, at_least, answer = 0x20, 0x15, 0x35, 0x06
    program = [
        line(load, 0, 0, 4),
        line(equal, 1, 0, _ARCHITECTURES[machine]),
        line(answer, 0, 0, 0x80000000),
        line(load, 0, 0, 0),
        line(at_least, 0, 1, 0x40000000),  # the other numbering of x86_64
        line(answer, 0, 0, 0x80000000),
    ]
    program += [line(equal, len(calls) - place, 0, call) for place, call in enumerate(calls)]
    program += [line(answer, 0, 0, 0x00050001), line(answer, 0, 0, 0x7FFF0000)]
    text = b"".join(program)
    buffer = ctypes.create_string_buffer(text, len(text))
    filters = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(program), ctypes.addressof(buffer)))
    if kernel.prctl(_SECCOMP, 2, filters, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "seccomp")


def run(code: str) -> int:
    """Runs the program; the value of its last line is written, and so is the error that ends it."""
    import builtins
    import io
    import traceback

    # What is imported by now is all there is.
    sys.meta_path[:] = [one for one in sys.meta_path if getattr(one, "__name__", "") == "BuiltinImporter"]
    sys.path[:] = []
    for name in ("ctypes", "_ctypes", "resource", "platform"):
        sys.modules.pop(name, None)
    sys.argv = ["program"]
    sys.stdout = sys.stderr = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), encoding="utf-8", errors="replace")
    status = 0
    space = {"__name__": "__main__", "__builtins__": builtins}
    try:
        _execute(code, space)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except ModuleNotFoundError as error:
        print(f"ModuleNotFoundError: {error}. Only these are there: {', '.join(n for n in ALLOWED if '.' not in n)}")
        status = 1
    except BaseException as error:
        frames = [
            f"  line {frame.lineno}"
            for frame in traceback.extract_tb(error.__traceback__)
            if frame.filename == "program"
        ]
        print("\n".join([*frames[-5:], "".join(traceback.format_exception_only(error)).strip()[:2000]]))
        status = 1
    try:
        sys.stdout.flush()
    except BaseException:
        status = status or 1
    return status & 0x7F


def _execute(code: str, space: dict[str, Any]) -> None:
    tree = ast.parse(code, "program")
    last = tree.body[-1] if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    if last is not None:
        tree.body.pop()
    exec(compile(tree, "program", "exec"), space)  # noqa: S102 - this is what the process is for
    if last is None:
        return
    value = eval(compile(ast.Expression(last.value), "program", "eval"), space)  # noqa: S307
    if value is not None:
        print(repr(value))


if __name__ == "__main__":
    main()
