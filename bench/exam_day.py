"""Ten thousand people in a timed exam: phases of open-loop load, and the audit afterwards.

Open loop: requests are sent when people would send them, whether or not earlier ones have been
answered, and a latency counts from the moment it was meant to be sent. `bench.crowd` is the
program; this part needs Django to be set up.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import sys
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import exp, inf
from typing import Final

import psycopg
from django.utils import timezone

from attempts import shelf
from bench import room
from bench.figures import Figures, latency
from bench.population import Form, Person, Seat, Sheet, make_people, open_attempts, settle
from bench.room import Ask
from bench.stack import PARTS, Meter, Stack
from bench.steps import read_start_fields
from bench.wire import Address, Broken, Links, Reply, get

SECONDS_AN_ANSWER: Final = 86.0
HEARTBEAT_AFTER: Final = 120.0  # seconds without contact; static/js/room/queue.js
LINKS: Final = 64  # opened beforehand, so that both web processes have their share
TARGET_P99: Final = 250.0  # milliseconds
SCORED_WITHIN: Final = 120.0  # seconds
BY_THE_CLOCK: Final = 0.1  # of those who end in the last phase, how many let the time run out

# What a person's browser sends besides one answer, for each answer; a page and the form are asked
# for by whoever reloads or comes back.
PER_ANSWER: Final = {"flag": 0.12, "marks": 0.05, "view": 0.03, "form": 0.03}


def mix() -> dict[str, float]:
    """kind -> how many for each answer. Heartbeats fill the silences of a Poisson process. Moving
    is the browser's own work; which question was left and which is before the person travels with
    the next answer or heartbeat (PATIENCE in static/js/room/queue.js)."""
    sent = {"save": 1.0, **PER_ANSWER}
    told = sum(sent.values())
    silent = exp(-HEARTBEAT_AFTER * told / SECONDS_AN_ANSWER)
    return sent | {"heartbeat": told * silent / (1 - silent)}


@dataclass(slots=True)
class Log:
    """What happened in one phase."""

    latencies: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    lags: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    skipped: int = 0

    def figures(self, seconds: float) -> Figures:
        return {
            "seconds": round(seconds, 1),
            "requests": {
                kind: latency(self.latencies[kind]) | {"rate": _rate(self.latencies[kind], seconds)}
                for kind in sorted(self.latencies)
            },
            "errors": dict(self.errors.most_common(20)),
            "skipped": self.skipped,
            "send_lag": latency(self.lags),
        }


def _rate(entries: Sequence[float], seconds: float) -> float:
    return round(len(entries) / seconds, 2) if seconds else 0.0


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The server said that this answer is saved."""

    public_id: uuid.UUID
    position: int
    op: uuid.UUID
    choice: int
    revision: int


class Crowd:
    """Sends what people would send, and notes what came back."""

    def __init__(self, address: Address, rng: random.Random, pace: float) -> None:
        self.address = address
        self.rng = rng
        self.pace = pace
        self.links = Links(address)
        self.log = Log()
        self.acknowledged: list[Acknowledged] = []
        self.under_way: set[asyncio.Task[None]] = set()
        self._of: defaultdict[uuid.UUID, set[asyncio.Task[None]]] = defaultdict(set)
        self._busy: set[uuid.UUID] = set()

    async def send(self, kind: str, ask: Ask, meant: float) -> Reply | None:
        """None when it failed. meant: when it should have been sent, by the monotonic clock."""
        self.log.lags.append(time.monotonic() - meant)
        try:
            reply = await self.links.ask(ask.request)
        except Broken as broken:
            self.log.errors[f"{kind}: {broken}"] += 1
            return None
        self.log.latencies[kind].append(time.monotonic() - meant)
        if not ask.done(reply):
            self.log.errors[f"{kind}: {reply.words()}"] += 1
            return None
        return reply

    def spawn(self, work: Awaitable[object]) -> asyncio.Task[None]:
        async def run() -> None:
            await work

        task = asyncio.create_task(run())
        self.under_way.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self.under_way.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.log.errors[f"this program: {error!r}"] += 1

    async def drain(self) -> None:
        while self.under_way:
            await asyncio.wait(set(self.under_way))

    async def all_told(self, seat: Seat) -> None:
        """As the browser does before it ends an exam: send what is left, wait for the replies."""
        if seat.untold:
            self.act("heartbeat", seat, time.monotonic())
        while waiting := self._of.get(seat.public_id):
            await asyncio.wait(set(waiting))

    # --- One thing a person does ---

    def act(self, kind: str, seat: Seat, meant: float) -> None:
        if kind == "save" and seat.public_id in self._busy:
            self.log.skipped += 1  # the browser sends a person's answers one after another
            return
        if kind == "save":
            self._busy.add(seat.public_id)
            task = self.spawn(self._save(seat, meant))
        else:
            task = self.spawn(self.send(kind, self._ask(kind, seat), meant))
        tasks = self._of[seat.public_id]
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    def _ask(self, kind: str, seat: Seat) -> Ask:
        position = self.rng.randint(1, len(seat.form))
        match kind:
            case "flag":
                return room.flag(self.address, seat, position, self.rng.random() < 0.7)
            case "marks":
                return room.marks(self.address, seat, position)
            case "view":
                return room.view(self.address, seat, position)
            case "form":
                return room.form(self.address, seat)
            case _:
                along, seat.untold = seat.untold, []
                return room.heartbeat(self.address, seat, along)

    async def _save(self, seat: Seat, meant: float) -> None:
        position = min(seat.answered + len(seat.changed) + 1, len(seat.form))
        op = room.answer_op(seat, position, self.rng.randint(1, 3))
        along, seat.untold = seat.untold, []
        try:
            reply = await self.send("save", room.answer(self.address, seat, op, along), meant)
        finally:
            self._busy.discard(seat.public_id)
        if reply is not None:
            seat.untold = room.shown_ops(seat, position, self.rng.randint(5_000, 120_000))
            choice, revision = seat.changed[position]
            self.acknowledged.append(
                Acknowledged(seat.public_id, position, uuid.UUID(op["id"]), choice, revision)
            )


# --- Phases ---------------------------------------------------------------------------------


_LOOK_AGAIN: Final = 0.25  # seconds


async def poisson(
    rng: random.Random, seconds: float, rate: Callable[[], float], act: Callable[[float], None]
) -> None:
    """Call `act` with the moment it is meant for, so many times a second on average. The rate may
    change while nothing happens: such a process has no memory, so what is far off is drawn anew."""
    began = meant = time.monotonic()
    while True:
        per_second = rate()
        gap = rng.expovariate(per_second) if per_second > 0 else inf
        meant += min(gap, _LOOK_AGAIN)
        if meant > began + seconds:
            break
        wait = meant - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        if gap <= _LOOK_AGAIN:
            act(meant)
    await asyncio.sleep(max(0.0, began + seconds - time.monotonic()))


async def spread(
    rng: random.Random, seconds: float, count: int, act: Callable[[float], None]
) -> None:
    """Call `act` so many times, at random moments: a Poisson process whose total is known."""
    began = time.monotonic()
    for moment in sorted(rng.uniform(0, seconds) for _ in range(count)):
        await asyncio.sleep(max(0.0, began + moment - time.monotonic()))
        act(began + moment)


async def sit(crowd: Crowd, active: list[Seat], seconds: float, times: float = 1.0) -> None:
    """The steady state of whoever is active at the moment; `times` faster than is their pace."""
    kinds = mix()
    names, weights = list(kinds), list(kinds.values())
    each = times * crowd.pace * sum(weights) / SECONDS_AN_ANSWER

    def act(meant: float) -> None:
        if active:
            kind = crowd.rng.choices(names, weights)[0]
            crowd.act(kind, crowd.rng.choice(active), meant)

    await poisson(crowd.rng, seconds, lambda: each * len(active), act)


async def steady(crowd: Crowd, seats: Sequence[Seat], seconds: float) -> None:
    await sit(crowd, list(seats), seconds)


async def start_surge(
    crowd: Crowd, people: Sequence[Person], fields: dict[str, str], seconds: float
) -> list[Seat]:
    """Everybody reads the rules, starts within the phase, and then answers like anybody else."""
    active: list[Seat] = []
    waiting = list(people)

    def act(meant: float) -> None:
        crowd.spawn(_begin(crowd, waiting.pop(), fields, meant, active))

    await asyncio.gather(spread(crowd.rng, seconds, len(people), act), sit(crowd, active, seconds))
    return active


CHOICE: Final = re.compile(r'name=\\?"choice\\?"[^>]*?value=\\?"(\d+)')


async def _begin(
    crowd: Crowd, person: Person, fields: dict[str, str], meant: float, active: list[Seat]
) -> None:
    address = crowd.address
    if await crowd.send("rules", room.rules(address, person), meant) is None:
        return
    begun: list[uuid.UUID] = []
    pressed = time.monotonic()
    if (
        await crowd.send("start", room.start(address, person, fields, begun.append), pressed)
        is None
    ):
        return
    seat = Seat(person=person, attempt=0, public_id=begun[0], form=(), answered=0)
    await crowd.send("view", room.view(address, seat, 1), time.monotonic())
    reply = await crowd.send("form", room.form(address, seat), time.monotonic())
    crowd.log.latencies["press to form"].append(time.monotonic() - pressed)
    if reply is not None:
        seat.form = sheets(reply)
        active.append(seat)


def sheets(reply: Reply) -> Form:
    """What a browser needs of the form: the options of each question."""
    told = reply.json()["items"]
    return [
        Sheet(0, 0, tuple(int(value) for value in CHOICE.findall(item["sheet"] or "")))
        for item in sorted(told, key=lambda item: item["position"])
    ]


async def submit_surge(crowd: Crowd, seats: Sequence[Seat], seconds: float) -> list[Seat]:
    """Everybody ends within the phase and goes to their report: most by submitting, some because
    their time runs out while nobody looks. Until then they answer. Returns who ended: all."""
    order = crowd.rng.sample(list(seats), len(seats))
    by_clock = order[: round(len(order) * BY_THE_CLOCK)]
    active, waiting = list(seats), order[len(by_clock) :]
    places = {seat.public_id: number for number, seat in enumerate(active)}

    def leave(seat: Seat) -> None:
        number = places.pop(seat.public_id)
        last = active.pop()
        if last is not seat:
            active[number] = last
            places[last.public_id] = number

    def act(meant: float) -> None:
        seat = waiting.pop()
        leave(seat)
        crowd.spawn(_end(crowd, seat, meant))

    async def run_out() -> None:
        began = time.monotonic()
        for seat, after in await asyncio.to_thread(_set_deadlines, by_clock, seconds, crowd.rng):
            # The person is gone a little before: what they send at the last second is another test.
            await asyncio.sleep(max(0.0, began + after - 5 - time.monotonic()))
            leave(seat)
            seat.untold = []

    await asyncio.gather(
        spread(crowd.rng, seconds, len(waiting), act), sit(crowd, active, seconds), run_out()
    )
    return list(seats)


def _set_deadlines(
    seats: Sequence[Seat], seconds: float, rng: random.Random
) -> list[tuple[Seat, float]]:
    from attempts.models import Attempt

    now = timezone.now()
    after = sorted(rng.uniform(min(10.0, seconds / 2), seconds) for _ in seats)
    for seat, moment in zip(seats, after, strict=True):
        Attempt.objects.filter(pk=seat.attempt).update(deadline=now + timedelta(seconds=moment))
    return list(zip(seats, after, strict=True))


async def _end(crowd: Crowd, seat: Seat, meant: float) -> None:
    """Submit, then what the browser does: the report's page, and looks while it waits for its
    score."""
    await crowd.all_told(seat)
    reply = await crowd.send("submit", room.submit(crowd.address, seat), meant)
    if reply is None:
        return
    ended = time.monotonic()
    path, status = reply.header("location"), seat.path("report/status/")
    while time.monotonic() < ended + SCORED_WITHIN:
        page = await crowd.send("report", _any(crowd.address, seat, path), time.monotonic())
        if page is None:
            return
        if page.status == 302:
            path = page.header("location")
        elif status not in page.text():
            crowd.log.latencies["submit to report"].append(time.monotonic() - ended)
            return
        else:
            await _look(crowd, seat, page, ended + SCORED_WITHIN)
    crowd.log.errors["report: not there in time"] += 1


LOOK: Final = re.compile(r'hx-get="([^"]+)" hx-trigger="every (\d+)s"')


async def _look(crowd: Crowd, seat: Seat, page: Reply, until: float) -> None:
    """What the waiting page does: it looks as often as it is told to, until it is to load anew."""
    while time.monotonic() < until:
        found = LOOK.search(page.text())
        if found is None:
            return
        await asyncio.sleep(int(found[2]))
        path, headers = found[1].replace("&amp;", "&"), {"HX-Request": "true"}
        request = get(crowd.address, path, seat.person.cookies, **headers)
        told = await crowd.send("look", Ask(request, _is_there), time.monotonic())
        if told is None or told.header("hx-refresh"):
            return
        page = told


def _is_there(reply: Reply) -> bool:
    return reply.status == 200


def _any(address: Address, seat: Seat, path: str) -> Ask:
    return Ask(get(address, path, seat.person.cookies), lambda reply: reply.status in (200, 302))


# --- The audit ------------------------------------------------------------------------------


def audit(
    admin: psycopg.Connection, acknowledged: Sequence[Acknowledged], ended: Sequence[Seat]
) -> Figures:
    """What the server promised, held against what is stored."""
    _await_scores(admin, ended)
    newest: dict[tuple[uuid.UUID, int], Acknowledged] = {}
    for one in acknowledged:
        key = (one.public_id, one.position)
        if key not in newest or newest[key].revision < one.revision:
            newest[key] = one
    with admin.transaction():
        admin.execute(
            "CREATE TEMP TABLE bench_ack (public_id uuid, position int, op uuid, choice bigint, "
            "revision int, newest bool) ON COMMIT DROP"
        )
        with admin.cursor().copy("COPY bench_ack FROM STDIN") as copy:
            for one in acknowledged:
                key = (one.public_id, one.position)
                copy.write_row(
                    (
                        one.public_id,
                        one.position,
                        one.op,
                        one.choice,
                        one.revision,
                        newest[key] is one,
                    )
                )
        lost = _count(admin, LOST)
        overwritten = _count(admin, OVERWRITTEN)
        delays = [
            row[0]
            for row in admin.execute(
                "SELECT extract(epoch FROM scored_at - closed_at)::float FROM attempts_attempt "
                "WHERE public_id = ANY(%s) AND state = 'scored'",
                [[seat.public_id for seat in ended]],
            )
        ]
    return {
        "acknowledged": len(acknowledged),
        "not_in_the_log": lost,
        "not_the_stored_choice": overwritten,
        "ended": len(ended),
        "not_scored": len(ended) - len(delays),
        "end_to_score_seconds": {
            key: None if value is None else round(value / 1000, 2)
            for key, value in latency(delays).items()
            if key != "count"
        },
    }


LOST = """
SELECT count(*) FROM bench_ack ack WHERE NOT EXISTS (
    SELECT FROM attempts_answerevent event
    JOIN attempts_attemptitem item ON item.id = event.item_id
    JOIN attempts_attempt attempt ON attempt.id = item.attempt_id
    WHERE attempt.public_id = ack.public_id AND item.position = ack.position
    AND event.op = ack.op AND event.choice_id = ack.choice AND event.revision = ack.revision)
"""
OVERWRITTEN = """
SELECT count(*) FROM bench_ack ack
JOIN attempts_attempt attempt ON attempt.public_id = ack.public_id
JOIN attempts_attemptitem item ON item.attempt_id = attempt.id AND item.position = ack.position
WHERE ack.newest AND (item.choice_id, item.revision) IS DISTINCT FROM (ack.choice, ack.revision)
"""


def _count(admin: psycopg.Connection, query: str) -> int:
    row = admin.execute(query).fetchone()
    assert row is not None
    number: int = row[0]
    return number


def _await_scores(admin: psycopg.Connection, ended: Sequence[Seat]) -> None:
    deadline = time.monotonic() + SCORED_WITHIN + 30
    names = [seat.public_id for seat in ended]
    while time.monotonic() < deadline:
        row = admin.execute(
            "SELECT count(*) FROM attempts_attempt WHERE public_id = ANY(%s) AND state <> 'scored'",
            [names],
        ).fetchone()
        if row == (0,):
            return
        time.sleep(0.5)


# --- All of it ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Plan:
    people: int
    minutes: float
    seed: int
    phases: Sequence[str]
    pace: float
    """How many times faster than people the people are: for a run with few of them."""


PHASES: Final = ("steady", "start", "submit")
MOST_STEPS: Final = 24  # of the ramp: the last is 66 times the first


def meter_of(stack: Stack) -> Meter:
    return Meter({part: stack.pid(part) for part in PARTS})


def seat_people(
    stack: Stack, plan: Plan, forms: Sequence[Form], rng: random.Random
) -> tuple[list[Seat], list[Person], datetime]:
    """Those in the middle of an exam, and those about to start."""
    label = f"crowd{random.SystemRandom().getrandbits(40):x}-"
    now = timezone.now()
    longest = 3 * plan.minutes * 60 + 3600
    with stack.superuser() as admin:
        seats = open_attempts(
            admin,
            make_people(plan.people, label),
            forms,
            now=now,
            rng=rng,
            left=(longest, longest + 7200),
            answered=(0.05, 0.8),
        )
        fresh = make_people(plan.people if "start" in plan.phases else 1, f"{label}start-")
        settle(admin)
    if "start" in plan.phases:
        shelf.restock(timezone.now(), seconds=6 * plan.minutes)  # as beat does it
    return seats, fresh, now


async def hold(stack: Stack, plan: Plan, forms: Sequence[Form]) -> Figures:
    """The phases one after the other, each with its audit."""
    rng = random.Random(plan.seed)
    seats, fresh, _ = await asyncio.to_thread(seat_people, stack, plan, forms, rng)
    crowd = Crowd(stack.address, rng, plan.pace)
    fields = await read_start_fields(stack.address, fresh[0])
    await crowd.links.warm(LINKS)
    for seat in seats[:LINKS]:  # every process has done everything once
        await crowd.links.ask(room.view(stack.address, seat, 1).request)
        await crowd.links.ask(room.heartbeat(stack.address, seat).request)
    seconds = plan.minutes * 60
    told: Figures = {"phases": {}}
    for name in plan.phases:
        print(f"{name}: {seconds:.0f} s ...", file=sys.stderr, flush=True)
        crowd.log, crowd.acknowledged = Log(), []
        ended: list[Seat] = []
        meter = meter_of(stack)
        began = time.monotonic()
        if name == "steady":
            await steady(crowd, seats, seconds)
        elif name == "start":
            await start_surge(crowd, fresh, fields, seconds)
        else:
            ended = await submit_surge(crowd, seats, seconds)
        used = meter.stop()
        lasted = time.monotonic() - began
        await crowd.drain()
        with stack.superuser() as admin:
            checked = await asyncio.to_thread(audit, admin, crowd.acknowledged, ended)
        told["phases"][name] = crowd.log.figures(lasted) | {"cores": used.cores, "audit": checked}
        # At once: half an hour's figures should outlive whatever stops the next phase.
        print(json.dumps({name: told["phases"][name]}), file=sys.stderr, flush=True)
    crowd.links.close()
    return told | {"links_opened": crowd.links.opened}


async def ramp(stack: Stack, plan: Plan, forms: Sequence[Form], step: float) -> Figures:
    """Raise the rate of the steady state until it breaks; what the last good step was."""
    rng = random.Random(plan.seed)
    seats, _, _ = await asyncio.to_thread(seat_people, stack, plan, forms, rng)
    crowd = Crowd(stack.address, rng, plan.pace)
    await crowd.links.warm(LINKS)
    await sit(crowd, seats, min(5.0, step))
    steps: list[Figures] = []
    times = 0.5
    while True:
        people = round(times * crowd.pace * len(seats))
        print(f"{people:,} people ...", file=sys.stderr, flush=True)
        crowd.log = Log()
        meter = meter_of(stack)
        began = time.monotonic()
        await sit(crowd, seats, step, times)
        used = meter.stop()
        lasted = time.monotonic() - began
        await crowd.drain()
        figures = crowd.log.figures(lasted)
        save = figures["requests"].get("save", latency([]))
        steps.append(
            {
                "times": round(times, 2),
                "people": people,
                "saves_a_second": save.get("rate"),
                "requests_a_second": round(
                    sum(kind["rate"] for kind in figures["requests"].values()), 1
                ),
                "save": save,
                "errors": sum(crowd.log.errors.values()),
                "first_errors": figures["errors"],
                "send_lag": figures["send_lag"],
                "cores": used.cores,
            }
        )
        p99 = save["p99"]
        broke = (p99 or 0.0) > TARGET_P99 or bool(crowd.log.errors)
        if broke or len(steps) >= MOST_STEPS:
            break
        times *= 1.2
    crowd.links.close()
    good = [one for one in steps if (one["save"]["p99"] or 1e9) <= TARGET_P99 and not one["errors"]]
    return {
        "steps": steps,
        "ceiling": good[-1] if good else None,
        "broke_at": steps[-1] if broke else None,
    }
