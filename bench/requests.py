"""What each step of an exam costs, beside what it would cost if there were nothing to it.

    .venv/bin/python -m bench.requests [--seconds 5] [--people 400] [--clients 20] [--seed 1]
                                       [--json] [--data-dir DIR]

Starts an installation of its own as `manage.py up` does (a data directory that is removed again, or
kept in DIR; one that runs there already is used), on the loopback address. Each line is measured
with one client and with 20, closed loop: a client asks, waits for the reply, asks again. Beside
them, in the same run, two floors: pgbench doing a single-row upsert on the same Postgres, and
`bench.bare`, a Django view that loads session and user and does one select and one upsert, served
by the same granian options.

Rates depend on what else the machine does; "others" says how many cores that was. Processor
milliseconds a request hardly depend on it, and the ratios least.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from bench.stack import machine, running, use_django


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    parser.add_argument("--people", type=int, default=400)
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--data-dir", type=Path, help="use and keep this data directory")
    chosen = parser.parse_args(argv)
    about = machine()
    with running(chosen.data_dir) as stack:
        use_django(stack)
        from bench.population import draw_forms, forms_for  # models: Django had to be set up
        from bench.steps import Plan, requests, tables

        plan = Plan(chosen.seconds, chosen.people, chosen.seed, chosen.clients)
        figures = requests(stack, plan, draw_forms(forms_for(plan.people), plan.seed))
    if chosen.json:
        given = {"seconds": plan.seconds, "people": plan.people, "seed": plan.seed}
        print(json.dumps({"machine": about, **given, **figures}, indent=2))
    else:
        print(tables(figures))


if __name__ == "__main__":
    main()
