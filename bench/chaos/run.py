"""One run: fill the installation, seat the candidates, kill, wait, audit."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from attempts.models import Exam
from bench import population
from bench.chaos.audit import Finding, Told, audit, unsettled, violations
from bench.chaos.candidates import Ends, Room, Sitting
from bench.chaos.kills import WHOLE_WITHIN, Kill, Killer, plan
from bench.chaos.options import Options
from bench.chaos.record import Recorder, read
from bench.population import Person, Seat
from bench.stack import Stack, machine

SETTLE_WITHIN = 240  # seconds: a worker that was lost, its tasks' time-out, the sweep after that
SHORT_EXAM = "chaos-minute"
# How exams end. Those who leave have one that was made with its deadline within the run.
FIRST = (Ends.SUBMIT, Ends.CLOCK, Ends.ABSENT)
LATER = (Ends.SUBMIT, Ends.CLOCK)


class Run:
    def __init__(self, options: Options, stack: Stack) -> None:
        self._options, self._stack = options, stack
        self._rng = random.Random(options.seed)
        self._record = stack.data.root / "told.jsonl"

    def report(self) -> dict[str, Any]:
        kills, counts = asyncio.run(self._run(*self._fill()))
        settled = self._settle()
        told = Told(read(self._record))
        findings = audit(told, timezone.now(), replies=counts["requests"])
        hit = Finding("every part that was to be killed was hit")
        whole = Finding(f"and everything worked again within {WHOLE_WITHIN:.0f} s")
        for kill in kills:
            hit.hold(kill.victims >= len(kill.parts), f"{kill.name} at {kill.at:.0f} s")
            whole.hold(kill.recovery is not None, f"{kill.name} at {kill.at:.0f} s")
        findings += [hit, whole]
        return {
            "machine": machine(),
            "options": {
                "seconds": self._options.seconds,
                "candidates": self._options.candidates,
                "kills": self._options.kills,
                "seed": self._options.seed,
            },
            "kills": [
                {"at": round(kill.at, 1), "parts": kill.parts, "recovery": _rounded(kill.recovery)}
                for kill in kills
            ],
            "counts": dict(sorted(counts.items())),
            "settled_after": _rounded(settled),
            "audit": [_as_figures(finding) for finding in findings],
            "violations": violations(findings) + (settled is None),
        }

    def _fill(self) -> tuple[list[Seat], list[Person]]:
        """Attempts under way for the first candidates, and people who will start their own."""
        Exam.objects.create(
            key=SHORT_EXAM, title="A minute", kind=Exam.Kind.QUICK, item_count=24, minutes=1
        )
        count = self._options.candidates
        people = population.make_people(count * 6, "chaos")
        forms = population.draw_forms(2, self._options.seed)
        with self._stack.superuser() as admin:
            seats = population.open_attempts(
                admin,
                people[:count],
                forms,
                now=timezone.now(),
                rng=self._rng,
                left=(min(20.0, self._options.seconds / 2), self._options.seconds),
                answered=(0.0, 0.0),
            )
        connection.close()
        return seats, people[count:]

    async def _run(
        self, seats: list[Seat], people: list[Person]
    ) -> tuple[list[Kill], Counter[str]]:
        options, began = self._options, time.monotonic()
        recorder = Recorder(self._record)
        room = Room(self._stack.address, recorder, asyncio.Event(), options.think)

        async def seat(first: Seat) -> None:
            rng = random.Random(f"{options.seed}/{first.person.pk}")
            await asyncio.sleep(rng.uniform(0, min(30, options.seconds / 4)))
            sitting = Sitting(room, first.person, *_fate(rng, options.seconds, FIRST))
            await sitting.sit(str(first.public_id))
            while people and time.monotonic() < began + options.seconds - 5:
                ends, rng, leave_after = _fate(rng, options.seconds / 4, LATER)
                sitting = Sitting(room, people.pop(), ends, rng, leave_after)
                attempt = await sitting.start("quick" if ends is Ends.SUBMIT else SHORT_EXAM)
                if attempt is not None:
                    await sitting.sit(attempt)

        kills = plan(options.kills, options.seconds, self._rng)
        self._say(f"{len(seats)} candidates sit down; {len(kills)} kills are coming.")
        try:
            async with (
                asyncio.timeout(options.seconds + SETTLE_WITHIN),
                asyncio.TaskGroup() as all_,
            ):
                for first in seats:
                    all_.create_task(seat(first))
                all_.create_task(Killer(self._stack, self._rng, self._say).carry_out(kills, began))
                await asyncio.sleep(options.seconds)
                room.closing.set()
                self._say("The candidates end their exams.")
        finally:
            recorder.close()
        return kills, room.counts

    def _settle(self) -> float | None:
        """Seconds until nothing waits to be closed or scored; None: not within SETTLE_WITHIN."""
        self._say("Waiting until everything is closed and scored.")
        by, began = timezone.now() + timedelta(minutes=1), time.monotonic()
        while unsettled(by):
            if time.monotonic() - began > SETTLE_WITHIN:
                return None
            time.sleep(1)
        return time.monotonic() - began

    def _say(self, words: str) -> None:
        print(words, file=sys.stderr, flush=True)


def _fate(
    rng: random.Random, seconds: float, ends: Sequence[Ends]
) -> tuple[Ends, random.Random, float]:
    return rng.choice(ends), rng, rng.uniform(10, max(15.0, seconds))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _as_figures(finding: Finding) -> dict[str, Any]:
    return {
        "holds": finding.name,
        "checked": finding.checked,
        "violations": len(finding.violations),
        "examples": finding.violations[:5],
    }
