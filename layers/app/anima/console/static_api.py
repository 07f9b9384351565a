"""The console's page and files over HTTP."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from anima.console import assets, page
from anima.kernel.errors import NotFound

router = APIRouter(include_in_schema=False)

_FOR_EVER = "public, max-age=31536000, immutable"


def html(made: page.Page, status: int = 200) -> HTMLResponse:
    """A page with its policy; it is asked for anew each time, and names its origin to ours alone."""
    headers = {
        "Content-Security-Policy": made.policy,
        "Cache-Control": "no-cache",
        # With "no-referrer" a browser sends a form of ours with `Origin: null`.
        "Referrer-Policy": "same-origin",
    }
    return HTMLResponse(made.html, status, headers)


@router.api_route("/", methods=["GET", "HEAD"])
def root() -> HTMLResponse:
    """The console."""
    return html(page.index())


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
    if asset.gzipped is not None and "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return Response(asset.gzipped, media_type=asset.media_type, headers=headers)
    return Response(asset.content, media_type=asset.media_type, headers=headers)
