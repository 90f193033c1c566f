"""What a killed launcher left running: recorded while it runs, ended by the next start."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from issmp_site.embedded import proctable
from issmp_site.embedded.datadir import write_private


@dataclass(frozen=True)
class Record:
    """One program, leader of a process group. A number proves nothing: pids come around again."""

    pid: int
    identity: str | None
    stop_signal: int

    @classmethod
    def of(cls, pid: int, stop_signal: signal.Signals) -> Record:
        return cls(pid, proctable.identity(pid), int(stop_signal))

    @classmethod
    def read(cls, path: Path) -> Record | None:
        try:
            return cls(**json.loads(path.read_text()))
        except (OSError, ValueError, TypeError):  # cut short when the machine went down
            return None

    def write(self, path: Path) -> None:
        write_private(path, json.dumps(asdict(self)))

    def runs(self) -> bool:
        return self.identity is not None and proctable.identity(self.pid) == self.identity

    def end(self, data_dir: Path) -> bool:
        """End the program and its group. True if there was anything to end."""
        if self.runs():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, self.stop_signal)
            _end(lambda: proctable.group(self.pid), patience=10)
            return True

        # The leader is gone, nobody can stop the rest in order. It is ours if it says so.
        def orphans() -> list[int]:
            return [
                pid
                for pid in proctable.group(self.pid)
                if proctable.has_in_environment(pid, "ISSMP_DATA_DIR", str(data_dir))
            ]

        if not orphans():
            return False
        _end(orphans, patience=0)
        return True


def end_leftovers(records: Path, data_dir: Path) -> list[str]:
    """Returns the names of the programs that still ran."""
    ended = []
    for path in sorted(records.glob("*.json")):
        record = Record.read(path)
        if record is not None and record.end(data_dir):
            ended.append(path.stem)
        path.unlink()
    return ended


def _end(remaining: Callable[[], list[int]], patience: float) -> None:
    deadline = time.monotonic() + patience
    while remaining() and time.monotonic() < deadline:
        time.sleep(0.1)
    for pid in remaining():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    while remaining():
        time.sleep(0.05)
