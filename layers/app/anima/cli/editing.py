"""A personality in somebody's own editor, asked again until it is valid or they give up."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import typer

from anima import personality as personalities
from anima.kernel.errors import AnimaError, BadInput, FieldError

_USUAL = ("nano", "vim", "vi")


class NoEditor(AnimaError):
    """There is no editor here: set EDITOR, or give a file with --personality."""

    slug = "no-editor"


class EditorFailed(AnimaError):
    """The editor {editor} ended with an error; nothing was changed."""

    slug = "editor-failed"


def edited(personality: dict[str, Any]) -> dict[str, Any]:
    """What somebody makes of a personality. Raises NoEditor, EditorFailed, BadInput where nothing was changed."""
    before = json.dumps(personality, ensure_ascii=False, indent=2)
    text = before
    with tempfile.TemporaryDirectory(prefix="anima-") as folder:
        file = Path(folder) / "personality.json"
        while True:
            file.write_text(text, encoding="utf-8")
            _open(file)
            text = file.read_text(encoding="utf-8", errors="replace")
            if text.strip() == before:
                raise BadInput(reason="nothing was changed", fields=[FieldError("personality", "a change, saved")])
            problems = personalities.check_text(text)
            if not problems:
                return personalities.read_text(text)
            for one in problems:
                print(f"line {one.line}, column {one.column}: {one.path}: {one.message}", file=sys.stderr)
            typer.confirm("Edit again?", default=True, abort=True)


def _open(file: Path) -> None:
    wanted = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    found = shlex.split(wanted) if wanted else [one for one in _USUAL if shutil.which(one)][:1]
    if not found:
        raise NoEditor
    try:
        ended = subprocess.run([*found, str(file)], check=False).returncode
    except OSError:
        ended = 127
    if ended:
        raise EditorFailed(editor=found[0])
