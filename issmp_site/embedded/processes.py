"""Starting and ending processes so that none is ever left behind.

Each program leads a session of its own, so Ctrl-C in the terminal reaches only the launcher, which
stops them in order. Three nets catch what escapes: the kernel signals a program when the launcher
dies (Linux), what is left of a program's group goes with it, and a record of every program lets the
next start end what a killed launcher left running (`leftovers.py`).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from issmp_site.embedded.account import Account, credentials
from issmp_site.embedded.leftovers import Record
from issmp_site.embedded.proctable import LINUX

PR_SET_PDEATHSIG = 1
LARGEST_LOG = 10_000_000
TELLING = re.compile(r"error|fatal|panic|could not|cannot|no space", re.IGNORECASE)


@dataclass(frozen=True)
class Program:
    name: str
    argv: Sequence[str | Path]
    env: Mapping[str, str]
    cwd: Path
    log: Path
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    hurry_signal: signal.Signals = signal.SIGKILL
    orphan_signal: signal.Signals = signal.SIGTERM  # what it gets if the launcher dies
    patience: float = 10.0  # seconds between the stop signal and the hurry signal
    niceness: int = 0  # more, and it stands back for the others while the processor is short


class Tail:
    """What a program writes to its log from now on, line by line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._position = path.stat().st_size if path.exists() else 0
        self._rest = b""

    def lines(self) -> list[str]:
        if not self._path.exists():
            return []
        if self._path.stat().st_size < self._position:  # a new file in its place
            self._position = 0
        with self._path.open("rb") as file:
            file.seek(self._position)
            fresh = file.read()
        self._position += len(fresh)
        *whole, self._rest = (self._rest + fresh).split(b"\n")
        return [line.decode(errors="replace") for line in whole]


class Process:
    """A started program. Start it from the main thread: the kernel's parent is a thread."""

    def __init__(self, program: Program, records: Path) -> None:
        self.program = program
        self._record = records / f"{program.name}.json"
        self._before = Tail(program.log)
        with os.fdopen(_open_log(program.log), "ab") as log:
            self._popen = subprocess.Popen(
                [str(word) for word in program.argv],
                cwd=program.cwd,
                env=dict(program.env),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_launcher(program.orphan_signal),  # no threads
                **credentials(program.account),
            )
        if program.niceness:
            _stand_back(self.pid, program.niceness)
        self._forgotten = False
        try:
            Record.of(self.pid, program.stop_signal).write(self._record)
        except OSError:  # what we cannot find again we do not leave running
            self.stop(lambda: True)
            raise

    @property
    def pid(self) -> int:
        return self._popen.pid

    def exit_code(self) -> int | None:
        """None while it runs. Once it has ended, nothing of its group is left either."""
        code = self._popen.poll()
        if code is not None:
            self._forget()
        return code

    def last_words(self) -> str:
        """The line of its log, since this start, that most likely says why it ended."""
        lines = [line.strip() for line in self._before.lines() if line.strip()]
        telling = [line for line in lines if TELLING.search(line)]
        return (telling or lines or [""])[-1]

    def stop(self, hurried: Callable[[], bool]) -> None:
        for signum, patience, cut_short in (
            (self.program.stop_signal, self.program.patience, hurried),
            (self.program.hurry_signal, 5.0, lambda: False),
        ):
            if self._popen.poll() is None:
                self._popen.send_signal(signum)
                self._wait(patience, cut_short)
        if self._popen.poll() is None:
            self._popen.kill()
            self._popen.wait()
        self._forget()

    def _wait(self, seconds: float, cut_short: Callable[[], bool]) -> None:
        deadline = time.monotonic() + seconds
        while self._popen.poll() is None and time.monotonic() < deadline and not cut_short():
            time.sleep(0.05)

    def _forget(self) -> None:
        if self._forgotten:  # the number may be somebody else's by now
            return
        self._forgotten = True
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._record.unlink(missing_ok=True)


def _stand_back(pid: int, niceness: int) -> None:
    """Behind the launcher. A program that ended already has nothing to stand back from."""
    with contextlib.suppress(ProcessLookupError):
        os.setpriority(os.PRIO_PROCESS, pid, os.getpriority(os.PRIO_PROCESS, 0) + niceness)
    if LINUX:
        # Where the kernel shares by session first, niceness counts only inside of one, and this is
        # how the session gets it. Kernels without it, and accounts that may not, go without.
        with contextlib.suppress(OSError):
            Path(f"/proc/{pid}/autogroup").write_text(str(niceness))


def _open_log(path: Path) -> int:
    """Written by the program itself, so that it never depends on us reading."""
    if path.exists() and path.stat().st_size > LARGEST_LOG:
        path.replace(path.with_name(f"{path.name}.1"))
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def die_with_launcher(signum: signal.Signals) -> Callable[[], None] | None:
    """For between fork and exec: ask the kernel to signal this process when the launcher dies."""
    if not LINUX:
        return None
    prctl = ctypes.CDLL(None).prctl  # looked up before the fork
    launcher = os.getpid()

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, int(signum), 0, 0, 0)
        if os.getppid() != launcher:  # it died before we asked
            os._exit(1)

    return ask
