"""The import rules that go by the name of a file, by that of an outside package, or by what a process loads.

The order of the floors and of the files in a room is import-linter's part (pyproject.toml).
"""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[2]
HOUSE = ROOT / "layers" / "app"

DOORS = {"app", "openai_api", "mcp_api", "socket", "console", "cli", "client"}
NO_ROOM = {"kernel", "vendors", *DOORS}
ROLES = ("api", "worker", "service", "repo", "model")
PURE_ROOMS = {"personality", "neuromodulation"}
PURE_KERNEL = {"anima.kernel.ids", "anima.kernel.clock"}
SDKS = {
    *("openai", "anthropic", "ollama", "xllamacpp", "onnxruntime", "tokenizers", "huggingface_hub"),
    *("boto3", "botocore", "sagemaker", "azure", "google"),
    *("pinecone", "qdrant_client", "pymilvus", "weaviate", "chromadb"),
}
WEB = {"fastapi", "starlette", "uvicorn", "mangum"}
BULK = {
    *("numpy", "ml_dtypes", "blake3", "xxhash", "zstandard", "obstore", "safetensors", "gguf", "huggingface_hub"),
    *("torch", "mlflow", "tensorboard", "wandb"),
}
"""What reads and writes tensors: loaded by whoever does, when they do."""
LEFT_OUT_DEPLOYED = {"obstore", "zstandard", "safetensors", "gguf", "huggingface_hub", "torch", "mlflow", "wandb"}
"""What of it no layer has."""
WEB_KERNEL = "anima.kernel.http"
"""What every api shares of the web framework: authentication, headers, problems."""
JOB_ROOMS = {"registry", "tensors", "inference", "neuromodulation", "client", "vendors"}
JOB_KERNEL = {"anima", *(f"anima.kernel.{one}" for one in ("addresses", "config", "db", "errors", "telemetry"))}
"""What of the kernel a job may know: its settings, whom it works for, how it fails."""

SQL = re.compile(r"\b(select\b.+\bfrom|insert into|update\b.+\bset|delete from)\b", re.IGNORECASE)

Import = tuple[str, str]


@cache
def graph(*, only_at_run_time: bool = False) -> grimp.ImportGraph:
    """Every import of the house, also those inside functions; an outside package is one node."""
    return grimp.build_graph(
        "anima",
        include_external_packages=True,
        exclude_type_checking_imports=only_at_run_time,
        cache_dir=None,
    )


def imports(*, only_at_run_time: bool = False) -> list[Import]:
    """All (importer, imported) pairs of the house, sorted."""
    whole = graph(only_at_run_time=only_at_run_time)
    pairs = ((name, found) for name in whole.modules for found in whole.find_modules_directly_imported_by(name))
    return sorted(pair for pair in pairs if pair[0].startswith("anima"))


def room(module: str) -> str:
    """The room of a module: `anima.chat.service` -> `chat`; empty for the root and for outside modules."""
    parts = module.split(".")
    return parts[1] if parts[0] == "anima" and len(parts) > 1 else ""


def role(module: str) -> str:
    """What a file of a room is, also when the room was split by noun: `anima.x.chunks_repo` -> `repo`."""
    for part in reversed(module.split(".")[2:]):
        for name in ROLES:
            if part == name or part.startswith(f"{name}_") or part.endswith(f"_{name}"):
                return name
    return ""


def is_pure(module: str) -> bool:
    """Whether a module is of a pure room; its api is the door to it, and no part of the library."""
    return room(module) in PURE_ROOMS and role(module) != "api"


def modules(wanted: str) -> list[str]:
    """The modules of all rooms that have this role."""
    ours = (name for name in graph().modules if room(name) and room(name) not in NO_ROOM)
    return sorted(name for name in ours if role(name) == wanted)


def told(pairs: list[Import]) -> str:
    return "\n".join(f"{importer} imports {imported}" for importer, imported in pairs)


def without_http() -> list[str]:
    """The handlers of events other than HTTP."""
    return [path for path in sources("functions") if "app" not in {room(module) for module in named(path)}]


def sources(*folders: str) -> list[str]:
    """The Python files below these folders, as paths from the root."""
    found = (path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return sorted(str(path.relative_to(ROOT)) for path in found)


def named(path: str) -> set[str]:
    """The modules that a file names in its imports, wherever they stand in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (inner & graph().modules) or {node.module}
    return found


def test_every_folder_of_the_house_is_a_package() -> None:
    """One that is not would be imported all the same, and seen by none of these rules."""
    folders = {path.parent for path in (HOUSE / "anima").rglob("*.py")}
    missing = sorted(str(each.relative_to(ROOT)) for each in folders if not (each / "__init__.py").is_file())
    assert not missing, missing


def test_an_api_never_sees_a_repo() -> None:
    wrong = [pair for pair in imports() if role(pair[0]) == "api" and role(pair[1]) == "repo"]
    assert not wrong, told(wrong)


def test_a_repo_sees_its_own_model_and_the_database() -> None:
    def allowed(importer: str, imported: str) -> bool:
        own = room(importer) == room(imported) and role(imported) in {"repo", "model"}
        return own or imported == "anima.kernel.db"

    inside = [pair for pair in imports() if pair[0] in modules("repo") and room(pair[1])]
    wrong = [pair for pair in inside if not allowed(*pair)]
    assert not wrong, told(wrong)


def test_a_model_sees_ids_and_clock_and_nothing_else_of_ours() -> None:
    def allowed(importer: str, imported: str) -> bool:
        return imported in PURE_KERNEL or (room(importer) == room(imported) and role(imported) == "model")

    inside = [pair for pair in imports() if pair[0] in modules("model") and room(pair[1])]
    wrong = [pair for pair in inside if not allowed(*pair)]
    assert not wrong, told(wrong)


def test_a_pure_room_sees_ids_clock_and_errors() -> None:
    allowed = PURE_KERNEL | {"anima.kernel.errors"}
    inside = [pair for pair in imports() if is_pure(pair[0]) and room(pair[1])]
    wrong = [pair for pair in inside if room(pair[1]) not in PURE_ROOMS and pair[1] not in allowed]
    assert not wrong, told(wrong)


def test_a_room_calls_the_services_of_another_and_nothing_behind_them() -> None:
    """Other rooms' repos are nobody's; apis and workers are for what puts them together.

    That is the doors, and at home `operations`, which hands events to workers as the functions do when deployed.
    """

    def hidden(importer: str, imported: str) -> bool:
        if room(importer) == room(imported) or not room(imported):
            return False
        assembles = DOORS | ({"operations"} if role(imported) == "worker" else set())
        return role(imported) in ({"repo"} if room(importer) in assembles else {"repo", "api", "worker"})

    wrong = [pair for pair in imports() if room(pair[1]) not in NO_ROOM and hidden(*pair)]
    assert not wrong, told(wrong)


def test_only_vendors_name_an_sdk() -> None:
    wrong = [pair for pair in imports() if pair[1] in SDKS and room(pair[0]) != "vendors"]
    assert not wrong, told(wrong)


def test_only_doors_and_apis_know_the_web_framework() -> None:
    real = imports(only_at_run_time=True)
    known = [pair for pair in real if pair[1] in {*WEB, WEB_KERNEL} and pair[0] != WEB_KERNEL]
    wrong = [pair for pair in known if room(pair[0]) not in DOORS and role(pair[0]) != "api"]
    assert not wrong, told(wrong)


def test_the_way_of_a_turn_stays_short() -> None:
    """From `chat/api` one reaches at most 138 files and 13,800 lines of code of the house.

    Feelings, safety, budgets and the offer of tools are part of it: a turn feels, is careful, counts, asks by itself,
    whoever composes the app. What a tool is made of is not: it is loaded when it is called.
    """
    reached = [name for name in graph().find_upstream_modules("anima.chat.api") if room(name)]
    assert reached
    assert len(reached) <= 138, sorted(reached)
    assert sum(lines_of_code(_file_of(name)) for name in reached) <= 13_800


def lines_of_code(path: Path) -> int:
    """Lines that hold code: neither blank, nor a comment, nor part of a docstring."""
    text = path.read_text(encoding="utf-8")
    kept = {number for number, line in enumerate(text.splitlines(), 1) if line.strip() and line.strip()[0] != "#"}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            kept -= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(kept)


def test_functions_import_workers_app_and_kernel() -> None:
    def allowed(module: str) -> bool:
        return room(module) in {"app", "kernel"} or role(module) == "worker"

    found = [(path, module) for path in sources("functions") for module in named(path) if module.startswith("anima")]
    wrong = [(path, module) for path, module in found if not allowed(module)]
    assert not wrong, told(wrong)


def test_gpu_jobs_import_what_a_job_may_and_hold_no_sql() -> None:
    found = [(path, module) for path in sources("gpu_jobs") for module in named(path)]
    ours = [(path, module) for path, module in found if module.startswith("anima")]
    wrong = [pair for pair in ours if room(pair[1]) not in JOB_ROOMS and pair[1] not in JOB_KERNEL]
    wrong += [pair for pair in found if pair[1].split(".")[0] in {*WEB, "psycopg"}]
    sql = [path for path in sources("gpu_jobs") if SQL.search((ROOT / path).read_text(encoding="utf-8"))]
    assert not [*wrong, *sql], f"{told(wrong)}\n{sql}"


def test_nobody_imports_functions_or_jobs() -> None:
    found = [(path, module) for path in sources("layers", "functions", "gpu_jobs") for module in named(path)]
    wrong = [pair for pair in found if pair[1].split(".")[0] in {"functions", "gpu_jobs"}]
    assert not wrong, told(wrong)


@pytest.mark.parametrize("worker", modules("worker"))
def test_a_worker_loads_neither_the_web_framework_nor_an_sdk(worker: str) -> None:
    loaded = set(_fresh(f"import sys, {worker}; print(*sys.modules, sep='\\n')").split())
    assert worker in loaded
    assert not loaded & {*WEB, *SDKS, *BULK}


@pytest.mark.parametrize("handler", without_http())
def test_a_handler_that_serves_no_http_loads_no_web_framework(handler: str) -> None:
    run = f"import runpy, sys; runpy.run_path({handler!r}, run_name='handler'); print(*sys.modules, sep='\\n')"
    loaded = set(_fresh(run).split())
    assert "anima" in loaded
    assert not loaded & {*WEB, *SDKS, *BULK}


@pytest.mark.parametrize("handler", ["functions/chat/handler.py", "functions/manage/handler.py"])
def test_a_handler_that_serves_http_loads_nothing_that_reads_tensors(handler: str) -> None:
    run = f"import runpy, sys; runpy.run_path({handler!r}, run_name='handler'); print(*sys.modules, sep='\\n')"
    assert not set(_fresh(run).split()) & {*SDKS, *BULK}


def test_the_store_of_tensors_needs_only_what_a_function_has() -> None:
    """What no layer has is not imported by the room, nor by the routes to it; objects are reached by boto3."""
    rooms = sorted(
        name for name in graph().modules if room(name) == "tensors" or name == "anima.registry.giving_service"
    )
    gone = f"import sys\nsys.modules.update(dict.fromkeys({sorted(LEFT_OUT_DEPLOYED)!r}))"
    asked = "from anima.vendors.packs import packs_at\nprint(type(packs_at('s3://bucket/x')).__name__)"
    assert _fresh(f"{gone}\nimport {', '.join(rooms)}\n{asked}").split() == ["BotoPacks"]


def test_models_and_pure_rooms_load_without_database_and_network() -> None:
    pure = sorted({*modules("model"), *(name for name in graph().modules if is_pure(name))})
    loaded = _fresh(f"{OFFLINE}\nimport {', '.join(['anima', *pure])}\nprint(*sys.modules, sep='\\n')").split()
    assert not set(loaded) & {"anima.kernel.db", *SDKS, *WEB}
    assert set(pure) <= set(loaded)


def test_personalities_compile_without_database_and_network() -> None:
    """The same prompt each time, for every ready one at both ends of affinity."""
    lines = _fresh(f"{OFFLINE}\n{COMPILE}").splitlines()
    assert lines
    assert all(line.endswith(" same") for line in lines), lines


COMPILE = """
from anima import personality

for name in personality.ready():
    one = personality.parse(personality.load_ready(name))
    for affinity in (0.0, 1.0):
        prompts = {personality.compile_prompt(one, affinity, None) for _ in range(2)}
        print(name, affinity, "same" if len(prompts) == 1 and len(prompts.pop()) > 100 else "differs")
"""

OFFLINE = """
import sys

sys.modules.update(dict.fromkeys(("psycopg", "psycopg_pool", "httpx")))


def refuse(event, _):
    if event.startswith("socket."):
        raise PermissionError(event)


sys.addaudithook(refuse)
"""
"""The head of a program in which neither a database driver nor a socket can be had."""


def _fresh(program: str) -> str:
    """What a new interpreter prints that runs this program."""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _file_of(module: str) -> Path:
    base = HOUSE.joinpath(*module.split("."))
    return base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
