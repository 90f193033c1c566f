"""How Postgres answers the statements of the hot requests: captured from the views themselves, so
that what is explained is what is run. Needs Django to be set up."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from attempts import services
from attempts.models import Attempt
from attempts.results import score_attempt
from bench import room
from bench.figures import Figures
from bench.population import Form, make_people, open_attempts
from bench.stack import Stack
from bench.statements import FRAME, asked

READS_AND_WRITES = ("SELECT", "INSERT", "UPDATE", "WITH")


def explain(stack: Stack, forms: Sequence[Form]) -> list[Figures]:
    """Each statement of a step once, in the order they are sent. Everything is rolled back."""
    people = make_people(5, f"plans{random.SystemRandom().getrandbits(40):x}-")
    with stack.superuser() as admin:
        now = timezone.now()
        seats = open_attempts(admin, people[1:], forms, now=now, rng=random.Random(1))
    saver, viewer, ender, scored = seats
    op = room.answer_op(saver, saver.answered + 1)
    Attempt.objects.filter(pk=scored.attempt).update(
        state="closed", close_reason="submitted", closed_at=now
    )
    fields = room.start_fields(asked(people[0], room.START).text)
    steps: dict[str, Callable[[], object]] = {
        "save": lambda: asked(saver.person, saver.path("sync/"), body=room.sync_body(saver, op)),
        "view": lambda: asked(viewer.person, viewer.path("items/1/")),
        "start": lambda: asked(people[0], room.START, fields=fields),
        "submit": lambda: asked(ender.person, ender.path("submit/"), fields={}),
        "score": lambda: score_attempt(scored.attempt, now),
        "sweep": lambda: (services.requeue_lost_scoring(now), services.close_due_attempts(now)),
    }
    return [plan for step, act in steps.items() for plan in _plans(step, act)]


def _plans(step: str, act: Callable[[], object]) -> list[Figures]:
    """The step is taken and undone; then, from where it began, its statements are explained."""
    explained: list[Figures] = []
    with transaction.atomic():
        mark = transaction.savepoint()
        with CaptureQueriesContext(connection) as queries:
            act()
        told = [query["sql"] for query in queries]
        transaction.savepoint_rollback(mark)
        for sql in dict.fromkeys(sql for sql in told if not sql.startswith(FRAME)):
            if not sql.lstrip().startswith(READS_AND_WRITES):
                continue
            with connection.cursor() as cursor:
                # As it stands: its parameters are in it, and a % is a %.
                cursor.execute(
                    "EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) " + sql.replace("%", "%%"), []
                )
                lines = [row[0] for row in cursor.fetchall()]
            explained.append({"step": step, "statement": _short(sql), "plan": lines})
        transaction.set_rollback(True)
    return explained


def _short(sql: str) -> str:
    """Without the columns and the long lists: what it reads or writes."""
    words = " ".join(sql.split())
    if words.startswith("SELECT") and " FROM " in words:
        words = "SELECT … FROM " + words.partition(" FROM ")[2]
    return words if len(words) <= 300 else words[:297] + "..."
