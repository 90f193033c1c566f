"""Scoring by a real worker: from the submit over HTTP to the result, through killed processes and
an absent broker."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
from celery import Celery, current_app
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.plugin import DjangoDbBlocker

from attempts import services
from attempts.locks import lock_attempt
from attempts.models import Attempt
from attempts.states import State
from tests.celery_worker import Worker, broker_url, empty_the_queue, running_worker, wait_until
from tests.world import World

pytestmark = pytest.mark.xdist_group("worker")
SCORING = "attempts.score_attempt"


def app_for(url: str) -> Celery:
    """Our settings with another broker; `current_app` itself keeps its connections for good."""
    app = Celery(set_as_current=False)
    app.config_from_object("django.conf:settings", namespace="CELERY")
    app.conf.update(broker_url=url)
    return app


@pytest.fixture(autouse=True)
def broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Celery]:
    empty_the_queue()
    with app_for(broker_url()) as app:
        monkeypatch.setattr(services, "current_app", app)
        monkeypatch.setattr(services, "_broker", services.Broker())
        yield app


@pytest.fixture(scope="module")
def lasting_worker(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Worker]:
    """One for all tests that leave it alive: starting and stopping takes seconds."""
    with django_db_blocker.unblock(), running_worker() as worker:
        yield worker


@pytest.fixture
def worker(live_world: World, lasting_worker: Worker) -> Worker:
    lasting_worker.forget()
    return lasting_worker


@pytest.fixture
def attempt(live_world: World, client: Client) -> Attempt:
    client.force_login(live_world.ada)
    attempt = live_world.start(live_world.ada)
    live_world.answer(attempt)
    return attempt


def submit(client: Client, attempt: Attempt) -> None:
    reply = client.post(reverse("attempt-submit", args=[attempt.public_id]))
    assert reply["Location"] == reverse("attempt-report", args=[attempt.public_id])


def scored_at(attempt: Attempt) -> datetime | None:
    stored = Attempt.objects.get(pk=attempt.pk)
    if stored.status is not State.SCORED:
        return None
    assert stored.correct_count == 24
    assert stored.domain_results.count() == 12
    return stored.scored_at


def somebody_waits_for_us() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks "
            "WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid)))"
        )
        return bool(cursor.fetchone()[0])


@contextmanager
def scorer_held_in_mid_task(attempt: Attempt) -> Iterator[None]:
    """The attempt is handed in, its scoring under way, and standing at our lock."""
    Attempt.objects.filter(pk=attempt.pk).update(
        state=State.CLOSED, close_reason="submitted", closed_at=timezone.now()
    )
    with transaction.atomic():
        lock_attempt(attempt.pk)
        assert services.enqueue_scoring(attempt.pk)
        wait_until(somebody_waits_for_us, "the scorer at the lock")
        yield


# First, while no other worker is there to take the task.
def test_a_worker_killed_in_mid_task_leaves_it_to_the_next(attempt: Attempt) -> None:
    with running_worker() as first, scorer_held_in_mid_task(attempt):
        first.kill()
    assert scored_at(attempt) is None
    with running_worker() as second:
        wait_until(lambda: scored_at(attempt) is not None, "score")
        score = scored_at(attempt)
        wait_until(lambda: second.finished(SCORING) >= 1, "the task's end")
        assert scored_at(attempt) == score


def test_a_submit_is_scored_within_seconds_and_once(
    worker: Worker, attempt: Attempt, client: Client, broker: Celery
) -> None:
    submit(client, attempt)
    wait_until(lambda: scored_at(attempt) is not None, "score", seconds=15)
    first = scored_at(attempt)
    for _ in range(8):
        broker.send_task(SCORING, args=[attempt.pk])
    wait_until(lambda: worker.finished(SCORING) == 9, "nine tasks")
    assert scored_at(attempt) == first


def test_a_process_killed_in_mid_task_loses_nothing(worker: Worker, attempt: Attempt) -> None:
    with scorer_held_in_mid_task(attempt):
        for child in worker.children():
            os.kill(child, signal.SIGKILL)
        wait_until(lambda: "WorkerLostError" in worker.log, "the loss to be noticed")
    wait_until(lambda: scored_at(attempt) is not None, "score")
    wait_until(lambda: worker.finished(SCORING) >= 1, "the task's end")


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_without_a_broker_a_submit_succeeds_and_is_scored_later(
    worker: Worker,
    attempt: Attempt,
    client: Client,
    broker: Celery,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with app_for(f"redis://127.0.0.1:{closed_port()}/0") as away:
        monkeypatch.setattr(services, "current_app", away)
        began = time.monotonic()
        submit(client, attempt)
        assert time.monotonic() - began < 5
        now = timezone.now()
        assert services.requeue_lost_scoring(now + timedelta(seconds=31)) == 0
    assert Attempt.objects.get(pk=attempt.pk).status is State.CLOSED

    monkeypatch.setattr(services, "current_app", broker)  # the broker is back
    monkeypatch.setattr(services, "_broker", services.Broker())  # a sweep is another process
    assert services.requeue_lost_scoring(now + timedelta(seconds=31)) == 1
    wait_until(lambda: scored_at(attempt) is not None, "score")
    assert services.requeue_lost_scoring(now + timedelta(minutes=5)) == 0


def test_the_sweep_itself_runs_in_a_worker(
    worker: Worker, live_world: World, broker: Celery
) -> None:
    abandoned = live_world.start(live_world.ben, now=timezone.now() - timedelta(hours=1))
    broker.send_task("attempts.close_due_attempts")
    wait_until(
        lambda: Attempt.objects.get(pk=abandoned.pk).status is State.SCORED, "closed and scored"
    )
    stored = Attempt.objects.get(pk=abandoned.pk)
    assert (stored.close_reason, stored.closed_at) == ("clock", stored.deadline)


def test_the_process_speaks_to_the_broker_of_the_settings() -> None:
    """`current_app` is ours as soon as Django is up, in the web server too."""
    assert current_app.main == "touchstone"
    assert current_app.conf.task_acks_late
    assert current_app.conf.task_reject_on_worker_lost
    visibility = current_app.conf.broker_transport_options["visibility_timeout"]
    assert visibility > current_app.conf.task_time_limit  # else a slow task would run twice
