"""The one HTML page of the console, with its import map, and what its browser may load."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from dataclasses import dataclass
from functools import cache
from html import escape
from urllib.parse import urlsplit

from anima.console.assets import assets, url
from anima.kernel.config import settings

STYLES = ("css/tokens.css", "css/base.css", "css/talk.css", "css/branches.css", "css/places.css")
_IMPORT_MAP = "vendor/importmap.json"
_ENTRY = "js/main.js"
_FONT = "vendor/inter-latin.woff2"
_LATER = frozenset({"uplot"})
"""Modules of the import map that are fetched when something of theirs is shown."""


@dataclass(frozen=True, slots=True)
class Page:
    """HTML and the Content-Security-Policy that belongs to it."""

    html: str
    policy: str


def policy(*inline_scripts: str) -> str:
    """What a page of the console may do: load what is ours, and run these inline scripts and no other."""
    hashes = "".join(f" 'sha256-{_digest(script)}'" for script in inline_scripts)
    files = " ".join(["'self'", *_object_store()])
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src 'self'{hashes}",
            "style-src 'self'",
            f"connect-src {files}",
            f"img-src {files} data: blob:",
            f"media-src {files}",
            f"frame-src {files}",
            "font-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        ]
    )


def _object_store() -> list[str]:
    """Where files of people come from and go to, where this server does not keep them: the bucket alone."""
    place = urlsplit(settings().object_store_url or "")
    if place.scheme != "s3":
        return []
    regions = ["", *(f"{region}." for region in filter(None, [os.environ.get("AWS_REGION")]))]
    return [f"https://{place.netloc}.s3.{region}amazonaws.com" for region in regions]


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


@cache
def index() -> Page:
    """The page that loads the console, or says how to get its modules where they are missing."""
    given = assets().get(_IMPORT_MAP)
    if given is None:
        body = "<main class='plain'><h1>Anima</h1><p>The page's modules are not here yet: run <code>make vendor</code>"
        return Page(
            _document(body + ", then start again. <a href='/console/plain'>Talk without them.</a></main>"), policy()
        )
    names: dict[str, str] = json.loads(given.content)
    imports = json.dumps({"imports": {name: url(f"vendor/{file}") for name, file in names.items()}}, sort_keys=True)
    shared = [f"vendor/{file}" for name, file in names.items() if name not in _LATER]
    modules = shared + sorted(path for path in assets() if _is_own_module(path))
    head = [
        f"<script type='importmap'>{imports}</script>",
        *(f"<link rel='modulepreload' href='{url(path)}'>" for path in modules if path != _ENTRY),
        f"<link rel='preload' href='{url(_FONT)}' as='font' type='font/woff2' crossorigin>",
        f"<script type='module' src='{url(_ENTRY)}'></script>",
        "<noscript><meta http-equiv='refresh' content='0; url=/console/plain'></noscript>",
    ]
    body = "<div id='app'></div><noscript><p><a href='/console/plain'>Talk without JavaScript</a></p></noscript>"
    return Page(_document(body, head), policy(imports))


def _is_own_module(path: str) -> bool:
    """Whether the first paint needs it: places that are opened later lie in other folders, and types are for tsc."""
    return path.startswith("js/") and path.endswith(".js") and path != "js/types.js"


def _document(body: str, head: list[str] | None = None, title: str = "Anima") -> str:
    styles = [f"<link rel='stylesheet' href='{url(path)}'>" for path in STYLES]
    lines = [
        "<!doctype html>",
        "<html lang='en'><head><meta charset='utf-8'>",
        f"<title>{escape(title)}</title>",
        "<meta name='viewport' content='width=device-width, initial-scale=1, interactive-widget=resizes-content'>",
        "<meta name='color-scheme' content='light dark'>",
        f"<link rel='icon' href='{url('icon.svg')}' type='image/svg+xml'>",
        *styles,
        *(head or []),
        f"</head><body>{body}</body></html>",
    ]
    return "\n".join(lines)


def plain(title: str, body: str) -> Page:
    """A page without scripts."""
    return Page(_document(f"<main class='plain'>{body}</main>", title=title), policy())


def standing(title: str, body: str, script: str) -> Page:
    """A page that stands alone, like the one to sign in, with a script of ours that it can do without."""
    head = [f"<script type='module' src='{url(script)}'></script>"]
    return Page(_document(f"<main class='sign-in'>{body}</main>", head, title), policy())
