"""One view: loads session and user, does one select and one upsert, says what it did."""

from __future__ import annotations

import json

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

SELECT = "SELECT choice, revision FROM bench_floor WHERE person = %s AND position = %s"
UPSERT = """
INSERT INTO bench_floor (person, position, choice, revision, saved_at)
VALUES (%s, %s, %s, 1, now())
ON CONFLICT (person, position) DO UPDATE
SET choice = excluded.choice, revision = bench_floor.revision + 1, saved_at = excluded.saved_at
"""


def save(request: HttpRequest) -> HttpResponse:
    if not request.user.is_authenticated:
        return HttpResponse(status=401)
    body = json.loads(request.body)
    with connection.cursor() as cursor:
        cursor.execute(SELECT, [request.user.pk, body["position"]])
        row = cursor.fetchone()
        cursor.execute(UPSERT, [request.user.pk, body["position"], body["choice"]])
    return JsonResponse({"position": body["position"], "revision": (row[1] if row else 0) + 1})


urlpatterns = [path("save/", save)]
