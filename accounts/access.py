"""The gate in front of every page that belongs to a person.

htmx would follow a redirect to the log-in form and put it where a part of the page was; it gets
told to load the log-in page instead.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from urllib.parse import urlencode

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from accounts.models import User

P = ParamSpec("P")


class PersonRequest(HttpRequest):
    """A request that passed `person_required`: its user is a person."""

    user: User
    htmx: HtmxDetails


def person_required(
    view: Callable[Concatenate[PersonRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Send whoever is not logged in to do so, and afterwards back to where they were."""

    @wraps(view)
    def gated(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if isinstance(request.user, User):
            return view(request, *args, **kwargs)  # type: ignore[arg-type]  # narrowed just above
        back = _page_of(request)
        if getattr(request, "htmx", False):
            query = urlencode({"next": back})
            return HttpResponseClientRedirect(f"{reverse('account_login')}?{query}")
        return redirect_to_login(back)

    return gated


def person_required_json(
    view: Callable[Concatenate[PersonRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """For what a script asks: tell it that somebody has to log in, and where, without moving the
    page it works for."""

    @wraps(view)
    def gated(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if isinstance(request.user, User):
            return view(request, *args, **kwargs)  # type: ignore[arg-type]  # narrowed just above
        query = urlencode({"next": _path(request.headers.get("Referer") or reverse("home"))})
        login = f"{reverse('account_login')}?{query}"
        return JsonResponse({"error": "login", "login": login}, status=401)

    return gated


def _page_of(request: HttpRequest) -> str:
    """The page the person was on: for a form, the one it stood on, since a form's own address
    often answers nothing but POST."""
    if request.method in {"GET", "HEAD"} and not getattr(request, "htmx", False):
        return request.get_full_path()
    headers = request.headers
    return _path(headers.get("HX-Current-URL") or headers.get("Referer") or reverse("home"))


def _path(url: str) -> str:
    """The path of an address; browsers report the full one, and allauth checks where it leads."""
    _, separator, rest = url.partition("://")
    return "/" + rest.partition("/")[2] if separator else url
