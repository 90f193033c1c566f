"""A mixed-integer programme put together row by row, and HiGHS to solve it. Pure."""

from __future__ import annotations

import time
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

_OPTIMAL, _INFEASIBLE = 0, 2  # milp's status


class SolverGaveUp(Exception):
    """The solver did not finish in the seconds allowed. Nothing is known of the form, not even
    whether there is one. Only banks far more hostile than ours have come to it."""


class Model:
    """Variables from 0 up, linear rows between bounds, and costs to be minimal."""

    def __init__(self) -> None:
        self.costs: list[float] = []
        self.highest: list[float] = []
        self.whole: list[int] = []
        self._rows: list[tuple[Mapping[int, float], float, float]] = []

    def variable(self, *, highest: float = 1.0, cost: float = 0.0, whole: bool = True) -> int:
        """A new variable from 0 to `highest`; its number."""
        self.costs.append(cost)
        self.highest.append(highest)
        self.whole.append(int(whole))
        return len(self.costs) - 1

    def row(self, coefficients: Mapping[int, float], low: float, high: float) -> None:
        """low <= sum of coefficient x variable <= high"""
        if coefficients or not low <= 0 <= high:
            self._rows.append((coefficients, low, high))

    def solve(self, until: float, *, gap: float = 0.0) -> NDArray[np.float64] | None:
        """The variables at the minimum, to within `gap` of it; None where there is no solution.

        until: when to stop, by the monotonic clock. Raises SolverGaveUp: what was not proven is
        never taken for an answer, unless near the best is good enough (gap) and something is there.
        """
        if not all(coefficients for coefficients, _, _ in self._rows):
            return None
        if not self.costs:
            return np.zeros(0)
        seconds = until - time.monotonic()
        if seconds <= 0:
            raise SolverGaveUp
        constraints = []
        if self._rows:
            entries = [
                (row, column, value)
                for row, (coefficients, _, _) in enumerate(self._rows)
                for column, value in coefficients.items()
            ]
            rows, columns, values = zip(*entries, strict=True)
            shape = (len(self._rows), len(self.costs))
            matrix = csr_array((values, (rows, columns)), shape=shape)
            low = np.array([low for _, low, _ in self._rows])
            high = np.array([high for _, _, high in self._rows])
            constraints.append(LinearConstraint(matrix, low, high))
        result = milp(
            np.array(self.costs),
            integrality=np.array(self.whole),
            bounds=Bounds(0.0, np.array(self.highest)),
            constraints=constraints,
            options={"time_limit": seconds, "mip_rel_gap": gap},
        )
        if result.status == _INFEASIBLE:
            return None
        if result.x is None or (result.status != _OPTIMAL and not gap):
            raise SolverGaveUp
        return np.asarray(result.x)
