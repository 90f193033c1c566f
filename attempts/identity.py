"""What the browser of the exam room is told of who is logged in, and what we know it by.

The name of a person lets a queue of answers in a browser say whose it is without telling anything
about them. The name of a device lives in a signed cookie of its own, so that it outlasts a session.
"""

from __future__ import annotations

import uuid

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac

from accounts.models import User

COOKIE = "touchstone_device"
_SALT = "attempts.identity"
_AGE = 180 * 24 * 3600  # seconds


def person_name(user: User) -> str:
    """24 hex digits: the same for a person as long as the site's secret stays."""
    return salted_hmac(_SALT, str(user.pk)).hexdigest()[:24]


def device_of(request: HttpRequest) -> uuid.UUID | None:
    """The device that sent this; None when its cookie is missing or not one of ours."""
    value = request.get_signed_cookie(COOKIE, default=None, salt=_SALT)
    try:
        return uuid.UUID(value) if value else None
    except ValueError:
        return None


def remember_device(request: HttpRequest, response: HttpResponse) -> uuid.UUID:
    """Name the device if it has no name yet; the cookie goes to the pages of attempts only."""
    known = device_of(request)
    if known is not None:
        return known
    device = uuid.uuid4()
    response.set_signed_cookie(
        COOKIE,
        str(device),
        salt=_SALT,
        max_age=_AGE,
        path="/attempts/",
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return device
