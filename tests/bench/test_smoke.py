"""The bench programs in small: they run, tell everything they promise, and what can be counted is
within its budget. Nothing here looks at a clock."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.embedded.launcher import CHECKOUT, environment

pytestmark = pytest.mark.xdist_group("bench")

STARTS = {"start", "drawn start"}
STEPS = {"bare view", "save", "heartbeat", "view", "form", "submit", "report"} | STARTS
RUN = {"count", "p50", "p95", "p99", "p999", "max", "rate", "errors", "cpu_ms", "cores"}
PARTS = {"web", "postgres", "worker", "redis", "beat", "load", "others"}
# On a machine with much else to do a draw may outlast the time it is given, and says so.
TURNED_AWAY = "302 to /exams/"


def bench(program: str, installation: Path, argv: str) -> Any:
    """What it prints. Its exit code says whether it found the installation at fault."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", f"bench.{program}", "--json", "--data-dir", installation),
            *argv.split(),
        ],
        check=False,
        cwd=CHECKOUT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.stdout, done.stderr[-3000:]
    told = json.loads(done.stdout)
    told["exit code"] = done.returncode
    return told


def check_requests(told: Any) -> None:
    assert set(told["requests"]) == STEPS
    for name, step in told["requests"].items():
        for run in (step["alone"], step["together"]):
            assert set(run) >= RUN
            assert set(run["cores"]) == PARTS
            if name == "start" and run["first_error"] == TURNED_AWAY:
                continue
            assert run["first_error"] is None, (name, run)
            assert run["count"], name


def test_requests(installation: Path) -> None:
    told = bench("requests", installation, "--people 60 --clients 2 --seconds 0.2")
    assert told["exit code"] == 0
    check_requests(told)
    statements = {name: step["statements"] for name, step in told["requests"].items()}
    assert None not in {count for name, count in statements.items() if name != "bare view"}
    assert statements["save"] <= 5
    assert statements["start"] < 40
    assert told["requests"]["view"]["bytes"] < 12_000
    assert told["cold_bytes"]["together"] < 60_000
    assert told["requests"]["submit"]["alone"]["until_scored"]["count"]
    assert told["pgbench"] is None or told["pgbench"]["alone"]["rate"]


def test_crowd(installation: Path) -> None:
    told = bench("crowd", installation, "--people 4 --pace 40 --minutes 0.05")
    phases = told["phases"]
    assert set(phases) == {"steady", "start", "submit"}
    for phase in phases.values():
        assert set(phase["cores"]) == PARTS
        assert phase["send_lag"]["count"]
        assert set(phase["errors"]) <= {f"start: {TURNED_AWAY}"}
        audit = phase["audit"]
        assert audit["not_in_the_log"] == audit["not_the_stored_choice"] == 0
        assert audit["not_scored"] == 0
    assert told["exit code"] == bool(phases["start"]["errors"])
    assert sum(phase["audit"]["acknowledged"] for phase in phases.values())
    assert phases["start"]["requests"]["start"]["count"] == 4
    assert phases["submit"]["requests"]["submit"]["count"] == 4
    assert phases["submit"]["audit"]["ended"] == 4


def test_ramp(installation: Path) -> None:
    told = bench("crowd", installation, "--people 4 --pace 40 --ramp --step 0.2")
    assert told["exit code"] == 0
    assert told["steps"]
    for step in told["steps"]:
        assert set(step["cores"]) == PARTS
        assert step["first_errors"] == {}
        assert step["people"]
    assert told["broke_at"] in (None, told["steps"][-1])


def test_growth(installation: Path) -> None:
    size = "--past 20,60 --with-items 40 --people 40 --clients 2 --seconds 0.1"
    told = bench("growth", installation, size)
    assert told["exit code"] == 0
    assert [level["attempts"] for level in told["levels"]] == [20, 60]
    for level in told["levels"]:
        check_requests(level)
    assert told["levels"][-1]["items"] >= 40 * 125
    explained = {one["step"] for one in told["explained"]}
    assert explained == {"save", "view", "start", "submit", "score", "sweep"}
    assert all(one["plan"] for one in told["explained"])
