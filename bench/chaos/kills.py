"""Which parts are killed, when, and how long the installation takes to be whole again."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import math
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
import redis
from celery import Celery
from kombu.exceptions import OperationalError

from bench.stack import Stack
from issmp_site.embedded.proctable import running
from issmp_site.embedded.supervisor import FAILURES, WITHIN_SECONDS

# Singly and together. The first round has every part; the rest is dealt from the whole again.
PARTS = (
    "web", "web worker", "worker", "worker process", "beat", "redis", "postgres", "backend",
)  # fmt: skip
TOGETHER = (
    ("postgres", "web"),
    ("redis", "worker"),
    ("web", "web worker", "worker", "beat"),
    ("postgres", "redis"),
    ("postgres", "redis", "web", "worker", "beat"),
)
WHOLE_WITHIN = 90.0  # seconds


@dataclass(slots=True)
class Kill:
    at: float
    """Seconds after the candidates sat down."""
    parts: tuple[str, ...]
    victims: int = 0
    """Processes that got the signal."""
    recovery: float | None = None
    """Seconds until every part worked again; None: not within WHOLE_WITHIN."""

    @property
    def name(self) -> str:
        return " + ".join(self.parts)


def plan(count: int, seconds: float, rng: random.Random) -> list[Kill]:
    """Evenly spread, each at a moment of its own; the order is dealt anew every round. No part so
    often within a minute that the launcher takes it for broken."""
    step = seconds / count
    minute = math.ceil(WITHIN_SECONDS / step) + 1  # so many kills may fall into one
    deck = _first_round(rng)
    while len(deck) < count:
        more = _round(rng)
        if all(times < FAILURES for times in _most(deck[-minute:] + more, minute).values()):
            deck += more
    return [
        Kill(step * (number + rng.uniform(0.1, 0.6)), parts)
        for number, parts in enumerate(deck[:count])
    ]


def _first_round(rng: random.Random) -> list[tuple[str, ...]]:
    """Alone first, but for one: a run too short for all still kills parts together."""
    singles, groups = [(part,) for part in PARTS], list(TOGETHER)
    rng.shuffle(singles)
    rng.shuffle(groups)
    return [*singles[:2], *groups[:1], *singles[2:], *groups[1:]]


def _round(rng: random.Random) -> list[tuple[str, ...]]:
    dealt = [*((part,) for part in PARTS), *TOGETHER]
    rng.shuffle(dealt)
    return dealt


def _most(deck: Sequence[tuple[str, ...]], window: int) -> Counter[str]:
    """How often each part comes in the window in which it comes most often."""
    most: Counter[str] = Counter()
    for start in range(len(deck)):
        most |= Counter(part for parts in deck[start : start + window] for part in parts)
    return most


class Killer:
    def __init__(self, stack: Stack, rng: random.Random, say: Callable[[str], None]) -> None:
        self._stack, self._rng, self._say = stack, rng, say

    async def carry_out(self, kills: Sequence[Kill], began: float) -> None:
        for kill in kills:
            await asyncio.sleep(max(0.0, began + kill.at - time.monotonic()))
            kill.at = time.monotonic() - began
            self._say(f"{kill.at:6.1f} s  kill -9 {kill.name}")
            before = self._leaders()
            for pid in [pid for part in kill.parts for pid in self._pids(part)]:
                with contextlib.suppress(ProcessLookupError):  # it went with another
                    os.kill(pid, signal.SIGKILL)
                    kill.victims += 1
            killed = {part: before[part] for part in kill.parts if part in before}
            kill.recovery = await asyncio.to_thread(self._recovery, killed)
            if kill.recovery is None:
                self._say(f"          not whole again within {WHOLE_WITHIN:.0f} s")
                return

    def _leaders(self) -> dict[str, int]:
        found = {}
        for part in ("web", "worker", "beat", "redis", "postgres"):
            with contextlib.suppress(OSError, ValueError):  # being replaced just now
                record = self._stack.data.run / f"{part}.json"
                found[part] = int(json.loads(record.read_text())["pid"])
        return found

    def _pids(self, part: str) -> list[int]:
        leaders = self._leaders()
        if part in leaders:
            return [leaders[part]]
        if part == "backend":
            return self._some(self._backends())
        leader = leaders.get({"web worker": "web", "worker process": "worker"}[part])
        return self._some(_children(leader)) if leader else []

    def _some(self, pids: Sequence[int]) -> list[int]:
        return [self._rng.choice(sorted(pids))] if pids else []

    def _backends(self) -> list[int]:
        try:
            with self._stack.superuser() as connection:
                rows = connection.execute(
                    "SELECT pid FROM pg_stat_activity "
                    "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
                ).fetchall()
        except psycopg.OperationalError:
            return []
        return [row[0] for row in rows]

    def _recovery(self, killed: dict[str, int]) -> float | None:
        began = time.monotonic()
        while not self._whole(killed):
            if time.monotonic() - began > WHOLE_WITHIN:
                return None
            time.sleep(0.1)
        return time.monotonic() - began

    def _whole(self, killed: dict[str, int]) -> bool:
        now = self._leaders()
        return (
            len(now) == 5
            and all(now[part] != pid for part, pid in killed.items())
            and len(_children(now["web"])) >= 2
            and len(_children(now["worker"])) >= 2
            and self._beat_runs(now["beat"])
            and self._ready()
            and self._worker_answers()
        )

    def _ready(self) -> bool:
        """Web, Postgres and Redis."""
        address = self._stack.address
        connection = http.client.HTTPConnection(address.host, address.port, timeout=5)
        try:
            connection.request("GET", "/health/ready")
            reply = connection.getresponse()
            parts = json.loads(reply.read())
        except (OSError, http.client.HTTPException, ValueError):
            return False
        finally:
            connection.close()
        return bool(reply.status == 200 and set(parts.values()) == {"ok"})

    def _worker_answers(self) -> bool:
        with Celery(broker=self._stack.variables["REDIS_URL"], set_as_current=False) as client:
            try:
                return bool(client.control.ping(timeout=1))
            except (OSError, OperationalError, redis.RedisError):
                return False

    def _beat_runs(self, pid: int) -> bool:
        try:
            return (self._stack.data.beat / "beat.pid").read_text().strip() == str(pid)
        except OSError:
            return False


def _children(parent: int) -> list[int]:
    """Without multiprocessing's helper, which does no work and is not replaced."""
    found = []
    for process in running():
        proc = Path(f"/proc/{process.pid}")
        with contextlib.suppress(OSError, IndexError):  # it ended while we looked
            its_parent = int((proc / "stat").read_bytes().rpartition(b")")[2].split()[1])
            if its_parent == parent and b"resource_tracker" not in (proc / "cmdline").read_bytes():
                found.append(process.pid)
    return found
