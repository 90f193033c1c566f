"""The bench programs in small: they run, tell everything they promise, and what can be counted is
within its budget. Nothing here looks at a clock."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.embedded.launcher import CHECKOUT, environment

pytestmark = pytest.mark.xdist_group("bench")

STEPS = {"bare view", "save", "heartbeat", "view", "form", "start", "submit", "report"}
RUN = {"count", "p50", "p95", "p99", "p999", "max", "rate", "errors", "cpu_ms", "cores"}
PARTS = {"web", "postgres", "worker", "redis", "beat", "load", "others"}


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """One installation for all of them, one after the other."""
    place = Path(tempfile.mkdtemp(prefix="touchstone-bench-smoke-"))
    place.chmod(0o711)
    yield place
    shutil.rmtree(place)


def bench(program: str, place: Path, *argv: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", f"bench.{program}", "--json", "--data-dir", place / "data", *argv],
        check=False,
        cwd=CHECKOUT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:] + done.stdout[-3000:]
    return json.loads(done.stdout)


def test_requests(place: Path) -> None:
    told = bench("requests", place, "--people", "30", "--seconds", "0.3")
    assert set(told["requests"]) == STEPS
    for name, step in told["requests"].items():
        for run in (step["clients_1"], step["clients_20"]):
            assert set(run) >= RUN
            assert set(run["cores"]) == PARTS
            # Twenty starts at once on a busy machine may outlast the time a draw is given.
            assert run["first_error"] is None or (name == "start" and run["count"]), (name, run)
    statements = {name: step["statements"] for name, step in told["requests"].items()}
    assert statements["save"] <= 5
    assert statements["start"] < 40
    assert None not in {count for name, count in statements.items() if name != "bare view"}
    assert told["requests"]["view"]["bytes"] < 12_000
    assert told["cold_bytes"]["together"] < 60_000
    assert told["requests"]["submit"]["clients_1"]["until_scored"]["count"]
    assert told["pgbench"] is None or told["pgbench"]["clients_1"]["rate"]


def test_crowd(place: Path) -> None:
    told = bench("crowd", place, "--people", "12", "--minutes", "0.1")
    assert set(told["phases"]) == {"steady", "start", "submit"}
    for phase in told["phases"].values():
        assert phase["errors"] == {}
        assert set(phase["cores"]) == PARTS
        assert phase["send_lag"]["count"]
        audit = phase["audit"]
        assert audit["not_in_the_log"] == audit["not_the_stored_choice"] == 0
        assert audit["not_scored"] == 0
    assert told["phases"]["start"]["requests"]["start"]["count"] == 12
    assert told["phases"]["submit"]["requests"]["submit"]["count"] == 11  # one let the time run out
    assert told["phases"]["submit"]["audit"]["ended"] == 12


def test_ramp(place: Path) -> None:
    told = bench("crowd", place, "--people", "12", "--ramp", "--step", "0.2")
    assert told["steps"]
    assert set(told["steps"][0]["cores"]) == PARTS


def test_growth(place: Path) -> None:
    told = bench(
        "growth",
        place,
        "--past",
        "20,60",
        "--with-items",
        "40",
        "--people",
        "30",
        "--seconds",
        "0.2",
    )
    assert [level["attempts"] for level in told["levels"]] == [20, 60]
    assert all(set(level["requests"]) == STEPS for level in told["levels"])
    assert told["levels"][-1]["items"] >= 40 * 125
    explained = {one["step"] for one in told["explained"]}
    assert explained == {"save", "view", "start", "submit", "score", "sweep"}
    assert all(one["plan"] for one in told["explained"])
