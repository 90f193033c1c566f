"""Where the marks of a report's pictures go. Pure: shares of 0..1 in, SVG coordinates out.

Horizontal places are percent of the picture's width, so that a chart fits its column while its
text keeps its size; vertical ones are pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final

_EDGE: Final = 0.16
"""A label centred nearer to the edge than this would be cut off on a phone."""

_TOP: Final = 16
_BOTTOM: Final = 184
_LEFT: Final = 5.0  # percent; left of it stands the scale
_MOST_LABELS: Final = 5  # dates that fit side by side on a phone
_TARGET_REACH: Final = 0.35  # of a slot, to either side of its point


@dataclass(frozen=True, slots=True)
class Interval:
    """A likely range with its estimate and what it is held against."""

    low: str
    width: str
    point: str
    target: str
    target_anchor: str
    """start, middle or end: how the target's label is set so that it stays inside."""

    @classmethod
    def of(cls, *, low: float, high: float, point: float, target: float) -> Interval:
        return cls(
            low=_across(low),
            width=_across(high - low),
            point=_across(point),
            target=_across(target),
            target_anchor="start" if target < _EDGE else "end" if target > 1 - _EDGE else "middle",
        )


@dataclass(frozen=True, slots=True)
class Scored:
    """One exam, as the trend takes it."""

    at: datetime
    share: float
    low: float
    high: float
    target: float
    long: bool
    """Long enough to weigh as evidence; a short exam's point is drawn hollow."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One exam, as the trend draws it. y grows downwards."""

    at: datetime
    x: str
    y: str
    low_y: str
    high_y: str
    target_y: str
    target_from: str
    target_to: str
    long: bool
    labelled: bool


@dataclass(frozen=True, slots=True)
class Segment:
    x1: str
    y1: str
    x2: str
    y2: str


@dataclass(frozen=True, slots=True)
class Gridline:
    y: str
    label_y: str
    percent: int


@dataclass(frozen=True, slots=True)
class Trend:
    marks: tuple[Mark, ...]
    segments: tuple[Segment, ...]
    grid: tuple[Gridline, ...]


def trend(exams: Sequence[Scored]) -> Trend:
    """Exams in the order given, evenly spaced: what counts is before and after, not the weeks."""
    slot = (100 - _LEFT) / max(1, len(exams))
    every = -(-len(exams) // _MOST_LABELS)
    marks = tuple(
        Mark(
            at=exam.at,
            x=f"{_LEFT + slot * (i + 0.5):.2f}%",
            y=_up(exam.share),
            low_y=_up(exam.low),
            high_y=_up(exam.high),
            target_y=_up(exam.target),
            target_from=f"{_LEFT + slot * (i + 0.5 - _TARGET_REACH):.2f}%",
            target_to=f"{_LEFT + slot * (i + 0.5 + _TARGET_REACH):.2f}%",
            long=exam.long,
            labelled=(len(exams) - 1 - i) % every == 0,  # the newest always
        )
        for i, exam in enumerate(exams)
    )
    return Trend(
        marks=marks,
        segments=tuple(Segment(a.x, a.y, b.x, b.y) for a, b in pairwise(marks)),
        grid=tuple(
            Gridline(_up(percent / 100), _up(percent / 100, lower=4), percent)
            for percent in (0, 25, 50, 75, 100)
        ),
    )


def _across(share: float) -> str:
    return f"{100 * share:.1f}%"


def _up(share: float, *, lower: int = 0) -> str:
    return f"{_BOTTOM - (_BOTTOM - _TOP) * share + lower:.1f}"
