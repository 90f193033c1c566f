"""Drives `manage.py up` from outside, as a person at a terminal would."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from issmp_site.embedded import proctable

CHECKOUT = Path(__file__).resolve().parents[2]
MANAGE = [sys.executable, str(CHECKOUT / "manage.py")]
PROGRAMS = {"postgres", "redis", "beat", "worker", "web"}


def environment(**variables: str) -> dict[str, str]:
    """A new terminal's: without the servers of this test run."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ISSMP_", "DJANGO_", "PYTEST_", "DATABASE_URL", "REDIS_URL"))
    }
    venv = {"ISSMP_VENV": sys.prefix}  # the environment we run in, wherever that is
    return {**kept, **venv, **variables}


def manage(*argv: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*MANAGE, *argv],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(**variables),
    )


class Launcher:
    """One `up` on one data directory, with any free port."""

    def __init__(self, data_dir: Path, *argv: str, **variables: str) -> None:
        self.data_dir = data_dir
        self._output = data_dir.parent / "output.txt"
        with self._output.open("w") as output:
            self._popen = subprocess.Popen(
                [*MANAGE, "up", "--port", "0", "--data-dir", str(data_dir), *argv],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment(**variables),
            )

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def output(self) -> str:
        return self._output.read_text()

    def wait_ready(self, timeout: float = 90) -> str:
        """The address it is ready at."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline and self._popen.poll() is None:
            if found := re.search(r"^Ready: (http://127\.0\.0\.1:\d+)$", self.output, re.MULTILINE):
                return found.group(1)
            time.sleep(0.1)
        raise AssertionError(f"not ready, exit code {self._popen.poll()}:\n{self.output}")

    def programs(self) -> dict[str, int]:
        """Process numbers by name, as recorded."""
        records = (self.data_dir / "run").glob("*.json")
        return {path.stem: json.loads(path.read_text())["pid"] for path in records}

    def groups(self) -> set[int]:
        """Every process of every program, children included."""
        return {member for pid in self.programs().values() for member in proctable.group(pid)}

    def stop(self, signum: signal.Signals = signal.SIGTERM, timeout: float = 60) -> int:
        if self._popen.poll() is None:
            self._popen.send_signal(signum)
        return self._popen.wait(timeout)

    def kill_everything(self) -> None:
        """All at once, the launcher first: nothing gets to tidy up."""
        everything = [self.pid, *self.groups()]
        for pid in everything:
            os.kill(pid, signal.SIGKILL)
        self._popen.wait(10)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health/ready", timeout=10) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def soon(happened: Callable[[], bool], timeout: float = 20) -> bool:
    deadline = time.monotonic() + timeout
    while not happened():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def alive(pids: set[int]) -> set[int]:
    return pids & {process.pid for process in proctable.running()}


def gone(pids: set[int]) -> bool:
    return soon(lambda: not alive(pids))
