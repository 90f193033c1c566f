"""What one request asks of the database: sent through the product's own middleware and views inside
this process, against the same database, and written down."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from django.db import connection
from django.http import SimpleCookie
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bench.population import Person

FRAME = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE SAVEPOINT")


@dataclass(frozen=True, slots=True)
class Asked:
    status: int
    text: str
    statements: list[str]

    @property
    def count(self) -> int:
        return len(self.statements)


# One for all: the first request of a client makes the middleware, which reads every static file.
CLIENT = Client(enforce_csrf_checks=True, headers={"host": "127.0.0.1"})


def asked(
    person: Person, path: str, *, body: object = None, fields: Mapping[str, str] | None = None
) -> Asked:
    """A GET; with body a POST of JSON, with fields one of a form. BEGIN and COMMIT are left out."""
    CLIENT.cookies = SimpleCookie(person.cookies)
    token = {"x-csrftoken": person.token}
    with CaptureQueriesContext(connection) as queries:
        if body is not None:
            reply = CLIENT.post(
                path, json.dumps(body), content_type="application/json", headers=token
            )
        elif fields is not None:
            reply = CLIENT.post(path, dict(fields), headers=token)
        else:
            reply = CLIENT.get(path)
    told = [query["sql"] for query in queries]
    return Asked(
        reply.status_code,
        reply.content.decode(errors="replace"),
        [sql for sql in told if not sql.startswith(FRAME)],
    )
