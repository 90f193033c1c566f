"""Where the marks of the dashboard's pictures go. Pure: values in, SVG coordinates out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

WEEKS: Final = 12

_SPARK_X, _SPARK_WIDTH = 4, 88
_SPARK_BOTTOM, _SPARK_HEIGHT = 22, 20
_SPARK_FLOOR = 0.30  # shares below are drawn as this: guessing alone gives .25
_BASELINE: Final = 120
_TALLEST: Final = 96


def monday_of(at: datetime) -> date:
    """The week an instant belongs to. UTC's weeks: one group, one calendar, wherever people are."""
    day = at.astimezone(UTC).date()
    return day - timedelta(days=day.weekday())


def latest_mondays(now: datetime) -> list[date]:
    """The weeks shown, oldest first; the last one is running."""
    return [monday_of(now) - timedelta(weeks=back) for back in range(WEEKS - 1, -1, -1)]


@dataclass(frozen=True, slots=True)
class Spark:
    """Shares of 0..1 as a line from left to right, in a box of 96 by 24."""

    points: str
    end_x: str
    end_y: str

    @classmethod
    def of(cls, shares: Sequence[float]) -> Spark | None:
        if not shares:
            return None
        step = _SPARK_WIDTH / max(1, len(shares) - 1)
        points = [
            f"{_SPARK_X + step * i:.1f},{_spark_y(share):.1f}" for i, share in enumerate(shares)
        ]
        end_x, _, end_y = points[-1].partition(",")
        return cls(" ".join(points), end_x, end_y)


def _spark_y(share: float) -> float:
    above = max(share, _SPARK_FLOOR) - _SPARK_FLOOR
    return _SPARK_BOTTOM - _SPARK_HEIGHT * above / (1 - _SPARK_FLOOR)


@dataclass(frozen=True, slots=True)
class Bar:
    """One week's exams. Horizontal places are percent of the picture's width."""

    monday: date
    exams: int
    x: str
    width: str
    middle: str
    y: int
    height: int
    labelled: bool


def bars(exams: Sequence[int], mondays: Sequence[date]) -> tuple[Bar, ...]:
    slot = 100 / max(1, len(mondays))
    tallest = max(exams, default=0) or 1
    made = []
    for i, (count, monday) in enumerate(zip(exams, mondays, strict=True)):
        height = round(_TALLEST * count / tallest)
        made.append(
            Bar(
                monday=monday,
                exams=count,
                x=f"{slot * i + slot * 0.1:.2f}",
                width=f"{slot * 0.8:.2f}",
                middle=f"{slot * (i + 0.5):.2f}",
                y=_BASELINE - height,
                height=height,
                labelled=(len(mondays) - 1 - i) % 4 == 0,
            )
        )
    return tuple(made)
