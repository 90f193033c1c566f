"""The two probes, on the real Postgres and Redis, and with either of them away."""

from __future__ import annotations

import socket

import pytest
from django.db import OperationalError
from django.test import Client, override_settings

from issmp_site import health


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class NoPostgres:
    def cursor(self) -> None:
        raise OperationalError("connection refused")


def test_live_answers_and_touches_nothing(client: Client) -> None:
    """No database fixture here: the test itself would fail if it asked one."""
    reply = client.get("/health/live")
    assert (reply.status_code, reply.content) == (200, b"ok")


def test_ready_with_both(client: Client, db: None) -> None:
    reply = client.get("/health/ready")
    assert (reply.status_code, reply.json()) == (200, {"postgres": "ok", "redis": "ok"})
    assert "no-store" in reply["Cache-Control"]


def test_without_redis_exams_go_on_so_we_are_ready_and_say_so(
    client: Client, db: None, closed_port: int
) -> None:
    with override_settings(REDIS_URL=f"redis://127.0.0.1:{closed_port}/0"):
        reply = client.get("/health/ready")
    assert reply.status_code == 200
    assert reply.json() == {"postgres": "ok", "redis": "unreachable"}


def test_without_postgres_nothing_works_so_we_are_not(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "connection", NoPostgres())
    reply = client.get("/health/ready")
    assert reply.status_code == 503
    assert reply.json() == {"postgres": "unreachable", "redis": "ok"}


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_probes_speak_plain_http_where_people_are_sent_to_https(
    client: Client, db: None, path: str
) -> None:
    with override_settings(SECURE_SSL_REDIRECT=True):
        client.handler.load_middleware()  # which reads the setting once
        assert client.get(path).status_code == 200
        assert client.get("/").status_code == 301


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_probes_only_read(client: Client, path: str) -> None:
    assert client.post(path).status_code == 405
