"""Postgres is away for a while: a calm 503 instead of an error, whatever part of us noticed it.

What a browser sent meanwhile was not saved and is not acknowledged, not even when the connection
broke during a commit that may have come through: the browser sends again, and the names of its
changes make that safe.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator

import psycopg
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.urls import Resolver404, resolve
from django.views import defaults

RETRY_AFTER = "5"  # seconds
SPEAK_JSON = {"attempt-sync", "attempt-form", "attempt-pass"}
# Postgres' kinds of errors that are about itself: the connection, its resources, its operator.
ABOUT_ITSELF = ("08", "53", "57P")


def is_away(error: BaseException | None) -> bool:
    """Whether this error, or one it was raised from, says that the database cannot be had."""
    return any(_says_away(cause) for cause in _causes(error))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _says_away(error: BaseException) -> bool:
    if not isinstance(error, OperationalError):
        return False
    driver = error.__cause__
    state = driver.sqlstate if isinstance(driver, psycopg.Error) else None
    # No state is what the driver says by itself: it could not connect, or the connection broke.
    return state is None or state.startswith(ABOUT_ITSELF)


# --- The handlers named in urls.py: Django's, for whatever a view or a middleware raised --------


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A session that could not be stored is reported as one that somebody ended."""
    return away(request) if is_away(exception) else defaults.bad_request(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    return away(request) if is_away(sys.exception()) else defaults.server_error(request)


def away(request: HttpRequest) -> HttpResponse:
    response: HttpResponse
    if _speaks_json(request):
        response = JsonResponse({"error": "away"}, status=503)
    else:
        again = request.method in {"GET", "HEAD"}
        response = HttpResponse(render_to_string("503.html", {"again": again}), status=503)
    response["Retry-After"] = RETRY_AFTER
    response["Cache-Control"] = "no-store"
    return response


def _speaks_json(request: HttpRequest) -> bool:
    """By the address: a session that cannot be read fails before the address was looked at."""
    try:
        return resolve(request.path_info).url_name in SPEAK_JSON
    except Resolver404:
        return False


class Brief(logging.Filter):
    """A line a second while the database is away: not a page for every request, nor mail."""

    _next = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if not is_away(error):
            return True
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + 1
        why = str(error).partition("\n")[0]
        record.msg, record.args = f"{record.getMessage()} (the database is away: {why})", ()
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        record.exc_info = record.exc_text = None
        return True
