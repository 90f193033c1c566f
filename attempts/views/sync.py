"""How a browser delivers what it holds of an attempt, and learns where the attempt stands."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.access import PersonRequest, person_required_json
from accounts.models import User
from attempts import deliveries
from attempts.access import attempt_of
from attempts.deliveries import MOST_BYTES, BadDelivery, TooMuch
from attempts.identity import device_of, person_name
from attempts.models import Attempt
from attempts.room import milliseconds
from attempts.saving import Delivery, Reply, deliver


@never_cache
@require_POST
@person_required_json
def sync(request: PersonRequest, public_id: UUID) -> HttpResponse:
    """Everything a browser held, in order; docs/architecture.md has the rules it is judged by."""
    now = timezone.now()
    try:
        batch = deliveries.parse(_body(request))
    except BadDelivery as error:
        attempt_of(request.user, public_id)  # somebody else's attempt is none, whatever was sent
        status = 413 if isinstance(error, TooMuch) else 400
        return JsonResponse({"error": "delivery", "what": str(error)}, status=status)
    if batch.person != person_name(request.user):
        return JsonResponse({"error": "person"}, status=409)
    try:
        delivery = deliver(request.user, public_id, batch, device_of(request), now)
    except Attempt.DoesNotExist as error:
        raise Http404 from error
    return HttpResponse(json.dumps(_plain(delivery, now)), content_type="application/json")


@never_cache
@require_safe
def pass_(request: HttpRequest) -> HttpResponse:
    """Who is logged in here, by the name a browser's queue knows, and a fresh CSRF token."""
    if not isinstance(request.user, User):
        return JsonResponse({"person": None, "token": None})
    return JsonResponse({"person": person_name(request.user), "token": get_token(request)})


def _body(request: HttpRequest) -> bytes:
    """Not even read when it says that it is too long."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > MOST_BYTES:
        raise TooMuch(f"A delivery has at most {MOST_BYTES} bytes.")
    return request.body


def _plain(delivery: Delivery, now: datetime) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "now": _ms(now),
        "deadline": _ms(delivery.deadline),
        "state": delivery.state,
        "late_until": _ms(delivery.late_until),
        "report_open": delivery.report_open,
        "replies": [_plain_reply(reply) for reply in delivery.replies],
    }
    if delivery.items is not None:
        plain["items"] = [
            [item.position, item.choice_id, item.revision, item.flagged, item.saved_ms]
            for item in delivery.items
        ]
    return plain


def _plain_reply(reply: Reply) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "id": str(reply.id),
        "status": reply.status,
        "position": reply.position,
        "choice": reply.choice,
        "revision": reply.revision,
        "saved_at": _ms(reply.saved_at),
    }
    if reply.reason:
        plain["reason"] = reply.reason
    return plain


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else milliseconds(moment)
