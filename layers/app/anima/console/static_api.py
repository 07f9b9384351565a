"""The console's page and files over HTTP."""

from __future__ import annotations

import gzip
import uuid

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from anima.console import assets, page
from anima.kernel.errors import NotFound

router = APIRouter(include_in_schema=False)

_FOR_EVER = "public, max-age=31536000, immutable"


def html(made: page.Page, status: int = 200) -> HTMLResponse:
    """A page with its policy; it is asked for anew each time, and names its origin to ours alone."""
    return HTMLResponse(made.html, status, _headers(made))


def _headers(made: page.Page) -> dict[str, str]:
    return {
        "Content-Security-Policy": made.policy,
        "Cache-Control": "no-cache",
        # With "no-referrer" a browser sends a form of ours with `Origin: null`.
        "Referrer-Policy": "same-origin",
    }


def _takes_gzip(request: Request) -> bool:
    return "gzip" in request.headers.get("accept-encoding", "")


@router.api_route("/", methods=["GET", "HEAD"])
def root(request: Request) -> Response:
    """The console; packed, for it names every module of the first paint."""
    made = page.index()
    headers = {**_headers(made), "Vary": "Accept-Encoding"}
    if not _takes_gzip(request):
        return HTMLResponse(made.html, headers=headers)
    packed = gzip.compress(made.html.encode(), 6, mtime=0)
    return HTMLResponse(packed, headers={**headers, "Content-Encoding": "gzip"})


@router.get("/visualisation")
def visualisation(job: uuid.UUID | None = None) -> RedirectResponse:
    """The live plots of the newest run, or of a named one: the address that people and command lines are given."""
    return RedirectResponse(f"/#/visualisation{f'?job={job}' if job else ''}")


@router.get("/learning")
def learning() -> RedirectResponse:
    """The runs, by the address that people type."""
    return RedirectResponse("/#/learning")


@router.get("/console")
def old_root() -> RedirectResponse:
    """What people type who know the name."""
    return RedirectResponse("/", 308)


@router.api_route("/static/{version}/{path:path}", methods=["GET", "HEAD"])
def static(request: Request, version: str, path: str) -> Response:
    """A file. Under the present version it may be kept for ever; a page of an older one asks each time."""
    asset = assets.assets().get(path)
    if asset is None:
        raise NotFound(what="file", id=path)
    headers = {
        "Cache-Control": _FOR_EVER if version == assets.version() else "no-cache",
        "ETag": asset.etag,
        "Vary": "Accept-Encoding",
    }
    if request.headers.get("if-none-match") == asset.etag:
        return Response(status_code=304, headers=headers)
    if asset.gzipped is not None and _takes_gzip(request):
        headers["Content-Encoding"] = "gzip"
        return Response(asset.gzipped, media_type=asset.media_type, headers=headers)
    return Response(asset.content, media_type=asset.media_type, headers=headers)
