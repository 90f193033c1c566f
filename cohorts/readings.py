"""A share as pages and files write it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from attempts.models import DomainResult
from cohorts.figures import DomainFigure

# The heat scale: step 0 is below 36 %, then six points a step, step 9 from 84 %.
_COLDEST: Final = 30
_STEP: Final = 6
_HEAT_STEPS: Final = 10


def percent(share: float) -> int:
    return round(100 * share)


@dataclass(frozen=True, slots=True)
class Reading:
    """Whole percents: estimate, 90 % interval and target; and the answers they rest on."""

    percent: int
    low: int
    high: int
    target: int
    n: int
    band: DomainResult.Band

    @classmethod
    def of(cls, result: DomainResult | DomainFigure) -> Reading:
        return cls(
            percent=percent(result.estimate),
            low=percent(result.low),
            high=percent(result.high),
            target=percent(result.target),
            n=result.n,
            band=DomainResult.Band(result.band),
        )

    @property
    def enough(self) -> bool:
        return self.band is not DomainResult.Band.TOO_FEW

    @property
    def width(self) -> int:
        return self.high - self.low

    @property
    def heat(self) -> int:
        """0 to 9; the lower, the more help is needed."""
        return max(0, min(_HEAT_STEPS - 1, (self.percent - _COLDEST) // _STEP))
