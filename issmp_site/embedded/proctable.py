"""The machine's process table: from /proc on Linux (slim systems have no `ps`), else from `ps`."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LINUX = sys.platform.startswith("linux")


@dataclass(frozen=True)
class Running:
    pid: int
    group: int
    since: str


def running() -> Iterator[Running]:
    """All processes that are more than a zombie."""
    return _from_proc() if LINUX else _from_ps()


def _from_proc() -> Iterator[Running]:
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):  # it ended while we looked, or is hidden from us
            # The second field, a name, may hold anything; it ends at the last parenthesis.
            after_name = (entry / "stat").read_bytes().rpartition(b")")[2]
            state, _, group, *rest = after_name.decode().split()
            if state not in "ZX":
                yield Running(int(entry.name), int(group), rest[16])


def _from_ps() -> Iterator[Running]:
    table = subprocess.run(
        ["/bin/ps", "-axo", "pid=,pgid=,stat=,lstart="], check=True, capture_output=True, text=True
    )
    for line in table.stdout.splitlines():
        pid, group, state, since = line.split(maxsplit=3)
        if not state.startswith("Z"):
            yield Running(int(pid), int(group), since)


def identity(pid: int) -> str | None:
    """Tells this process from others of its number, which come around again, after a reboot too."""
    for process in running():
        if process.pid == pid:
            return f"{_boot()}/{process.since}"
    return None


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip() if LINUX else ""


def group(leader: int) -> list[int]:
    return [process.pid for process in running() if process.group == leader]


def has_in_environment(pid: int, name: str, value: str) -> bool:
    """Whether the process was started with that variable; False where this cannot be seen."""
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False
    return f"{name}={value}".encode() in environment.split(b"\0")


def working_in(folder: Path) -> list[int]:
    """The processes whose working directory that is; none where this cannot be seen."""
    found = []
    for process in running() if LINUX else ():
        with contextlib.suppress(OSError):
            if Path(f"/proc/{process.pid}/cwd").samefile(folder):
                found.append(process.pid)
    return found
