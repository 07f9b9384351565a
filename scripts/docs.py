"""Writes what is generated in docs/ from the code: the OpenAPI document, the table of settings, the schema.

python -m scripts.docs            writes
python -m scripts.docs --check    says what is out of date, and exits 1
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
_HEAD = """\
# Settings

Read once at start from the environment and from `.env` in the working folder. A name that begins with `ANIMA_`
and is none of these is an error at start, and so is an invalid value. *Generated from
`anima.kernel.config` by `make docs`.*

| name | default | what it is |
|---|---|---|
"""


def openapi() -> str:
    """The OpenAPI document of the whole app, as JSON."""
    from anima.app.main import local

    return json.dumps(local().openapi(), indent=1, ensure_ascii=False) + "\n"


def settings() -> str:
    """The table of settings, as Markdown."""
    from anima.kernel.config import Settings

    rows = [_row(name, field) for name, field in Settings.model_fields.items()]
    return _HEAD + "\n".join(rows) + "\n"


def _row(name: str, field: Any) -> str:
    alias = getattr(field.validation_alias, "choices", None)
    shown = str(alias[0]) if alias else f"ANIMA_{name.upper()}"
    text = str(field.description).replace("|", "\\|")
    return f"| `{shown}` | {_default(name, field)} | {text} |"


def _default(name: str, field: Any) -> str:
    if name == "data_dir":
        return "`$XDG_DATA_HOME/anima`, as root `/var/lib/anima`"
    if name == "model_dir":
        return "`$XDG_CACHE_HOME/anima/models`"
    default = field.get_default(call_default_factory=True)
    return "" if default is None else f"`{json.dumps(default) if isinstance(default, dict) else default}`"


def schema() -> str:
    """The schema after all migrations, as SQL."""
    from anima.kernel.postgres.schema import generated

    return generated(ROOT / "sql")


def diagrams() -> str:
    """The ER diagrams, as Markdown."""
    from scripts.diagram import generated

    return generated(ROOT / "sql")


GENERATED: dict[str, Callable[[], str]] = {
    "docs/openapi.json": openapi,
    "docs/settings.md": settings,
    "docs/schema.md": diagrams,
    "sql/schema.sql": schema,
}


def stale(root: Path = ROOT) -> list[str]:
    """The generated files that do not say what the code says."""
    return [
        name
        for name, made in GENERATED.items()
        if not (root / name).is_file() or (root / name).read_text(encoding="utf-8") != made()
    ]


def main(arguments: list[str]) -> int:
    """Writes or checks; answers the exit status."""
    old = stale()
    if arguments == ["--check"]:
        for name in old:
            print(f"{name} is out of date: run `make docs`", file=sys.stderr)
        return 1 if old else 0
    for name in old:
        (ROOT / name).parent.mkdir(exist_ok=True)
        (ROOT / name).write_text(GENERATED[name](), encoding="utf-8")
        print(f"wrote {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
