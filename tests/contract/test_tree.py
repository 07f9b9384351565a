"""What files may say: nothing of a machine, locks that hold, SQL in lower case that Postgres 17 knows too."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PYTHON_LOCKS = [ROOT / "requirements.lock", *sorted((ROOT / "scripts" / "locks").glob("*.txt"))]
LAYER_LOCKS = sorted((ROOT / "layers").glob("*/requirements.txt"))

HOME = re.compile(r"(?<![\w.$}~])/(?:home|Users)/[a-z][\w.-]*/|(?<![\w.$}~])/root/[.\w]")
STATEMENT = re.compile(r"\s*(select|insert|update|delete|with|merge)\b", re.IGNORECASE)
SHOUTED = re.compile(
    r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|WHERE|FROM|JOIN|VALUES|RETURNING|ORDER BY|GROUP BY)\b"
    r"|\b(CREATE|ALTER|DROP|GRANT|REFERENCES|PRIMARY KEY)\b"
)
ONLY_18 = re.compile(
    r"\b(uuidv[47]\s*\(|uuid_extract_|casefold\s*\(|crc32c?\s*\(|array_(sort|reverse)\s*\(|gamma\s*\(|lgamma\s*\("
    r"|without overlaps|not enforced|returning\s+(with\s*\(|old\.|new\.)|virtual\b|pg_get_acl)",
    re.IGNORECASE,
)
"""What Postgres 18 brought: functions, virtual columns, temporal keys, RETURNING of old and new."""


@cache
def committed() -> dict[str, str]:
    """Text of every file that git has or would take, by path; binary ones are left out."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    texts = ((name, (ROOT / name).read_bytes()) for name in names if (ROOT / name).is_file())
    return {name: data.decode(errors="replace") for name, data in texts if b"\0" not in data}


def mentions(pattern: re.Pattern[str]) -> list[str]:
    """Where a pattern stands in the repository: `path:line text`."""
    lines = (
        (name, number, line) for name, text in committed().items() for number, line in enumerate(text.splitlines(), 1)
    )
    return [f"{name}:{number} {line.strip()[:90]}" for name, number, line in lines if pattern.search(line)]


def test_no_path_of_a_machine() -> None:
    here = re.compile(rf"(?<![\w.$}}]){re.escape(str(ROOT))}(?![\w-])")
    assert not mentions(HOME) + mentions(here)


def test_no_host_of_a_registry() -> None:
    """The hosts are those that this machine's pip and npm are set to, and so stand in no file."""
    asked = [[sys.executable, "-m", "pip", "config", "list"], ["npm", "config", "get", "registry"]]
    told = "".join(answer(command) for command in asked)
    hosts = set(re.findall(r"https?://(?:[^/@\s]*@)?([^/:\s']+)", told))
    found = [place for host in hosts for place in mentions(re.compile(rf"(?<![\w.-]){re.escape(host)}(?![\w-])"))]
    assert not found, "\n".join(found)


def answer(command: list[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        return ""


def test_python_locks_pin_with_hashes_and_name_no_host() -> None:
    for path in [*PYTHON_LOCKS, *LAYER_LOCKS]:
        text = path.read_text()
        entries = [line for line in text.splitlines() if line[:1].isalnum()]
        assert entries, f"{path.name} is empty"
        assert "://" not in text, path
        assert text.count("\n    --hash=sha256:") >= len(entries), path
        assert all("==" in entry for entry in entries), path


def test_npm_lock_pins_with_hashes_and_names_no_host() -> None:
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    for name, package in packages.items():
        if name:
            assert package["integrity"].startswith("sha512-"), name
            assert "resolved" not in package, name


def pins(path: Path) -> dict[str, list[str]]:
    """Name -> versions that a lock pins; several where they differ by Python version."""
    found: dict[str, list[str]] = {}
    for line in path.read_text().splitlines():
        if line[:1].isalnum():
            pin = Requirement(line.rstrip(" \\"))
            found.setdefault(canonicalize_name(pin.name), []).append(str(pin.specifier).removeprefix("=="))
    return found


def test_the_locks_satisfy_the_project() -> None:
    """Run `make lock` after a change of the dependencies. Of torch every machine has a build of its own."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    training = pins(ROOT / "scripts" / "locks" / "train.txt")
    wanted = [(line, training) for line in extras.pop("train")]
    wanted += [(line, pins(PYTHON_LOCKS[0])) for group in (project["dependencies"], *extras.values()) for line in group]
    for requirement, locked in ((Requirement(line), locked) for line, locked in wanted):
        if requirement.name in (project["name"], "torch"):
            continue
        versions = locked.get(canonicalize_name(requirement.name), [])
        assert any(requirement.specifier.contains(version) for version in versions), f"`make lock`: {requirement}"


def test_smaller_locks_agree_with_the_large_one() -> None:
    large = pins(PYTHON_LOCKS[0])
    for path in (ROOT / "scripts" / "locks" / "run.txt", *LAYER_LOCKS):
        assert {name: versions for name, versions in pins(path).items() if large.get(name) != versions} == {}, path


def statements(path: Path) -> list[tuple[int, str]]:
    """Line and text of every string in a Python file that reads like a statement of SQL."""
    nodes = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant))
    strings = [(node.lineno, node.value) for node in nodes if isinstance(node.value, str)]
    return [(line, text) for line, text in strings if STATEMENT.match(text)]


def sql_texts() -> list[tuple[str, str]]:
    """(place, SQL without comments) of every file under sql/ and of every statement in a repo."""
    written = [path for path in sorted((ROOT / "sql").rglob("*.sql")) if path.name != "schema.sql"]
    found = [(path, 1, path.read_text()) for path in written]
    for path in sorted((ROOT / "layers" / "app" / "anima").rglob("*repo*.py")):
        found += [(path, line, text) for line, text in statements(path)]
    return [(f"{path.relative_to(ROOT)}:{line}", re.sub(r"--.*", "", text)) for path, line, text in found]


def test_sql_is_in_lower_case() -> None:
    loud = [f"{place}: {found.group()}" for place, text in sql_texts() if (found := SHOUTED.search(text))]
    assert not loud, "\n".join(loud)


def test_sql_keeps_to_what_postgres_17_knows() -> None:
    new = [f"{place}: {found.group()}" for place, text in sql_texts() if (found := ONLY_18.search(text))]
    assert not new, "\n".join(new)
