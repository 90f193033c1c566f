"""The cast of the tests, and ways to put them into situations by running the real engine."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Final

from django.contrib.auth.models import Group
from django.utils import timezone

from accounts.models import User
from attempts import saving, services
from attempts.assembly import Reserve
from attempts.models import Attempt, AttemptItem, Exam
from attempts.presets import load_exams
from attempts.results import score_attempt
from domains.models import Domain, Outline
from domains.outlines import load_outlines
from issmp_site.roles import INSTRUCTORS, ensure_roles
from questions.bank import read_bank
from questions.loading import load_bank
from questions.models import QuestionVersion

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = "correct horse battery"
# Far from midnight, a month's end and a change of the clocks; a test that compares times takes it
# for now, and has `at_noon` make it so.
NOON: Final = datetime(2027, 3, 3, 12, 0, tzinfo=UTC)
# Before whatever the clock says, and before any time that a test makes up.
BANK_LOADED: Final = datetime(2026, 1, 1, tzinfo=UTC)

Chooser = Callable[[AttemptItem], int | None]


def load_fixtures() -> None:
    """Outlines, exams, bank and roles from the project's own files."""
    load_outlines(ROOT / "fixtures" / "outlines")
    load_exams(ROOT / "fixtures" / "exams.yaml")
    load_bank(read_bank(ROOT / "fixtures" / "bank"), now=BANK_LOADED)
    ensure_roles()


class World:
    """Ada sits exams. Ben is another candidate. Ines writes questions. Lena leads a group."""

    @cached_property
    def ada(self) -> User:
        return self.person("ada@example.org", "Ada")

    @cached_property
    def ben(self) -> User:
        return self.person("ben@example.org", "Ben")

    @cached_property
    def ines(self) -> User:
        user = self.person("ines@example.org", "Ines", is_staff=True)
        user.groups.add(Group.objects.get(name=INSTRUCTORS))
        return user

    @cached_property
    def lena(self) -> User:
        return self.person("lena@example.org", "Lena")

    @cached_property
    def outline(self) -> Outline:
        return Outline.objects.default()

    def person(self, email: str, name: str = "", **fields: object) -> User:
        """A verified person who can log in with PASSWORD."""
        from allauth.account.models import EmailAddress

        user = User.objects.create_user(email, PASSWORD, name=name, **fields)
        EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
        return user

    def exam(self, key: str = "quick") -> Exam:
        return Exam.objects.get(key=key)

    def domain(self, number: int) -> Domain:
        return self.outline.domains.get(number=number)

    def shrink(self, number: int, leave: int) -> None:
        """Retire questions of a domain until so many are left, none of them in a set or an
        enemy of another: what they fill can then be counted."""
        published = QuestionVersion.objects.filter(
            status="published",
            question__placements__outline=self.outline,
            question__placements__objective__domain__number=number,
        )
        lone = published.filter(question__scenario=None, question__enemies=None).order_by("pk")
        kept = list(lone.values_list("pk", flat=True)[:leave])
        assert len(kept) == leave
        published.exclude(pk__in=kept).update(status="retired", retired_at=timezone.now())

    def start(
        self,
        user: User,
        key: str = "quick",
        *,
        domain: int | None = None,
        reserve: Reserve = Reserve.ASK,
        now: datetime | None = None,
        seed: int = 1,
    ) -> Attempt:
        attempt, _ = services.start_attempt(
            user,
            self.exam(key),
            self.outline,
            domain=self.domain(domain) if domain else None,
            reserve=reserve,
            now=now or timezone.now(),
            seed=seed,
        )
        return attempt

    def answer(
        self, attempt: Attempt, choose: Chooser | None = None, *, now: datetime | None = None
    ) -> None:
        """Answer every item; by default with the key."""
        choose = choose or right
        for item in attempt.items.select_related("version"):
            choice = choose(item)
            if choice is not None:
                saving.save_answer(
                    attempt.user,
                    attempt.public_id,
                    item.position,
                    choice=choice,
                    revision=item.revision,
                    now=now or timezone.now(),
                )

    def sat(
        self,
        user: User,
        key: str = "quick",
        choose: Chooser | None = None,
        *,
        domain: int | None = None,
        reserve: Reserve = Reserve.ASK,
        now: datetime | None = None,
        seed: int = 1,
    ) -> Attempt:
        """A whole attempt: started, answered, submitted, scored."""
        now = now or timezone.now() - timedelta(hours=1)
        attempt = self.start(user, key, domain=domain, reserve=reserve, now=now, seed=seed)
        self.answer(attempt, choose, now=now + timedelta(minutes=5))
        services.submit(attempt, now + timedelta(minutes=10))
        score_attempt(attempt.pk, now + timedelta(minutes=10))
        attempt.refresh_from_db()
        return attempt


def right(item: AttemptItem) -> int:
    return item.version.choices.get(is_correct=True).pk


def wrong(item: AttemptItem) -> int:
    chosen = item.version.choices.filter(is_correct=False).first()
    assert chosen is not None
    return chosen.pk


def sometimes(share: float, seed: int = 1) -> Chooser:
    """Right with this probability, independently."""
    rng = random.Random(seed)
    return lambda item: right(item) if rng.random() < share else wrong(item)
