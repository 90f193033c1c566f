"""Keeps the programs running: starts them, waits until they answer, restarts what dies, and stops
everything in the reverse order."""

from __future__ import annotations

import signal
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from issmp_site.embedded.console import Problem, say
from issmp_site.embedded.processes import Process, Program, Tail

TICK = 0.2
FAILURES, WITHIN_SECONDS = 5, 60.0
FIRST_DELAY = 0.5


class Interrupted(Exception):
    """The person asked to stop while something was still being set up."""


class Interrupts:
    """Ctrl-C and the like, noted and acted upon where it is safe. A second one hurries."""

    def __init__(self) -> None:
        self._first: float | None = None
        self.received: int | None = None
        self.hurried = False
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signum == signal.SIGHUP and signal.getsignal(signum) == signal.SIG_IGN:
                continue  # nohup
            signal.signal(signum, self._note)

    def _note(self, signum: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._first is None:
            self._first, self.received = now, signum
        elif now - self._first > 0.5:  # a closing terminal may send two at once
            self.hurried = True

    @property
    def wanted(self) -> bool:
        return self._first is not None


@dataclass
class Service:
    program: Program
    process: Process | None
    failures: deque[float] = field(default_factory=deque)
    restart_at: float = 0.0


class Supervisor:
    def __init__(self, records: Path, interrupts: Interrupts) -> None:
        self._records = records
        self._interrupts = interrupts
        self._services: list[Service] = []

    def run(self, program: Program, show: bool = False) -> None:
        """Run a program to its end; `show` passes on what it writes."""
        tail = Tail(program.log)
        process = Process(program, self._records)
        try:
            while (code := process.exit_code()) is None:
                self._pause()
                if show:
                    _show(tail)
        finally:
            process.stop(lambda: True)
        if show:
            _show(tail)
        if code != 0:
            raise _failed(process, "did not succeed")

    def start(self, program: Program) -> None:
        self._services.append(Service(program, Process(program, self._records)))

    def wait(self, name: str, answers: Callable[[], bool], seconds: float = 120) -> None:
        """Wait until a program does its work. Dying before that is final, unlike later. The
        limit is for what hangs, and generous: a busy machine is no failure."""
        process = self._started(name)
        deadline = time.monotonic() + seconds
        while not answers():
            self._pause()
            if process.exit_code() is not None:
                raise _failed(process, "stopped while starting")
            if time.monotonic() > deadline:
                raise _failed(process, f"did not answer within {seconds:.0f} seconds")

    def pid(self, name: str) -> int:
        return self._started(name).pid

    def _started(self, name: str) -> Process:
        service = next(s for s in self._services if s.program.name == name)
        assert service.process is not None  # nothing is restarted before `watch`
        return service.process

    def _pause(self) -> None:
        time.sleep(TICK / 2)
        if self._interrupts.wanted:
            raise Interrupted

    def watch(self, every_tick: Callable[[], None]) -> None:
        """Until an interrupt: restart what dies, give up on what keeps dying."""
        while not self._interrupts.wanted:
            for service in self._services:
                self._tend(service)
            every_tick()
            time.sleep(TICK)

    def _tend(self, service: Service) -> None:
        now = time.monotonic()
        name = service.program.name
        if service.process is None:
            if now >= service.restart_at:
                service.process = Process(service.program, self._records)
            return
        code = service.process.exit_code()
        if code is None:
            return
        service.process = None
        service.failures.append(now)
        while service.failures[0] < now - WITHIN_SECONDS:
            service.failures.popleft()
        count = len(service.failures)
        if count >= FAILURES:
            raise Problem(
                f"{name} stopped {count} times within a minute, so everything was shut down: "
                f"its log is {service.program.log}."
            )
        delay = FIRST_DELAY * 2 ** (count - 1)
        service.restart_at = now + delay
        say(f"{name} stopped unexpectedly ({_ending(code)}); starting it again in {delay:.1f} s.")

    def stop(self) -> None:
        """The last started goes first: nobody loses a server they still need."""
        for service in reversed(self._services):
            if service.process is not None:
                service.process.stop(lambda: self._interrupts.hurried)
        self._services.clear()


def _show(tail: Tail) -> None:
    for line in tail.lines():
        say(f"  {line}")


def _failed(process: Process, what: str) -> Problem:
    words = process.last_words()
    said = f": {words}" if words else ""
    return Problem(f"{process.program.name} {what}{said} (its log is {process.program.log}).")


def _ending(code: int) -> str:
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name
