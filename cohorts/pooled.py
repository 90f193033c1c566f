"""The group's own figures, from CohortReport; shown only while everybody whose answers are in them
still agrees (disclosure.py)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from html import unescape
from textwrap import shorten
from typing import Any, Final, Generic, TypeVar

from django.conf import settings
from django.db.models import Prefetch
from django.utils.html import strip_tags

from cohorts.figures import DomainFigure, Figure, QuestionFigure, Release
from cohorts.models import CohortReport, Membership
from cohorts.readings import Reading, percent
from domains.models import Domain, Outline
from questions.models import Placement, QuestionVersion

PREVIEW: Final = 140


class Standing(StrEnum):
    """Whether pooled figures are shown, and if not, why."""

    SHOWN = "shown"
    PENDING = "pending"
    TOO_FEW = "too_few"
    NO_CROWD = "no_crowd"
    WITHHELD = "withheld"


@dataclass(frozen=True, slots=True)
class DomainLine:
    domain: Domain
    people: int
    reading: Reading
    study_first: bool


@dataclass(frozen=True, slots=True)
class QuestionLine:
    preview: str
    domain: Domain | None
    people: int
    n: int
    correct: int

    @property
    def percent(self) -> int:
        return percent(self.correct / self.n)


Line = TypeVar("Line", DomainLine, QuestionLine)


@dataclass(frozen=True, slots=True)
class Part(Generic[Line]):
    """One kind of pooled figure. Without lines, date and count unless it is shown."""

    standing: Standing
    lines: tuple[Line, ...] = ()
    published_at: datetime | None = None
    counted: int = 0
    """How many members' answers are in it."""


@dataclass(frozen=True, slots=True)
class Pooled:
    contributors: int
    """Members who agree to be counted and have answered enough."""
    needed: int
    answers_needed: int
    domains: Part[DomainLine]
    """Weakest first; domains without enough answers last."""
    questions: Part[QuestionLine]
    """Missed most first."""

    @property
    def weakest(self) -> str:
        """The domains that probably hold the weakest, in words; empty if that is all of them."""
        names = [line.domain.name for line in self.domains.lines if line.study_first]
        if not names or len(names) == len(self.domains.lines):
            return ""
        *others, last = names
        return f"{', '.join(others)} or {last}" if others else last

    @property
    def in_outline_order(self) -> list[DomainLine]:
        return sorted(self.domains.lines, key=lambda line: line.domain.number)


def pooled_of(
    members: Sequence[Membership],
    report: CohortReport,
    outline: Outline,
    domains: Sequence[Domain],
) -> Pooled:
    """At most two queries, for the questions' stems."""
    by_pk = {domain.pk: domain for domain in domains}
    return Pooled(
        contributors=report.contributors,
        needed=settings.COHORT_MIN_MEMBERS,
        answers_needed=settings.COHORT_MIN_ANSWERS,
        domains=_part(
            report,
            _shown(report.domains, DomainFigure, members),
            lambda figures: _domain_lines(figures, by_pk),
        ),
        questions=_part(
            report,
            _shown(report.questions, QuestionFigure, members),
            lambda figures: _question_lines(figures, outline, by_pk),
        ),
    )


def _part(
    report: CohortReport,
    release: Release[Figure] | None,
    lines_of: Callable[[tuple[Figure, ...]], tuple[Line, ...]],
) -> Part[Line]:
    if release is None or release.figures is None:
        return Part(_why_not(report))
    return Part(
        Standing.SHOWN, lines_of(release.figures), release.published_at, len(release.sources)
    )


def _shown(
    stored: dict[str, Any] | None, kind: type[Figure], members: Sequence[Membership]
) -> Release[Figure] | None:
    """The stored release if the lead may see it at this moment."""
    if stored is None:
        return None
    release = Release.from_json(stored, kind)
    covered = release.covered(
        pooling={member.pk for member in members if member.shares_pooled},
        named={member.pk for member in members if member.shares_results},
        minimum=settings.COHORT_MIN_MEMBERS,
    )
    return release if covered and release.figures is not None else None


def _why_not(report: CohortReport) -> Standing:
    if report.stale:
        return Standing.PENDING
    if report.contributors < settings.COHORT_MIN_MEMBERS:
        return Standing.TOO_FEW
    return Standing.WITHHELD if report.counted else Standing.NO_CROWD


def _domain_lines(
    figures: Sequence[DomainFigure], domains: Mapping[int, Domain]
) -> tuple[DomainLine, ...]:
    lines = [
        DomainLine(domains[figure.domain], figure.people, Reading.of(figure), figure.study_first)
        for figure in figures
        if figure.domain in domains  # another outline has become the default since
    ]
    lines.sort(key=lambda line: (not line.reading.enough, line.reading.percent, line.domain.number))
    return tuple(lines)


def _question_lines(
    figures: Sequence[QuestionFigure], outline: Outline, domains: Mapping[int, Domain]
) -> tuple[QuestionLine, ...]:
    """Stem previews with counts, and never an option: the lead may be a candidate too, and will
    meet these questions with no more than the opening of a stem known beforehand."""
    placements = Placement.objects.filter(outline=outline).select_related("objective")
    versions = {
        version.pk: version
        for version in QuestionVersion.objects.filter(
            pk__in=[figure.version for figure in figures],
            status=QuestionVersion.Status.PUBLISHED,
        )
        .select_related("question")
        .prefetch_related(Prefetch("question__placements", placements, to_attr="placed"))
    }
    lines = []
    for figure in figures:
        version = versions.get(figure.version)
        if version is None:
            continue  # retired since, perhaps for a fault: the group did not miss it
        placed: list[Placement] = getattr(version.question, "placed")  # noqa: B009  (to_attr)
        lines.append(
            QuestionLine(
                preview=preview(version.stem_html),
                domain=domains.get(placed[0].objective.domain_id) if placed else None,
                people=figure.people,
                n=figure.n,
                correct=figure.correct,
            )
        )
    return tuple(lines)


def preview(stem_html: str) -> str:
    """The opening of a stem as plain text, cut between words."""
    text = unescape(strip_tags(stem_html.replace("</", " </")))
    return shorten(text, PREVIEW, placeholder="…")
