"""Forms drawn ahead, for whoever has met nothing of the bank yet.

All of them want the same: the best form an empty history can get. Beat keeps a few of each exam
ready, so that a start costs one statement instead of a search, and a thousand people can start in
a minute. Whoever comes gets the one used least: mostly a new one, and in a surge, until more are
drawn, one that others have, too, its questions and options in an order of their own. Whoever has a
history gets a form drawn for them.

A form is good for the bank it was drawn from: when an item is published, retired or moved, or an
exam changes, its fingerprint does, and within a second nobody is given the form any more.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import F

from accounts.models import User
from attempts import fingerprint
from attempts.assembly import (
    Candidate,
    NotEnoughItems,
    Reserve,
    ReserveInTheWay,
    assemble,
    in_sequence,
)
from attempts.blueprint import Order, choice_ids, order_for
from attempts.models import Exam, ReadyForm
from attempts.programme import SolverGaveUp
from domains.models import Outline

logger = logging.getLogger(__name__)

KEPT: Final = 16  # unused forms of each exam and outline
_STALE: Final = timedelta(days=1)  # what has been shown how often changes without the bank


@dataclass(frozen=True, slots=True)
class Drawn:
    """One item of a form, with all that an attempt needs of it. Every number is an id."""

    version: int
    question: int
    domain: int
    scenario: int | None
    choices: Sequence[int]


# Whoever has met nothing has been shown no key either.
_THEIRS: Final = """
FROM attempts_readyform form
WHERE form.exam_id = %(exam)s AND form.outline_id = %(outline)s AND form.bank = %(bank)s
AND NOT EXISTS (SELECT FROM attempts_attemptitem item
                JOIN attempts_attempt attempt ON attempt.id = item.attempt_id
                WHERE attempt.user_id = %(user)s
                AND (item.seen_at IS NOT NULL OR item.choice_id IS NOT NULL
                     OR attempt.closed_at IS NOT NULL))
"""
_HAS: Final = f"SELECT EXISTS (SELECT {_THEIRS})"
_READY: Final = f"SELECT form.id, form.items {_THEIRS} ORDER BY form.uses, random() LIMIT 1"


def has_form_for(user: User, exam: Exam, outline: Outline) -> bool:
    """Whether `take` would give one. One statement, and one a second for all."""
    row = _row(_HAS, _names(user, exam, outline))
    return row == (True,)


def take(user: User, exam: Exam, outline: Outline, seed: int) -> list[Drawn] | None:
    """A form for somebody who has met nothing yet, in an order of their own: nothing is repeated on
    it, and every reserve is left whole. None where there is none to be had.

    One statement inside the start's transaction (and one a second for all), and one after it:
    nobody waits there for another to have started. Those who come in the same instant may get the
    same form.
    """
    row = _row(_READY, _names(user, exam, outline))
    if row is None:
        return None
    form = ReadyForm.objects.filter(pk=row[0])
    # A count that is lost only makes a form look newer than it is.
    transaction.on_commit(lambda: form.update(uses=F("uses") + 1), robust=True)
    return in_sequence([Drawn(*item) for item in json.loads(row[1])], seed)


def with_choices(order: Order, form: Sequence[Candidate]) -> list[Drawn]:
    """What the assembler drew, as an attempt needs it. One statement."""
    choices = choice_ids([candidate.version for candidate in form])
    return [
        Drawn(
            candidate.version,
            candidate.question,
            order.pool.domains[candidate.domain],
            candidate.scenario,
            choices[candidate.version],
        )
        for candidate in form
    ]


def _names(user: User, exam: Exam, outline: Outline) -> dict[str, int | str]:
    return {"user": user.pk, "exam": exam.pk, "outline": outline.pk, "bank": fingerprint.lately()}


def _row(query: str, values: dict[str, int | str]) -> tuple[Any, ...] | None:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        row: tuple[Any, ...] | None = cursor.fetchone()
        return row


# --- Filling the shelf ----------------------------------------------------------------------


def restock(now: datetime, *, seconds: float = 0.2, kept: int = KEPT) -> int:
    """Clear away what nobody may have any more, and draw for at most so many seconds what is
    missing, where least is left first. Returns how many were drawn; each can be had at once.
    """
    bank = fingerprint.of_bank()
    ReadyForm.objects.exclude(bank=bank, drawn_at__gt=now - _STALE).delete()
    wanted = _wanted()
    until = monotonic() + seconds
    drawn = 0
    while wanted and monotonic() < until:
        with transaction.atomic():
            if not _alone():
                return drawn
            unused = Counter(
                ReadyForm.objects.filter(uses=0).values_list("exam_id", "outline_id").order_by()
            )
            place = min(wanted, key=lambda place: unused[place])
            if unused[place] >= kept:
                break
            if _draw(*wanted[place], bank, now):
                drawn += 1
                _take_down(place, kept)
            else:
                del wanted[place]
    return drawn


def _alone() -> bool:
    """Until the transaction ends. Two workers would draw the same ones twice."""
    row = _row("SELECT pg_try_advisory_xact_lock(hashtext('attempts.restock_forms'))", {})
    return row == (True,)


def _wanted() -> dict[tuple[int, int], tuple[Exam, Outline]]:
    """A drill is drawn from one domain, and that is quick enough."""
    exams = Exam.objects.filter(is_offered=True).exclude(kind=Exam.Kind.DRILL)
    outlines = list(Outline.objects.prefetch_related("domains"))
    return {(exam.pk, outline.pk): (exam, outline) for exam in exams for outline in outlines}


def _draw(exam: Exam, outline: Outline, bank: str, now: datetime) -> bool:
    """False where there is no such form, or none that asks nothing of a person."""
    order = order_for(None, exam, outline, None)
    try:
        form = assemble(
            order.pool.candidates,
            order.quotas,
            secrets.randbits(62),
            reserves=order.reserves,
            policy=Reserve.BREAK if order.simulation else Reserve.ASK,
            simulation=order.simulation,
        )
    except (NotEnoughItems, ReserveInTheWay):
        return False  # whoever asks for one is told, or asked
    except SolverGaveUp:
        logger.warning("no form of %s could be drawn ahead in time", exam.key)
        return False
    items = [
        [item.version, item.question, item.domain, item.scenario, item.choices]
        for item in with_choices(order, form)
    ]
    if fingerprint.of_bank() != bank:
        return False  # drawn from what came meanwhile; the next run knows it
    ReadyForm.objects.create(exam=exam, outline=outline, bank=bank, items=items, drawn_at=now)
    return True


def _take_down(place: tuple[int, int], kept: int) -> None:
    """Of those that were handed out, the most used go as new ones come."""
    exam, outline = place
    forms = ReadyForm.objects.filter(exam=exam, outline=outline)
    surplus = forms.count() - kept
    if surplus > 0:
        used = forms.filter(uses__gt=0).order_by("-uses", "pk")[:surplus]
        ReadyForm.objects.filter(pk__in=list(used.values_list("pk", flat=True))).delete()
