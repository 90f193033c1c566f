"""The closed set of attempt states and the legal moves between them. Pure.

There is no "created" (assembly and start share a transaction) and no "failed" (a failed scoring
stays `closed` and is tried again).
"""

from __future__ import annotations

from typing import Final

from django.db import models


class State(models.TextChoices):
    IN_PROGRESS = "in_progress", "In progress"
    CLOSED = "closed", "Being scored"
    SCORED = "scored", "Scored"
    VOID = "void", "Void"


LEGAL_MOVES: Final[frozenset[tuple[State, State]]] = frozenset(
    {
        (State.IN_PROGRESS, State.CLOSED),  # submitted, or the clock
        (State.CLOSED, State.SCORED),  # the scorer
        (State.IN_PROGRESS, State.VOID),  # discarded by the candidate, or by staff
        (State.SCORED, State.CLOSED),  # a late answer counted: to be scored again
        (State.CLOSED, State.IN_PROGRESS),  # reopened by staff
        (State.SCORED, State.IN_PROGRESS),
        (State.CLOSED, State.VOID),  # by staff
        (State.SCORED, State.VOID),
    }
)


class IllegalMove(Exception):
    """An attempt was asked to make a move its state does not allow."""

    def __init__(self, source: State, target: State) -> None:
        super().__init__(f"An attempt that is {source.label.lower()} cannot become {target.value}.")
        self.source, self.target = source, target


def require_move(source: State, target: State) -> None:
    if (source, target) not in LEGAL_MOVES:
        raise IllegalMove(source, target)


def accepts_answers(state: State) -> bool:
    return state is State.IN_PROGRESS


def may_take_late_answers(state: State) -> bool:
    """Over, but not beyond an answer that was chosen in time and is delivered late."""
    return state in (State.CLOSED, State.SCORED)


def shows_key(state: State) -> bool:
    """May the report, with keys and rationales, be shown at all?"""
    return state is State.SCORED


def counts_for_measurement(state: State) -> bool:
    return state is State.SCORED
