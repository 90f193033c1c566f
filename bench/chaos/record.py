"""What the candidates did and were told, on disk before they go on: the witness of the audit."""

from __future__ import annotations

import asyncio
import json
import os
import queue
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Line:
    kind: ClassVar[str]


@dataclass(frozen=True, slots=True)
class Chosen(Line):
    """A candidate made a choice; its browser will send it."""

    kind: ClassVar[str] = "chosen"
    attempt: str
    position: int
    op: str
    choice: int


@dataclass(frozen=True, slots=True)
class Acknowledged(Line):
    """The server said that a choice is stored."""

    kind: ClassVar[str] = "acknowledged"
    attempt: str
    op: str
    status: str


@dataclass(frozen=True, slots=True)
class Refused(Line):
    """The server said that a choice does not count, and why."""

    kind: ClassVar[str] = "refused"
    attempt: str
    op: str
    status: str
    reason: str


@dataclass(frozen=True, slots=True)
class Started(Line):
    """The server said that an attempt is under way."""

    kind: ClassVar[str] = "started"
    attempt: str


@dataclass(frozen=True, slots=True)
class Submitted(Line):
    """The server said that an attempt is over, at its candidate's word."""

    kind: ClassVar[str] = "submitted"
    attempt: str


@dataclass(frozen=True, slots=True)
class Odd(Line):
    """A reply that no outage explains."""

    kind: ClassVar[str] = "odd"
    what: str


KINDS: dict[str, type[Line]] = {
    line.kind: line for line in (Chosen, Acknowledged, Refused, Started, Submitted, Odd)
}


class Recorder:
    """Writes lines through to the disk, those that wait at the same time together."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("x", encoding="utf-8")
        self._waiting: queue.SimpleQueue[tuple[list[Line], asyncio.Future[None]] | None]
        self._waiting = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._writer = threading.Thread(target=self._write)
        self._writer.start()

    async def write(self, *lines: Line) -> None:
        """Returns when they are on the disk."""
        written = self._loop.create_future()
        self._waiting.put((list(lines), written))
        await written

    def close(self) -> None:
        self._waiting.put(None)
        self._writer.join()
        self._file.close()

    def _write(self) -> None:
        while (first := self._waiting.get()) is not None:
            batch = [first]
            while not self._waiting.empty():
                more = self._waiting.get()
                if more is None:
                    self._waiting.put(None)
                    break
                batch.append(more)
            for lines, _ in batch:
                for line in lines:
                    self._file.write(json.dumps({"kind": line.kind, **asdict(line)}) + "\n")
            self._file.flush()
            os.fsync(self._file.fileno())
            for _, written in batch:
                self._loop.call_soon_threadsafe(_done, written)


def _done(written: asyncio.Future[None]) -> None:
    if not written.done():  # its candidate may have been cancelled meanwhile
        written.set_result(None)


def read(path: Path) -> Iterator[Line]:
    with path.open(encoding="utf-8") as file:
        for text in file:
            content: dict[str, Any] = json.loads(text)
            kind = KINDS[content.pop("kind")]
            assert set(content) == {field.name for field in fields(kind)}
            yield kind(**content)
