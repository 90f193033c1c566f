"""A study group with known members and hand-made results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Prefetch

from accounts.models import User
from attempts.models import Attempt, AttemptItem, DomainResult
from attempts.states import State
from cohorts import services
from cohorts.models import Cohort, CohortReport, Invite, Membership
from cohorts.refresh import refresh_report
from domains.models import Domain
from questions.models import Choice, Placement, QuestionVersion
from tests.world import NOON, World

NOW: Final = NOON
NAMES: Final = ["Amara", "Bjørn", "Carmen", "Dmitri", "Eleni", "Farid", "Grace", "Hiroshi"]


class Circle:
    """Lena's group. Its members are made as they are asked for."""

    def __init__(self, world: World, name: str = "Northern circle") -> None:
        self.world = world
        self.lead = world.lena
        self.cohort: Cohort = services.create_cohort(self.lead, name, NOW - timedelta(days=60))
        self.invite: Invite = services.create_invite(self.cohort, self.lead, NOW)

    @property
    def report(self) -> CohortReport:
        return CohortReport.objects.get(cohort=self.cohort)

    def refresh(self, now: datetime = NOW) -> CohortReport:
        assert refresh_report(self.cohort.pk, now)
        return self.report

    def join(
        self, name: str, *, results: bool = False, pooled: bool = False, now: datetime = NOW
    ) -> Membership:
        user = User.objects.filter(name=name).first() or self.world.person(
            f"{name.lower()}@example.org".replace("ø", "o"), name
        )
        return services.accept_invite(
            user, self.invite, shares_results=results, shares_pooled=pooled, now=now
        )

    def crowd(
        self, size: int, *, results: bool = False, pooled: bool = True, answers: int = 12
    ) -> list[Membership]:
        """The first `size` of NAMES, each having got every other of `answers` questions right."""
        members = [self.join(name, results=results, pooled=pooled) for name in NAMES[:size]]
        for member in members:
            sat(member.user, {i: i % 2 == 0 for i in range(answers)})
        return members


def bank() -> list[QuestionVersion]:
    """The published versions in a fixed order: question 0, 1, 2, ... of the tests."""
    placements = Placement.objects.filter(outline__is_default=True).select_related(
        "objective__domain"
    )
    return list(
        QuestionVersion.objects.filter(status=QuestionVersion.Status.PUBLISHED)
        .order_by("question__key")
        .select_related("question")
        .prefetch_related(
            Prefetch("choices", Choice.objects.order_by("position")),
            Prefetch("question__placements", placements),
        )
    )


def domain_of(version: QuestionVersion) -> Domain:
    """Of a version from `bank()`."""
    (placement,) = version.question.placements.all()
    return placement.objective.domain


def sat(
    user: User,
    answers: Mapping[int, bool | None],
    *,
    at: datetime = NOW - timedelta(days=1),
    first_exposure: bool = True,
    to_date: Sequence[tuple[float, int]] = (),
) -> Attempt:
    """A scored attempt with these answers: index into `bank()` -> right, wrong, or None for blank.

    to_date: (estimate, n) for the domains 1, 2, ...; written as scoring would have.
    """
    world = World()
    versions = bank()
    attempt = Attempt.objects.create(
        user=user,
        exam=world.exam(),
        outline=world.outline,
        state=State.SCORED,
        seed=1,
        started_at=at - timedelta(minutes=30),
        deadline=at + timedelta(minutes=5),
        closed_at=at,
        close_reason=Attempt.CloseReason.SUBMITTED,
        scored_at=at,
        item_count=max(1, len(answers)),
        correct_count=sum(bool(correct) for correct in answers.values()),
    )
    items = []
    for position, (index, correct) in enumerate(answers.items(), 1):
        version = versions[index]
        choices = list(version.choices.all())
        key = next(choice for choice in choices if choice.is_correct)
        other = next(choice for choice in choices if not choice.is_correct)
        items.append(
            AttemptItem(
                attempt=attempt,
                position=position,
                version=version,
                domain=domain_of(version),
                choice_order=[choice.pk for choice in choices],
                choice=None if correct is None else key if correct else other,
                answered_at=None if correct is None else at,
                first_exposure=first_exposure,
                is_correct=bool(correct),
            )
        )
    AttemptItem.objects.bulk_create(items)
    for number, (estimate, n) in enumerate(to_date, 1):
        DomainResult.objects.create(
            attempt=attempt,
            domain=world.domain(number),
            scope=DomainResult.Scope.TO_DATE,
            n=n,
            correct=round(estimate * n),
            target=0.7,
            estimate=estimate,
            low=max(0.0, estimate - 0.1),
            high=min(1.0, estimate + 0.1),
            p_below=0.5,
            band=(
                DomainResult.Band.TOO_FEW
                if n < 10
                else DomainResult.Band.BELOW
                if estimate < 0.6
                else DomainResult.Band.UNCLEAR
            ),
            expected_gain=0,
            p_weakest=1 / 6,
        )
    return attempt
