"""`.venv/bin/python -m bench.chaos`: candidates sit exams while every part is killed under them.

Starts `manage.py up` on a data directory of its own, lets candidates answer, start, submit and run
out of time over HTTP, kills (SIGKILL) web, worker, beat, Redis and Postgres at seeded moments, each
alone and several together, waits until everything has settled, and audits the database from what
the candidates were told. Exit code 1 if anything acknowledged is not so. Needs Linux.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from statistics import median
from typing import Any

from bench.chaos.options import parse
from bench.figures import table
from bench.stack import running, use_django


def main(argv: Sequence[str]) -> int:
    options = parse(argv, __doc__ or "")
    with running(options.data_dir) as stack:
        use_django(stack)
        from bench.chaos.run import Run  # models, which Django had to be set up for

        report = Run(options, stack).report()
    if options.json:
        print(json.dumps(report, indent=2))
    else:
        _print(report)
    return 1 if report["violations"] else 0


def _print(report: dict[str, Any]) -> None:
    by_parts: dict[str, list[float | None]] = {}
    for kill in report["kills"]:
        by_parts.setdefault(" + ".join(kill["parts"]), []).append(kill["recovery"])
    rows = []
    for name, seconds in sorted(by_parts.items(), key=lambda item: (item[0].count("+"), item[0])):
        known = [value for value in seconds if value is not None]
        rows.append(
            (name, len(seconds), median(known) if known else None, max(known, default=None))
        )
    print(table(["Killed", "times", "whole again, s", "at most, s"], rows), end="\n\n")
    print(table(["Candidates", "count"], list(report["counts"].items())), end="\n\n")
    print(
        table(
            ["Audit", "looked at", "violations"],
            [(line["holds"], line["checked"], line["violations"]) for line in report["audit"]],
        )
    )
    for line in report["audit"]:
        for example in line["examples"]:
            print(f"  {line['holds']}: NOT {example}")
    settled = report["settled_after"]
    print(
        f"\nEverything was closed and scored {settled} s after the last candidate had left."
        if settled is not None
        else "\nNot everything was closed and scored in time."
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
