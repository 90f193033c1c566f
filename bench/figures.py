"""Sums up measurements, and sets them as a table a person can read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Figures = dict[str, Any]


def quantile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that so much of the whole does not exceed."""
    return ordered[max(0, -(-round(share * 1_000_000) * len(ordered) // 1_000_000) - 1)]


def latency(seconds: Sequence[float]) -> dict[str, float | int | None]:
    """Milliseconds; None where nothing was measured."""
    ordered = sorted(seconds)
    points = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "p999": 0.999, "max": 1.0}
    return {"count": len(ordered)} | {
        name: round(1000 * quantile(ordered, share), 2) if ordered else None
        for name, share in points.items()
    }


def ratio(one: float | None, other: float | None) -> float | None:
    return round(one / other, 3) if one is not None and other else None


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Markdown, so that what is printed can stand in docs/performance.md as it is."""
    cells = [list(columns), *([_cell(value) for value in row] for row in rows)]
    widths = [max(3, *(len(row[at]) for row in cells)) for at in range(len(columns))]
    ruled = ["-" * width if at == 0 else "-" * (width - 1) + ":" for at, width in enumerate(widths)]
    lines = [cells[0], ruled, *cells[1:]]
    return "\n".join(f"| {_line(line, widths)} |" for line in lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = zip(cells, widths, strict=True)
    return " | ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)])


def _cell(value: object) -> str:
    if value is None:
        return "–"
    if not isinstance(value, float):
        return f"{value:,}" if isinstance(value, int) else str(value)
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def flat(figures: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.2f}" for name, value in figures.items())
