"""Postgres away: a calm 503 at once from wherever it is noticed, nothing acknowledged that may not
be stored, and everything as before as soon as it is back."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Iterator, Mapping

import psycopg
import pytest
from django.db import OperationalError, close_old_connections, connection
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from attempts.models import AnswerEvent, Attempt
from issmp_site.database.base import Store
from issmp_site.outage import Brief, is_away
from tests.postgres_door import Door, door_before_postgres
from tests.world import PASSWORD, World


class Visitor:
    """Asks as the server is asked: each request with its own turn at the database."""

    def __init__(self) -> None:
        self.client = Client(raise_request_exception=False)

    def get(self, path: str) -> HttpResponse:
        return self._turn("get", path, {})

    def post(self, path: str, data: Mapping[str, object] | None = None) -> HttpResponse:
        return self._turn("post", path, data or {})

    def _turn(self, method: str, path: str, data: Mapping[str, object]) -> HttpResponse:
        close_old_connections()
        reply: HttpResponse = getattr(self.client, method)(path, data)
        close_old_connections()
        return reply


@pytest.fixture
def attempt(live_world: World) -> Attempt:
    return live_world.start(live_world.ada)


@pytest.fixture
def door(attempt: Attempt) -> Iterator[Door]:
    with door_before_postgres() as door:
        yield door


@pytest.fixture
def ada(live_world: World, door: Door) -> Visitor:
    visitor = Visitor()
    visitor.client.force_login(live_world.ada)
    close_old_connections()
    return visitor


def is_calm(reply: HttpResponse) -> bool:
    words = reply.content.decode()
    assert reply.status_code == 503, (reply.status_code, words[:200])
    assert reply["Retry-After"] == "5"
    assert "no-store" in reply["Cache-Control"]
    assert "Content-Security-Policy" in reply
    return "your answers are kept in this browser" in words


PAGES = ["", "exams/", "attempts/", "profile/", "profile/data.json", "groups/", "admin/"]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_says_so_calmly_and_at_once(ada: Visitor, door: Door, path: str) -> None:
    door.shut()
    for _ in range(2):  # with a connection of before the outage, and without
        began = time.monotonic()
        assert is_calm(ada.get(f"/{path}"))
        assert time.monotonic() - began < 1


def test_the_room_says_so_too(ada: Visitor, door: Door, attempt: Attempt) -> None:
    room = reverse("attempt-item", args=[attempt.public_id, 1])
    door.shut()
    assert "Try again" in ada.get(room).content.decode()
    assert is_calm(ada.get(room))
    sent = ada.post(room, {"choice": 1, "revision": 0})
    assert is_calm(sent)
    assert "Go back, and send it again" in sent.content.decode()
    assert is_calm(ada.post(reverse("attempt-submit", args=[attempt.public_id])))
    assert is_calm(ada.post(reverse("account_login"), {"login": "a@example.org", "password": "x"}))


@pytest.mark.parametrize("name", ["attempt-sync", "attempt-form", "attempt-pass"])
def test_programs_are_told_in_json(ada: Visitor, door: Door, attempt: Attempt, name: str) -> None:
    path = reverse(name, args=[] if name == "attempt-pass" else [attempt.public_id])
    door.shut()
    reply = ada.post(path) if name == "attempt-sync" else ada.get(path)
    assert (reply.status_code, json.loads(reply.content)) == (503, {"error": "away"})
    assert reply["Retry-After"] == "5"


def test_the_first_request_after_its_return_is_served(ada: Visitor, door: Door) -> None:
    assert ada.get("/exams/").status_code == 200
    door.shut()
    for _ in range(3):
        assert is_calm(ada.get("/exams/"))
    probe = Visitor()
    assert probe.get("/health/ready").status_code == 503
    assert probe.get("/health/live").status_code == 200
    door.open()
    assert ada.get("/exams/").status_code == 200
    assert probe.get("/health/ready").status_code == 200


def test_a_restart_between_two_requests_is_not_noticed(ada: Visitor, door: Door) -> None:
    assert ada.get("/exams/").status_code == 200
    door.drop()
    assert ada.get("/exams/").status_code == 200


def test_a_commit_whose_outcome_is_unknown_is_not_acknowledged(
    ada: Visitor, door: Door, attempt: Attempt
) -> None:
    item = attempt.items.get(position=1)
    room = reverse("attempt-item", args=[attempt.public_id, 1])
    answer = {"choice": item.choice_order[2], "revision": 0}
    connection.close()
    door.slam_at(b"COMMIT")
    assert is_calm(ada.post(room, answer))
    door.open()
    assert ada.post(room, answer).status_code == 302  # sent again: that is what is stored already
    item.refresh_from_db()
    assert (item.choice_id, item.revision) == (answer["choice"], 1)
    assert AnswerEvent.objects.filter(item=item).count() == 1


@pytest.mark.parametrize(
    ("moment", "logged_in", "name"),
    [
        (b"FROM django_session", True, "profile"),  # accounts.sessions
        (b'INSERT INTO "django_session"', False, "account_login"),
        (b'UPDATE "django_session"', True, "account_reauthenticate"),
    ],
)
def test_an_outage_noticed_by_the_session_is_one(
    live_world: World, door: Door, ada: Visitor, moment: bytes, logged_in: bool, name: str
) -> None:
    """Django would take a session it cannot store for one that was ended: a bad request."""
    visitor = ada if logged_in else Visitor()
    door.slam_at(moment)
    answer = {"login": live_world.ada.email, "password": PASSWORD}
    assert is_calm(visitor.post(reverse(name), answer))


def test_only_one_thread_waits_for_a_database_that_does_not_answer() -> None:
    store = Store()
    waits: list[float] = []

    def ask(place: dict[str, object]) -> None:
        began = time.monotonic()
        with pytest.raises(psycopg.OperationalError):
            store.connect(place)
        waits.append(time.monotonic() - began)

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        place: dict[str, object] = {"host": "127.0.0.1", "port": port, "connect_timeout": 2}
        ask(place)
        threads = [threading.Thread(target=ask, args=[place]) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    first, *others = waits
    assert first > 1.5
    assert sum(wait > 0.5 for wait in others) == 1


@pytest.mark.parametrize(
    ("error", "away"),
    [
        (psycopg.errors.ConnectionFailure(), True),
        (psycopg.errors.AdminShutdown(), True),
        (psycopg.errors.CannotConnectNow(), True),
        (psycopg.errors.TooManyConnections(), True),
        (psycopg.OperationalError("could not connect"), True),
        (psycopg.errors.QueryCanceled(), False),
        (psycopg.errors.LockNotAvailable(), False),
        (psycopg.errors.DeadlockDetected(), False),
    ],
)
def test_what_is_an_outage_and_what_is_our_mistake(error: psycopg.Error, away: bool) -> None:
    raised = OperationalError(str(error))
    raised.__cause__ = error
    assert is_away(raised) is away
    assert not is_away(None)
    assert not is_away(ValueError())


def test_the_log_has_a_line_for_it_and_no_pages(
    ada: Visitor, door: Door, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Brief, "_next", 0.0)
    monkeypatch.setattr(logging.getLogger("django.request"), "filters", [Brief()])
    door.shut()
    for _ in range(5):  # within a second
        ada.get("/exams/")
    lines = [record for record in caplog.records if record.name == "django.request"]
    assert [(line.levelno, line.exc_info) for line in lines] == [(logging.WARNING, None)]
    assert "the database is away" in lines[0].getMessage()
    assert "\n" not in lines[0].getMessage()
