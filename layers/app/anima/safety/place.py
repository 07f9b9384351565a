"""The country of a request, as far as its headers tell. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

_REGION = re.compile(r"^[A-Za-z]{2,3}(?:-[A-Za-z]{4})?-([A-Za-z]{2})$")


def country_of(headers: Mapping[str, str]) -> str | None:
    """Two letters (ISO 3166-1): what the edge knows, else the region of the first language that names one."""
    seen = headers.get("cloudfront-viewer-country") or headers.get("CloudFront-Viewer-Country") or ""
    if re.fullmatch(r"[A-Za-z]{2}", seen):
        return seen.upper()
    accepted = headers.get("accept-language") or headers.get("Accept-Language") or ""
    for language in accepted[:200].split(","):
        if found := _REGION.match(language.split(";")[0].strip()):
            return found[1].upper()
    return None
