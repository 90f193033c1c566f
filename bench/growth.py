"""What the steps of an exam cost as the past grows, and how Postgres answers the hot statements.

    .venv/bin/python -m bench.growth [--past 10000,100000,1000000] [--with-items 100000]
                                     [--seconds 5] [--people 200] [--clients 20] [--seed 1]
                                     [--json] [--data-dir DIR]

Past attempts, scored, of other people, are made in bulk; so many of them with their items and
results (a hundred thousand are 12.5 million rows and about 5 GB), spread over the levels. After
each level the figures of `bench.requests` are taken again. At the end the statements of a save, a
view, a start, a submit and a scoring are explained: EXPLAIN (ANALYZE, BUFFERS), rolled back.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bench.figures import Figures, ratio, table
from bench.stack import machine, running, use_django

STEPS = ("bare view", "save", "view", "form", "start", "drawn start", "submit", "report")


def growth_tables(figures: Figures) -> str:
    levels = figures["levels"]
    parts = []
    for title, read in READINGS.items():
        rows = []
        for step in STEPS:
            values = [read(level["requests"][step]) for level in levels]
            rows.append([step, *values, ratio(values[-1], values[0])])
        columns = [title, *(f"{level['attempts']:,}" for level in levels), "last to first"]
        parts.append(table(columns, rows))
    made = [
        [f"{level['attempts']:,}", level["items"], level["gigabytes"], level["made_in_seconds"]]
        for level in levels
    ]
    parts.append(table(["past attempts", "item rows", "GB", "made in s"], made))
    return "\n\n".join(parts)


def _cpu(step: Figures) -> float:
    used: Mapping[str, float] = step["together"]["cpu_ms"]
    return round(sum(used.values()), 3)


def _alone(step: Figures) -> float | None:
    p50: float | None = step["alone"]["p50"]
    return p50


def _rate(step: Figures) -> float:
    rate: float = step["together"]["rate"]
    return rate


READINGS: dict[str, Callable[[Figures], float | None]] = {
    "processor ms a request, all parts": _cpu,
    "p50 ms, alone": _alone,
    "a second, together": _rate,
}


def plan_text(figures: Figures) -> str:
    return "\n\n".join(
        f"{one['step']}: {one['statement']}\n\n" + "\n".join(one["plan"])
        for one in figures["explained"]
    )


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--past", default="10000,100000,1000000")
    parser.add_argument("--with-items", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--data-dir", type=Path, help="use and keep this data directory")
    chosen = parser.parse_args(argv)
    levels = [int(word) for word in chosen.past.split(",")]
    figures: Figures = {"machine": machine(), "levels": []}
    with running(chosen.data_dir) as stack:
        use_django(stack)
        from bench.plans import explain  # models, which Django had to be set up for
        from bench.population import draw_forms, forms_for, make_past, settle, weight
        from bench.steps import Plan, requests

        plan = Plan(chosen.seconds, chosen.people, chosen.seed, chosen.clients)
        forms = draw_forms(forms_for(plan.people), plan.seed)
        for attempts in levels:
            print(f"{attempts:,} past attempts ...", file=sys.stderr, flush=True)
            began = time.monotonic()
            with stack.superuser() as admin:
                make_past(
                    admin, forms, attempts=attempts, with_items=min(attempts, chosen.with_items)
                )
                settle(admin)
                made = time.monotonic() - began
                told = {"attempts": attempts, "made_in_seconds": round(made, 1), **weight(admin)}
            figures["levels"].append(told | requests(stack, plan, forms))
        figures["explained"] = explain(stack, forms)
    if chosen.json:
        print(json.dumps(figures, indent=2))
    else:
        print(f"{growth_tables(figures)}\n\n{plan_text(figures)}")


if __name__ == "__main__":
    main()
