"""Ten thousand candidates in a timed exam at once, and what becomes of their answers.

    .venv/bin/python -m bench.crowd [--people 10000] [--minutes 10] [--pace 1] [--seed 1] [--json]
                                    [--phase steady --phase start --phase submit]
                                    [--ramp [--step 20]] [--data-dir DIR]

Starts an installation of its own as `manage.py up` does, on the loopback address, makes people,
sessions and attempts in bulk, and then three phases of open-loop load: a steady state from the
middle of the exam, everybody starting, everybody ending. A latency counts from the moment a request
was meant to be sent. "Send lag" is how late this program itself was: if it grows, the program is
the bottleneck and the figures are not the server's. At the end of each phase the server's promises
are held against the database; a broken one makes the exit code 1.

--ramp raises the rate of the steady state by steps until the 99th percentile of a save breaks
250 ms, and says what was busy then.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.figures import Figures, flat, table
from bench.stack import machine, running, use_django

POINTS = ("p50", "p99", "p999", "max")


def phase_tables(figures: Figures) -> str:
    parts = []
    for name, phase in figures["phases"].items():
        rows = [
            [kind, told["count"], told["rate"], *(told[point] for point in POINTS)]
            for kind, told in phase["requests"].items()
        ]
        lag = phase["send_lag"]
        rows.append(["send lag", lag["count"], None, *(lag[point] for point in POINTS)])
        audit = phase["audit"]
        columns = [f"{name}, {phase['seconds']:.0f} s", "count", "a second", "p50 ms", "p99"]
        parts += [
            table([*columns, "p99.9", "max"], rows),
            f"Errors: {phase['errors'] or 'none'}. Cores busy: {flat(phase['cores'])}.",
            f"Acknowledged answers: {audit['acknowledged']:,}; not in the log "
            f"{audit['not_in_the_log']}, not the stored choice {audit['not_the_stored_choice']}. "
            + _ends(audit),
        ]
    return "\n\n".join(parts)


def _ends(audit: Figures) -> str:
    if not audit["ended"]:
        return "Nobody ended in this phase."
    waits = audit["end_to_score_seconds"]
    words = f"Attempts ended: {audit['ended']:,}, not scored {audit['not_scored']}"
    if waits["max"] is None:
        return f"{words}."
    points = ", ".join(f"{name} {waits[name]}" for name in POINTS)
    return f"{words}; seconds from end to score: {points}."


def ramp_table(figures: Figures) -> str:
    rows = [
        [
            f"{step['people']:,} people",
            step["requests_a_second"],
            step["saves_a_second"],
            *(step["save"][point] for point in ("p50", "p99", "max")),
            step["errors"],
            *(step["cores"][part] for part in ("web", "postgres", "worker", "load", "others")),
            step["send_lag"]["p99"],
        ]
        for step in figures["steps"]
    ]
    columns = (
        "steady state of|requests/s|saves/s|save p50 ms|p99|max|errors|web cores|Postgres|worker|"
        "load|others|send lag p99 ms"
    ).split("|")
    ceiling, broke = figures["ceiling"], figures["broke_at"]
    words = (
        f"Held at {ceiling['people']:,} people, {ceiling['saves_a_second']} saves a second."
        if ceiling
        else "Not held at any step."
    )
    if broke is None:
        return f"{table(columns, rows)}\n\n{words} It did not break."
    cores = {part: busy for part, busy in broke["cores"].items() if part != "others"}
    busiest = max(cores, key=lambda part: cores[part])
    return f"{table(columns, rows)}\n\n{words} When it broke, {busiest} was busiest: {flat(cores)}."


def broken_promises(figures: Figures) -> bool:
    return any(
        phase["errors"]
        or phase["audit"]["not_in_the_log"]
        or phase["audit"]["not_the_stored_choice"]
        or phase["audit"]["not_scored"]
        for phase in figures.get("phases", {}).values()
    )


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--minutes", type=float, default=10.0, help="of each phase")
    parser.add_argument("--pace", type=float, default=1.0, help="times faster than people answer")
    parser.add_argument("--phase", action="append", choices=("steady", "start", "submit"))
    parser.add_argument("--ramp", action="store_true")
    parser.add_argument("--step", type=float, default=20.0, help="seconds of each step of the ramp")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--data-dir", type=Path, help="use and keep this data directory")
    chosen = parser.parse_args(argv)
    about = machine()
    with running(chosen.data_dir) as stack:
        use_django(stack)
        from bench.exam_day import PHASES, Plan, hold, ramp  # models: Django had to be set up
        from bench.population import draw_forms, forms_for

        phases = () if chosen.ramp else chosen.phase or PHASES
        plan = Plan(chosen.people, chosen.minutes, chosen.seed, phases, chosen.pace)
        forms = draw_forms(forms_for(plan.people), plan.seed)
        if chosen.ramp:
            figures = asyncio.run(ramp(stack, plan, forms, chosen.step))
        else:
            figures = asyncio.run(hold(stack, plan, forms))
    if chosen.json:
        given = {name: getattr(plan, name) for name in ("people", "minutes", "seed", "pace")}
        print(json.dumps({"machine": about, **given, **figures}, indent=2))
    else:
        print(ramp_table(figures) if chosen.ramp else phase_tables(figures))
    return 1 if broken_promises(figures) else 0


if __name__ == "__main__":
    sys.exit(main())
