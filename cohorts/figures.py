"""The figures of a group as values, and how they are kept in CohortReport's JSON columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Generic, TypeVar

from cohorts.disclosure import Source, still_covered


@dataclass(frozen=True, slots=True)
class DomainFigure:
    """One domain, all counted members together. Shares are 0..1, as in attempts.DomainResult."""

    domain: int
    people: int
    n: int
    correct: int
    target: float
    estimate: float
    low: float
    high: float
    band: str
    study_first: bool

    @property
    def key(self) -> int:
        return self.domain


@dataclass(frozen=True, slots=True)
class QuestionFigure:
    """One question version: how many members met it, and how many of their answers were right."""

    version: int
    people: int
    n: int
    correct: int

    @property
    def key(self) -> int:
        return self.version

    @property
    def rank(self) -> tuple[float, int, int]:
        """Sorts the most missed first, and of those alike the one with more answers."""
        return self.correct / self.n, -self.n, self.version


Figure = TypeVar("Figure", DomainFigure, QuestionFigure)


Sources = Mapping[int, tuple[Source, ...]]
"""key of a figure (its domain or question version) -> whose answers are in it"""


@dataclass(frozen=True, slots=True)
class Release(Generic[Figure]):
    """Figures as they were published, and whose answers are in them.

    `figures` is None once they had to be taken back. The sources stay even then: the next release
    is measured against what the lead has already seen.
    """

    published_at: datetime
    sources: tuple[Source, ...]
    """Everyone counted, with all their answers."""
    figures: tuple[Figure, ...] | None
    seen: Sources
    """Of every domain or question ever told: who was in its latest figure."""

    def covered(self, pooling: AbstractSet[int], named: AbstractSet[int], minimum: int) -> bool:
        """disclosure.still_covered, for the whole and for each figure on show."""
        on_show: list[tuple[Source, ...]] = [self.sources]
        on_show += (self.seen[figure.key] for figure in self.figures or () if figure.n)
        return all(still_covered(sources, pooling, named, minimum) for sources in on_show)

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"published_at": self.published_at.isoformat()}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any], kind: type[Figure]) -> Release[Figure]:
        figures = stored["figures"]
        return cls(
            published_at=datetime.fromisoformat(stored["published_at"]),
            sources=_sources(stored["sources"]),
            figures=None if figures is None else tuple(kind(**figure) for figure in figures),
            seen={int(key): _sources(sources) for key, sources in stored["seen"].items()},
        )


def _sources(stored: Iterable[Mapping[str, Any]]) -> tuple[Source, ...]:
    return tuple(Source(**source) for source in stored)


@dataclass(frozen=True, slots=True)
class Activity:
    """One member's finished exams."""

    exams: int
    last: datetime
    weeks: Mapping[date, int]
    """How many in each of the latest weeks, by its Monday (UTC)."""
    shares: tuple[float, ...]
    """Share right in each of the latest exams, oldest first."""

    def to_json(self) -> dict[str, Any]:
        weeks = {monday.isoformat(): count for monday, count in self.weeks.items()}
        return asdict(self) | {"last": self.last.isoformat(), "weeks": weeks}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Activity:
        return cls(
            exams=stored["exams"],
            last=datetime.fromisoformat(stored["last"]),
            weeks={date.fromisoformat(monday): n for monday, n in stored["weeks"].items()},
            shares=tuple(stored["shares"]),
        )
