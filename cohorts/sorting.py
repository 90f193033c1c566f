"""The orders the heat table can be put in: a closed set, chosen by `?sort=`. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from cohorts.named import Row
from domains.models import Domain


@dataclass(frozen=True, slots=True)
class Order:
    """`key` as in the query string: name, overall, away, exams, or d1, d2, ... for a domain."""

    key: str = "overall"
    descending: bool = False

    @classmethod
    def parse(cls, text: str, domains: Sequence[Domain]) -> Self:
        """Anything that is not in the set is the default: who needs help most comes first."""
        key = text.removeprefix("-")
        if key not in keys(domains):
            return cls()
        return cls(key, descending=text.startswith("-"))

    def apply(self, rows: Sequence[Row], domains: Sequence[Domain]) -> tuple[Row, ...]:
        """Equals by name; whoever has no value for it comes last, either way round."""
        numbers = [domain.number for domain in domains]

        def value(row: Row) -> int | None:
            if self.key == "overall":
                return row.overall.percent if row.overall else None
            if self.key == "exams":
                return row.activity.exams if row.activity else None
            if self.key == "away":
                return row.days_away
            cell = row.cells[numbers.index(int(self.key.removeprefix("d")))]
            return cell.percent if cell else None

        by_name = sorted(rows, key=lambda row: (row.name.casefold(), row.membership.pk))
        if self.key == "name":
            return tuple(reversed(by_name) if self.descending else by_name)
        known = [(found, row) for row in by_name if (found := value(row)) is not None]
        known.sort(key=lambda pair: pair[0], reverse=self.descending)
        return (*(row for _, row in known), *(row for row in by_name if value(row) is None))


@dataclass(frozen=True, slots=True)
class Column:
    """A head of the table: what it is called, what its link asks for, how it is sorted now."""

    key: str
    label: str
    link: str
    aria_sort: str


def keys(domains: Sequence[Domain]) -> list[str]:
    return ["name", *(f"d{domain.number}" for domain in domains), "overall", "exams", "away"]


def columns(order: Order, domains: Sequence[Domain]) -> list[Column]:
    labels = ["Member", *(domain.name for domain in domains), "All domains", "Exams", "Last exam"]
    made = []
    for key, label in zip(keys(domains), labels, strict=True):
        current = key == order.key
        aria_sort = ("descending" if order.descending else "ascending") if current else ""
        link = f"-{key}" if aria_sort == "ascending" else key
        made.append(Column(key, label, link, aria_sort))
    return made
