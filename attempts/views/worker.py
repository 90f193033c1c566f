"""The room's service worker. A worker rules only over addresses below its own, so it is served
from where the attempts are and not from where static files are."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe


@require_safe
def worker(request: HttpRequest) -> HttpResponse:
    """Anyone may read it. Browsers look for a newer one by themselves, past their cache."""
    response = HttpResponse(_source(), content_type="text/javascript; charset=utf-8")
    response["Cache-Control"] = "no-cache"
    response["Service-Worker-Allowed"] = "/attempts/"
    return response


@cache
def _source() -> bytes:
    path = finders.find("js/room-worker.js")
    if not isinstance(path, str):
        raise FileNotFoundError("static/js/room-worker.js")
    return Path(path).read_bytes()
