"""Whole attempts, told as tables anyone can read: walkthroughs/*.csv.

minute: since the first start, as minutes:seconds. who: a person, or a device of theirs, each with
its own idea of what is stored; the clock; the scorer. choose takes one question or a range; its
choice is the key or one of the three distractors (d1 to d3, as written). The last rows say what
must be true of the attempt that was started last.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from attempts import saving, services
from attempts.models import AnswerEvent, Attempt
from attempts.results import score_attempt
from attempts.states import State
from tests.world import NOON, World

FILES = sorted((Path(__file__).parent / "walkthroughs").glob("*.csv"))
pytestmark = pytest.mark.usefixtures("at_noon")

START = NOON
Row = dict[str, str]


class Walkthrough:
    """Carries out one row after the other and says in a word what came of each."""

    def __init__(self, world: World) -> None:
        self.world, self.user = world, world.ada
        self.attempt: Attempt | None = None
        self.revisions: dict[tuple[str, int], int] = {}  # what each device last saw
        self.actions: dict[str, Callable[[Row, datetime], str]] = {
            "allow": self.allow,
            "start": self.start,
            "open": self.open,
            "choose": self.choose,
            "flag": self.flag,
            "unflag": self.flag,
            "submit": self.submit,
            "discard": self.discard,
            "sweep": self.sweep,
            "score": self.score,
            "expect": self.fact,
        }

    def step(self, row: Row) -> str:
        return self.actions[row["action"]](row, at(row["minute"]))

    @property
    def current(self) -> Attempt:
        assert self.attempt is not None, "nothing was started yet"
        return Attempt.objects.get(pk=self.attempt.pk)

    def allow(self, row: Row, now: datetime) -> str:
        self.user.extra_time_percent = int(row["choice"])
        self.user.save()
        return ""

    def start(self, row: Row, now: datetime) -> str:
        key, _, domain = row["question"].partition(" ")
        try:
            attempt, created = services.start_attempt(
                self.user,
                self.world.exam(key),
                self.world.outline,
                domain=self.world.domain(int(domain)) if domain else None,
                now=now,
                seed=7,
            )
        except services.AnotherAttemptOpen:
            return "refused"
        if created:
            self.attempt, self.revisions = attempt, {}
        return "started" if created else "resumed"

    def open(self, row: Row, now: datetime) -> str:
        attempt = self.current
        services.close_if_due(attempt, now)
        if attempt.status is not State.IN_PROGRESS:
            return "over"
        item = attempt.items.get(position=int(row["question"]))
        saving.mark_seen(attempt, item.position, now)
        self.revisions[row["who"], item.position] = item.revision
        return "open"

    def choose(self, row: Row, now: datetime) -> str:
        first, _, last = row["question"].partition("-")
        positions = range(int(first), int(last or first) + 1)
        outcomes = {self._choose(row["who"], p, row["choice"], now) for p in positions}
        return " and ".join(sorted(outcomes))

    def _choose(self, who: str, position: int, choice: str, now: datetime) -> str:
        item = self.current.items.get(position=position)
        options = item.version.choices.order_by("is_correct", "position")  # d1, d2, d3, key
        result = saving.save_answer(
            self.user,
            self.current.public_id,
            position,
            choice=options[["d1", "d2", "d3", "key"].index(choice)].pk,
            revision=self.revisions.get((who, position), 0),
            now=now,
        )
        if result.status in (saving.SaveStatus.SAVED, saving.SaveStatus.UNCHANGED):
            self.revisions[who, position] = result.revision
        return result.status

    def flag(self, row: Row, now: datetime) -> str:
        flagged = row["action"] == "flag"
        if saving.set_flag(self.current, int(row["question"]), flagged):
            return "flagged" if flagged else "unflagged"
        return "closed"

    def submit(self, row: Row, now: datetime) -> str:
        return "submitted" if services.submit(self.current, now) else "over"

    def discard(self, row: Row, now: datetime) -> str:
        return "discarded" if services.discard_attempt(self.current, now) else "over"

    def sweep(self, row: Row, now: datetime) -> str:
        return str(services.close_due_attempts(now))

    def score(self, row: Row, now: datetime) -> str:
        return "scored" if score_attempt(self.current.pk, now) else "nothing to do"

    def fact(self, row: Row, now: datetime) -> str:
        attempt = self.current
        items = attempt.items
        facts: dict[str, object] = {
            "state": attempt.state,
            "reason": attempt.close_reason,
            "closed at": attempt.closed_at and minute(attempt.closed_at),
            "answered": attempt.answered_count,
            "correct": attempt.correct_count,
            "correct so far": items.filter(choice__is_correct=True).count(),
            "changes": AnswerEvent.objects.filter(item__attempt=attempt).count(),
        }
        value = facts[row["question"]]
        return "" if value is None else str(value)


def at(minute: str) -> datetime:
    minutes, seconds = minute.split(":")
    return START + timedelta(minutes=int(minutes), seconds=float(seconds))


def minute(moment: datetime) -> str:
    seconds = int((moment - START).total_seconds())
    return f"{seconds // 60}:{seconds % 60:02}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_walkthrough(world: World, path: Path) -> None:
    walk = Walkthrough(world)
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        for row in rows:
            came = walk.step(row)
            assert came == row["expect"], f"{path.name}, line {rows.line_num}: {row}"


def test_there_are_walkthroughs_and_each_ends_with_what_must_be_true() -> None:
    assert len(FILES) >= 10
    for path in FILES:
        assert ",expect,state," in path.read_text(encoding="utf-8"), path.name
