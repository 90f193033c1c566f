"""An answer that is being saved while its owner deletes the account, with real connections."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.models import User
from attempts.desk import lock_desk
from attempts.models import AnswerEvent, Attempt
from issmp_site import person as person_module
from issmp_site.person import erase
from tests.world import World, right


def delete_while_saving(attempt: Attempt) -> None:
    """Holds a save open until the deletion waits for it, lets it commit, and reports on the
    deletion."""
    holding = threading.Event()

    def save() -> None:
        try:
            with transaction.atomic():
                lock_desk(attempt.user_id, attempt.public_id, [1], None)
                item = attempt.items.get(position=1)
                holding.set()
                wait_until_somebody_waits_for_us()
                AnswerEvent.objects.create(
                    item=item, revision=1, choice_id=right(item), at=timezone.now()
                )
        finally:
            connection.close()

    def delete() -> None:
        try:
            assert holding.wait(20)
            erase(User.objects.get(pk=attempt.user_id))
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        saving, deleting = pool.submit(save), pool.submit(delete)
        saving.result(60)
        deleting.result(60)


def wait_until_somebody_waits_for_us() -> None:
    """Asks pg_locks: pg_stat_activity shows a transaction the same picture until it ends."""
    for _ in range(400):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_locks"
                " WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
            )
            if cursor.fetchone()[0]:
                return
        time.sleep(0.05)
    raise AssertionError("the deletion never waited for the save")


def test_a_deletion_waits_for_a_save_under_way(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = live_world.start(live_world.ada)

    with monkeypatch.context() as without:
        without.setattr(person_module, "lock_attempts", lambda person: None)
        with pytest.raises(IntegrityError):
            delete_while_saving(attempt)
    assert User.objects.filter(pk=live_world.ada.pk).exists()

    AnswerEvent.objects.all().delete()
    delete_while_saving(attempt)
    assert not User.objects.filter(pk=live_world.ada.pk).exists()
    assert not AnswerEvent.objects.exists()
