"""Where the time of a step goes: the functions that use most of it, with file and line.

    .venv/bin/python -m bench.hotspots [--step start] [--times 20] [--lines 25] [--data-dir DIR]

Two tables each: by a function's own time, and, of our functions, by the time with all they call.

Sends requests through the product's middleware and views inside this process, under cProfile. The
profiler makes small functions look dearer than they are: trust the order, not the milliseconds. The
line above each table is without it.
"""

from __future__ import annotations

import argparse
import cProfile
import io
import pstats
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.stack import Stack, running, use_django

OURS = r"/(accounts|attempts|cohorts|domains|issmp_site|questions)/"
STEPS = ("save", "view", "form", "start", "submit", "score", "report")


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--step", choices=STEPS, action="append")
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--lines", type=int, default=25)
    parser.add_argument("--data-dir", type=Path, help="use and keep this data directory")
    chosen = parser.parse_args(argv)
    with running(chosen.data_dir) as stack:
        use_django(stack)
        for step in chosen.step or STEPS:
            act = _acts(stack, step, 2 * chosen.times + 2)
            act()  # imports, caches
            wall, cpu = time.perf_counter(), time.process_time()
            for _ in range(chosen.times):
                act()
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            each = 1000 / chosen.times
            print(f"{step}: {wall * each:.2f} ms, {cpu * each:.2f} ms of them in this process")
            print(_profile(act, chosen.times, chosen.lines))


def _acts(stack: Stack, step: str, count: int) -> Callable[[], object]:
    """What to do once, `count` times over: each step has people of its own."""
    from django.utils import timezone

    from attempts.models import Attempt
    from attempts.results import score_attempt
    from bench import room
    from bench.population import draw_forms, make_people, open_attempts
    from bench.statements import asked

    rng = random.Random(1)
    people = make_people(count, f"hot{random.SystemRandom().getrandbits(40):x}-")
    if step == "start":
        fresh, fields = iter(people), room.start_fields(asked(people[0], room.START).text)
        return lambda: asked(next(fresh), room.START, fields=fields)
    with stack.superuser() as admin:
        seats = open_attempts(admin, people, draw_forms(2, 1), now=timezone.now(), rng=rng)
    if step in ("score", "report"):
        Attempt.objects.filter(pk__in=[seat.attempt for seat in seats]).update(
            state="closed", close_reason="submitted", closed_at=timezone.now()
        )
        if step == "report":
            for seat in seats:
                score_attempt(seat.attempt, timezone.now())
    turn = iter(seats)

    def act() -> object:
        seat = next(turn)
        if step == "score":
            return score_attempt(seat.attempt, timezone.now())
        if step == "save":
            op = room.answer_op(seat, seat.answered + 1)
            return asked(seat.person, seat.path("sync/"), body=room.sync_body(seat, op))
        if step == "submit":
            return asked(seat.person, seat.path("submit/"), fields={})
        rest = {"view": "items/1/", "form": "form/", "report": "report/"}[step]
        return asked(seat.person, seat.path(rest))

    return act


def _profile(act: Callable[[], object], times: int, lines: int) -> str:
    profile = cProfile.Profile(time.process_time)  # waiting for the database is no work of ours
    profile.enable()
    for _ in range(times):
        act()
    profile.disable()
    out = io.StringIO()
    stats = pstats.Stats(profile, stream=out)
    stats.sort_stats("tottime").print_stats(lines)
    stats.sort_stats("cumulative").print_stats(OURS, lines)
    return out.getvalue()


if __name__ == "__main__":
    main()
