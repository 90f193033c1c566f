"""A small run of the chaos program, whole: a few kills, a dozen candidates, the audit."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.embedded.launcher import CHECKOUT, environment


def test_a_small_run_finds_nothing_wrong() -> None:
    run = subprocess.run(
        [
            *(sys.executable, "-m", "bench.chaos", "--json", "--seconds", "24", "--kills", "3"),
            *("--candidates", "12", "--think", "2", "--seed", "4"),
        ],
        cwd=CHECKOUT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    report = json.loads(run.stdout)
    assert report["violations"] == 0
    looked_at = {line["holds"]: line["checked"] for line in report["audit"]}
    assert looked_at["an acknowledged answer is stored, once, as it was chosen"] > 12
    assert looked_at["a closed attempt is scored"] >= 12
    assert looked_at["and everything worked again within 90 s"] == 3
    assert max(len(kill["parts"]) for kill in report["kills"]) > 1
