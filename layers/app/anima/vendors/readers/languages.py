"""Languages of source code: by a file's name, else by the program that its first line calls."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

_SUFFIXES = {
    "python": "py pyi pyw",
    "javascript": "js mjs cjs jsx",
    "typescript": "ts tsx mts cts",
    "java": "java",
    "kotlin": "kt kts",
    "scala": "scala sc",
    "go": "go",
    "rust": "rs",
    "c": "c h",
    "cpp": "cc cpp cxx hpp hh hxx",
    "csharp": "cs",
    "swift": "swift",
    "php": "php",
    "ruby": "rb rake",
    "shell": "sh bash zsh",
    "sql": "sql",
    "r": "r",
    "julia": "jl",
    "lua": "lua",
    "perl": "pl pm",
    "haskell": "hs",
    "elixir": "ex exs",
    "dart": "dart",
    "css": "css scss less",
    "xml": "xml xsd xsl svg",
    "yaml": "yaml yml",
    "toml": "toml",
    "ini": "ini cfg conf properties",
    "json": "json jsonl ndjson geojson ipynb",
    "tex": "tex bib",
    "vue": "vue svelte",
}
_BY_SUFFIX = {suffix: language for language, suffixes in _SUFFIXES.items() for suffix in suffixes.split()}
_BY_NAME = {"makefile": "make", "dockerfile": "docker", "gemfile": "ruby", "rakefile": "ruby"}
_CALLED = re.compile(r"#![^\n]{0,80}?\b(python|node|ruby|perl|php|bash|zsh|sh|lua|Rscript)[\d.]*\b")
_PROGRAMS = {"node": "javascript", "bash": "shell", "zsh": "shell", "sh": "shell", "Rscript": "r"}


def language_of(name: str | None, head: str) -> str | None:
    """The language of a source file, or None where neither its name nor its first line tells."""
    if name:
        path = PurePosixPath(name.replace("\\", "/").lower())
        found = _BY_SUFFIX.get(path.suffix[1:]) or _BY_NAME.get(path.name)
        if found:
            return found
    called = _CALLED.match(head)
    return _PROGRAMS.get(called.group(1), called.group(1)) if called else None
