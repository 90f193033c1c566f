"""Candidates at their browsers: they choose at their own pace, whatever the network does, while the
queue of the page delivers as the exam room's own does (sync, names for changes, back-off)."""

from __future__ import annotations

import asyncio
import random
import re
import time
import uuid
from collections import Counter, deque
from dataclasses import dataclass, field
from enum import Enum
from itertools import islice
from typing import Any

from bench.chaos.record import Acknowledged, Chosen, Odd, Recorder, Refused, Started, Submitted
from bench.population import Person
from bench.wire import Address, Broken, Link, Reply, get, post_form, post_json

PATIENCE = 10  # seconds for one reply
BACK_OFF = (1, 2, 4, 8, 15, 30)
HEARTBEAT = 20
LARGEST_BATCH = 500
OPTION = re.compile(r'<input[^>]*\bname="choice"[^>]*>')
VALUE = re.compile(r'\bvalue="(\d+)"')
UNDER_WAY = re.compile(r"^/attempts/([0-9a-f-]{36})/")
STORED = {"saved", "unchanged", "late"}


class Away(Exception):
    """No reply, or one that says: try again."""


class Ends(Enum):
    """How a candidate's attempt ends."""

    SUBMIT = "submitted"
    CLOCK = "time ran out"
    ABSENT = "left, time ran out"


@dataclass
class Room:
    """What all candidates share."""

    address: Address
    record: Recorder
    closing: asyncio.Event
    think: float
    """Seconds between two choices of one candidate, on average."""
    counts: Counter[str] = field(default_factory=Counter)

    async def odd(self, what: str) -> None:
        self.counts["odd replies"] += 1
        await self.record.write(Odd(what))


class Browser:
    """One person's requests, one at a time."""

    def __init__(self, room: Room, person: Person) -> None:
        self._room, self._person = room, person
        self._link: Link | None = None

    async def get(self, path: str) -> Reply:
        return await self._until_answered(get(self._room.address, path, self._person.cookies), path)

    async def post(self, path: str, fields: dict[str, str]) -> Reply:
        request = post_form(
            self._room.address, path, self._person.cookies, self._person.token, fields
        )
        return await self._until_answered(request, path)

    async def send(self, path: str, body: object) -> Reply:
        """One try; raises Away."""
        request = post_json(
            self._room.address, path, self._person.cookies, self._person.token, body
        )
        return await self._ask(request, path)

    async def _until_answered(self, request: bytes, path: str) -> Reply:
        for tries in range(1000):
            try:
                return await self._ask(request, path)
            except Away:
                await self.wait(tries)
        raise AssertionError("a bounded run ends before that")

    async def wait(self, tries: int) -> None:
        self._room.counts["retries"] += 1
        await asyncio.sleep(BACK_OFF[min(tries, len(BACK_OFF) - 1)])

    async def _ask(self, request: bytes, path: str) -> Reply:
        self._room.counts["requests"] += 1
        try:
            async with asyncio.timeout(PATIENCE):
                if self._link is None or not self._link.alive:
                    self._link = await Link.open(self._room.address)
                reply = await self._link.ask(request)
        except (Broken, TimeoutError) as error:
            self._room.counts[f"no reply: {_kind(error)}"] += 1
            self.leave()
            raise Away from error
        self._room.counts[f"status {reply.status}"] += 1
        if reply.status == 503 and reply.header("retry-after"):
            raise Away
        if reply.status >= 500:
            await self._room.odd(f"{reply.status} from {path}")
            raise Away
        return reply

    def leave(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None


def _kind(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "time-out"
    return "refused" if "refused" in str(error).lower() else "broken off"


@dataclass(slots=True)
class Sheet:
    options: list[int]
    choice: int | None
    revision: int


class Sitting:
    """One attempt, from its start, or from where the installation was filled, to its end."""

    def __init__(
        self, room: Room, person: Person, ends: Ends, rng: random.Random, leave_after: float
    ) -> None:
        self._room, self._person, self._ends, self._rng = room, person, ends, rng
        self._browser = Browser(room, person)
        self._leave_at = time.monotonic() + leave_after
        self._queue: deque[dict[str, Any]] = deque()
        self._news = asyncio.Event()
        self._done_choosing = False
        self._over = False

    async def start(self, exam: str) -> str | None:
        """The attempt under way; None if there is none, which is on record then."""
        reply = await self._browser.post(f"/exams/{exam}/", {"agree": "on"})
        found = UNDER_WAY.match(reply.header("location"))
        if found is None:
            await self._room.odd(
                f"{reply.status} to {reply.header('location') or 'nowhere'} for a start"
            )
            return None
        await self._room.record.write(Started(found.group(1)))
        self._room.counts["started"] += 1
        return found.group(1)

    async def sit(self, attempt: str) -> None:
        self._attempt, self._base = attempt, f"/attempts/{attempt}/"
        reply = await self._browser.get(f"{self._base}form/")
        if reply.status != 200:  # its time was over before its page could be had
            self._room.counts["came too late for a page"] += 1
            return
        form = reply.json()
        self._deadline = form["deadline"]
        self._sheets = {
            item["position"]: Sheet(_options(item["sheet"]), item["choice"], item["revision"])
            for item in form["items"]
        }
        async with asyncio.TaskGroup() as both:
            both.create_task(self._choose())
            both.create_task(self._deliver())
        if not self._over and self._ends is not Ends.ABSENT:
            await self._end()
        self._browser.leave()
        self._room.counts[self._ends.value] += 1

    async def _choose(self) -> None:
        while not self._over and not self._time_to_end():
            await asyncio.sleep(min(self._rng.expovariate(1 / self._room.think), 10))
            at = _now()  # not when it is on record, which may be past the deadline
            if at >= self._deadline:
                break
            position = self._rng.randint(1, len(self._sheets))
            sheet = self._sheets[position]
            sheet.choice = self._rng.choice([pk for pk in sheet.options if pk != sheet.choice])
            name = str(uuid.UUID(int=self._rng.getrandbits(128), version=4))
            await self._room.record.write(Chosen(self._attempt, position, name, sheet.choice))
            self._queue.append(
                {
                    "id": name,
                    "kind": "answer",
                    "position": position,
                    "choice": sheet.choice,
                    "revision": sheet.revision,
                    "at": at,
                }
            )
            sheet.revision += 1
            if self._rng.random() < 0.1:
                self._also("flag", position, on=self._rng.random() < 0.7)
            if self._rng.random() < 0.5:
                self._also("seen", position, visible_ms=self._rng.randint(500, 5000))
            self._room.counts["choices"] += 1
            self._news.set()
        self._done_choosing = True
        self._news.set()

    def _also(self, kind: str, position: int, **more: object) -> None:
        name = str(uuid.UUID(int=self._rng.getrandbits(128), version=4))
        self._queue.append({"id": name, "kind": kind, "position": position, **more})

    def _time_to_end(self) -> bool:
        stays = self._ends is Ends.CLOCK
        return self._room.closing.is_set() or (not stays and time.monotonic() >= self._leave_at)

    async def _deliver(self) -> None:
        tries = 0
        while not (self._done_choosing and not self._queue):
            if not self._queue:
                self._news.clear()
                try:
                    async with asyncio.timeout(HEARTBEAT):
                        await self._news.wait()
                except TimeoutError:
                    pass
                else:
                    continue
            batch = list(self._queue)[:LARGEST_BATCH]
            # As the page does: nothing chosen from now on is vouched for by this contact.
            beyond = [op["at"] for op in islice(self._queue, LARGEST_BATCH, None) if "at" in op]
            body = {
                "person": self._person.name,
                "pending_since": min([*beyond, _now()]),
                "ops": batch,
            }
            try:
                reply = await self._browser.send(f"{self._base}sync/", body)
            except Away:
                await self._browser.wait(tries)
                tries += 1
                continue
            tries = 0
            if reply.status != 200:
                await self._room.odd(f"{reply.status} for a delivery: {reply.text()[:200]}")
                self._over = True
                return
            await self._heard(batch, reply.json())

    async def _heard(self, batch: list[dict[str, Any]], said: dict[str, Any]) -> None:
        """On record first; then the browser forgets what it held."""
        answers = {op["id"] for op in batch if op["kind"] == "answer"}
        for told in said["replies"]:
            status = told["status"]
            if told["id"] not in answers:
                if status not in {"ok", "over"}:
                    await self._room.odd(f"{status} for no answer: {told}")
            elif status in STORED:
                await self._room.record.write(Acknowledged(self._attempt, told["id"], status))
                self._room.counts["acknowledged"] += 1
                self._room.counts["acknowledged late"] += status == "late"
            else:
                reason = told.get("reason", "")
                await self._room.record.write(Refused(self._attempt, told["id"], status, reason))
                self._room.counts[f"answers {status}"] += 1
        silent = {op["id"] for op in batch} - {told["id"] for told in said["replies"]}
        if silent:
            await self._room.odd(f"no word about {len(silent)} of {len(batch)} changes")
        for _ in batch:
            self._queue.popleft()
        if said["state"] != "in_progress":
            self._over = True

    async def _end(self) -> None:
        if self._ends is Ends.CLOCK and not self._room.closing.is_set():
            return  # the page sends its last answers and looks at the clock
        reply = await self._browser.post(f"{self._base}submit/", {})
        if reply.status == 302 and reply.header("location").startswith(self._base):
            await self._room.record.write(Submitted(self._attempt))
            self._room.counts["submits"] += 1
        else:
            await self._room.odd(
                f"{reply.status} to {reply.header('location') or 'nowhere'} for a submit"
            )


def _options(sheet: str) -> list[int]:
    found = [VALUE.search(tag) for tag in OPTION.findall(sheet)]
    options = [int(value.group(1)) for value in found if value]
    assert len(options) == 4, sheet
    return options


def _now() -> int:
    return int(time.time() * 1000)
