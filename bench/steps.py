"""The steps of an exam, each measured with one client and with many, and two floors beside them.

`bench.requests` is the program; this part needs Django to be set up.
"""

from __future__ import annotations

import asyncio
import random
import re
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import psycopg
from django.utils import timezone

from attempts import shelf
from attempts.assembly import Reserve
from bench import room
from bench.figures import Figures, flat, latency, ratio, table
from bench.population import (
    Form,
    Person,
    Seat,
    make_floor,
    make_people,
    open_attempts,
    settle,
)
from bench.room import Ask
from bench.stack import PARTS, Meter, Stack
from bench.statements import Asked, asked
from bench.wire import Address, Broken, Link, get, post_json

WEB_THREADS = 4  # two processes of two: as many pgbench clients, so that the floors compare
WARM_UP = 0.1  # of each measurement's time, before it counts
MOST_STARTS = 1_200  # a start uses a person up
SCORED_WITHIN = 120.0  # seconds; what takes longer counts as an error


# --- The loop -------------------------------------------------------------------------------

Next = Callable[[], "Turn | None"]


@dataclass(slots=True)
class Turn:
    """One turn of a client: a request, and what follows before the client asks again."""

    ask: Ask
    back: Callable[[], None] = lambda: None
    then: Callable[[], Awaitable[bool]] | None = None
    """Whether that came, too."""


@dataclass(slots=True)
class Run:
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def figures(self) -> Figures:
        return latency(self.latencies) | {
            "rate": round(len(self.latencies) / self.seconds, 1) if self.seconds else None,
            "errors": len(self.errors),
            "first_error": self.errors[0] if self.errors else None,
        }


async def closed_loop(address: Address, next_turn: Next, clients: int, seconds: float) -> Run:
    run = Run()
    end = time.perf_counter() + seconds

    async def client() -> None:
        link = await Link.open(address)
        while time.perf_counter() < end and (turn := next_turn()) is not None:
            began = time.perf_counter()
            try:
                reply = await link.ask(turn.ask.request)
            except Broken as broken:
                run.errors.append(str(broken))
                link = await Link.open(address)
                continue
            taken = time.perf_counter() - began
            if turn.ask.done(reply):
                run.latencies.append(taken)
                run.sizes.append(reply.size)
                if turn.then is not None and not await turn.then():
                    run.errors.append("what was to follow did not come")
            else:
                run.errors.append(reply.words())
            turn.back()
        link.close()

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    run.seconds = time.perf_counter() - began
    return run


# --- The cases ------------------------------------------------------------------------------


@dataclass(slots=True)
class Stage:
    """Everybody a run needs. Seats are taken from the front and put back at the end, so that no
    two clients ever act for one person."""

    address: Address
    bare: Address
    seats: deque[Seat]
    fresh: deque[Person]
    fields: dict[str, str]
    rng: random.Random
    scored: ScoreWatch

    def seat_turn(self, make: Callable[[Seat], Ask]) -> Turn | None:
        if not self.seats:
            return None
        seat = self.seats.popleft()
        return Turn(make(seat), back=lambda: self.seats.append(seat))

    def position(self, seat: Seat) -> int:
        return self.rng.randint(1, len(seat.form))

    def save(self) -> Turn | None:
        return self.seat_turn(lambda s: room.save(self.address, s, self.position(s)))

    def view(self) -> Turn | None:
        return self.seat_turn(lambda s: room.view(self.address, s, self.position(s)))

    def form(self) -> Turn | None:
        return self.seat_turn(lambda s: room.form(self.address, s))

    def heartbeat(self) -> Turn | None:
        return self.seat_turn(lambda s: room.heartbeat(self.address, s))

    def start(self) -> Turn | None:
        if not self.fresh:
            return None
        return Turn(room.start(self.address, self.fresh.popleft(), self.fields))

    def drawn_start(self) -> Turn | None:
        """Whoever chose to give the unseen full form up gets one drawn at once, and it is the
        dearest there is: from the whole bank."""
        if not self.fresh:
            return None
        fields = self.fields | {"reserve": Reserve.BREAK.value}
        return Turn(room.start(self.address, self.fresh.popleft(), fields))

    def submit(self) -> Turn | None:
        if not self.seats:
            return None
        seat = self.seats.popleft()
        return Turn(
            room.submit(self.address, seat),
            then=lambda: self.scored.wait(seat, time.perf_counter()),
        )

    def report(self) -> Turn | None:
        done = self.scored.seats
        if not done:
            return None
        seat = done.popleft()
        return Turn(room.report(self.address, seat), back=lambda: done.append(seat))

    def plain(self) -> Turn | None:
        return self.seat_turn(lambda s: bare_save(self.bare, s, self.position(s)))


def bare_save(address: Address, seat: Seat, position: int) -> Ask:
    person = seat.person
    body = {"position": position, "choice": seat.form[position - 1].choices[0]}
    request = post_json(address, "/save/", person.floor_cookies, person.token, body)
    return Ask(request, lambda reply: reply.status == 200)


class ScoreWatch:
    """Sees when a submitted attempt has its score, by looking at the database every few
    milliseconds: from the reply to the submit to a score that a report could show."""

    EVERY = 0.01

    def __init__(self, stack: Stack) -> None:
        self._url = stack.variables["DATABASE_URL"]
        self._waiting: dict[int, tuple[asyncio.Event, Seat]] = {}
        self.delays: list[float] = []
        self.seats: deque[Seat] = deque()

    async def wait(self, seat: Seat, since: float) -> bool:
        """Whether the score came."""
        arrived = asyncio.Event()
        self._waiting[seat.attempt] = (arrived, seat)
        try:
            async with asyncio.timeout(SCORED_WITHIN):
                await arrived.wait()
        except TimeoutError:
            self._waiting.pop(seat.attempt, None)
            return False
        self.delays.append(time.perf_counter() - since)
        return True

    async def look(self) -> None:
        connection = await psycopg.AsyncConnection.connect(self._url, autocommit=True)
        async with connection:
            while True:
                await asyncio.sleep(self.EVERY)
                if not self._waiting:
                    continue
                rows = await connection.execute(
                    "SELECT id FROM attempts_attempt WHERE id = ANY(%s) AND state = 'scored'",
                    [list(self._waiting)],
                )
                for (pk,) in await rows.fetchall():
                    arrived, seat = self._waiting.pop(pk)
                    self.seats.append(seat)
                    arrived.set()


CASES: dict[str, Callable[[Stage], Next]] = {
    "bare view": lambda stage: stage.plain,
    "save": lambda stage: stage.save,
    "heartbeat": lambda stage: stage.heartbeat,
    "view": lambda stage: stage.view,
    "form": lambda stage: stage.form,
    "start": lambda stage: stage.start,
    "drawn start": lambda stage: stage.drawn_start,
    "submit": lambda stage: stage.submit,
    "report": lambda stage: stage.report,
}


async def measure_all(stage: Stage, stack: Stack, bare_pid: int, plan: Plan) -> Figures:
    watch = asyncio.create_task(stage.scored.look())
    measured: Figures = {}
    try:
        for name, case in CASES.items():
            address = stage.bare if name == "bare view" else stage.address
            web = bare_pid if name == "bare view" else stack.pid("web")
            meter = Meter({part: stack.pid(part) for part in PARTS} | {"web": web})
            measured[name] = await measure(stage, address, case(stage), meter, plan)
    finally:
        watch.cancel()
    return measured


async def measure(
    stage: Stage, address: Address, next_turn: Next, meter: Meter, plan: Plan
) -> Figures:
    figures: Figures = {}
    for name, clients in (("alone", 1), ("together", plan.clients)):
        await closed_loop(address, next_turn, clients, plan.seconds * WARM_UP)
        stage.scored.delays.clear()
        meter.start()
        run = await closed_loop(address, next_turn, clients, plan.seconds)
        used = meter.stop()
        done = len(run.latencies)
        figures[name] = run.figures() | {
            "cpu_ms": used.per(done),
            "cores": used.cores,
            "until_scored": latency(stage.scored.delays) if stage.scored.delays else None,
        }
        figures["bytes"] = round(sum(run.sizes) / len(run.sizes)) if run.sizes else None
    return figures


# --- Beside the clock: statements and weights -----------------------------------------------


def statements(fresh: Sequence[Person], seat: Seat, ended: Seat, fields: dict[str, str]) -> Figures:
    """fresh: two without an attempt; seat: one under way; ended: a scored one."""
    breaking = fields | {"reserve": Reserve.BREAK.value}
    position = seat.answered + 1
    asks: dict[str, Callable[[], Asked]] = {
        "save": lambda: asked(
            seat.person,
            seat.path("sync/"),
            body=room.sync_body(seat, room.answer_op(seat, position)),
        ),
        "heartbeat": lambda: asked(seat.person, seat.path("sync/"), body=room.heartbeat_body(seat)),
        "view": lambda: asked(seat.person, seat.path(f"items/{position}/")),
        "form": lambda: asked(seat.person, seat.path("form/")),
        "start": lambda: asked(fresh[0], room.START, fields=fields),
        "drawn start": lambda: asked(fresh[1], room.START, fields=breaking),
        "submit": lambda: asked(seat.person, seat.path("submit/"), fields={}),
        "report": lambda: asked(ended.person, ended.path("report/")),
    }
    counted: Figures = {}
    for name, ask in asks.items():
        told = ask()
        counted[name] = told.count if told.status in (200, 302) else None
    return counted


async def cold_weight(address: Address, seat: Seat) -> Figures:
    """A question page as a browser that has nothing yet gets it: with its styles, its scripts and
    the modules these import; without fonts, pictures and what is fetched ahead. Bytes of the
    compressed bodies. "headers" are those of HTTP/1.1, apart: HTTP/2 sends what repeats once."""
    link = await Link.open(address)
    page = await link.ask(get(address, seat.path("items/1/"), seat.person.cookies))
    parts = {"page": len(page.body), "styles": 0, "scripts": 0}
    headers, files = len(page.head), 1
    seen: set[str] = set()
    waiting = list(_linked(page.text(), seat.path("items/1/")))
    while waiting:
        kind, path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        reply = await link.ask(get(address, path, ""))
        if reply.status != 200:
            raise SystemExit(f"{path} answers {reply.status}")
        parts[kind] += len(reply.body)
        headers, files = headers + len(reply.head), files + 1
        if kind == "scripts":
            waiting += [("scripts", urljoin(path, name)) for name in _imports(reply.text())]
    link.close()
    return parts | {"together": sum(parts.values()), "headers": headers, "files": files}


def _linked(html: str, base: str) -> Iterator[tuple[str, str]]:
    for tag in re.findall(r"<link\b[^>]*>", html):
        href = re.search(r'href="([^"]+)"', tag)
        if href and 'rel="stylesheet"' in tag:
            yield "styles", urlsplit(urljoin(base, href[1])).path
        elif href and 'rel="modulepreload"' in tag:
            yield "scripts", urlsplit(urljoin(base, href[1])).path
    for source in re.findall(r'<script\b[^>]*\bsrc="([^"]+)"', html):
        yield "scripts", urlsplit(urljoin(base, source)).path


def _imports(script: str) -> list[str]:
    return re.findall(r"""\b(?:from|import)\s*\(?\s*["'](\.[^"']+)["']""", script)


# --- The floor of the floor -----------------------------------------------------------------

UPSERT = """\\set person random(:first, :last)
\\set position random(1, :positions)
INSERT INTO bench_floor (person, position, choice, revision, saved_at)
VALUES (:person, :position, 2, 1, now())
ON CONFLICT (person, position) DO UPDATE
SET choice = excluded.choice, revision = bench_floor.revision + 1, saved_at = excluded.saved_at;
"""


def pgbench(
    stack: Stack, people: Sequence[Person], positions: int, seconds: float
) -> Figures | None:
    """The same upsert by prepared statements from C. None where this Postgres came without it."""
    program = stack.postgres.binaries / "pgbench"
    if not program.exists():
        return None
    figures: Figures = {}
    for name, clients in (("alone", 1), ("together", WEB_THREADS)):
        with tempfile.TemporaryDirectory() as folder:
            script = Path(folder, "upsert.sql")
            script.write_text(UPSERT)
            subprocess.run(
                [
                    program,
                    *("-n", "-M", "prepared", "-c", str(clients), "-j", str(min(2, clients))),
                    *("-T", str(max(1, round(seconds))), "-l", "--log-prefix", f"{folder}/log"),
                    *("-D", f"first={people[0].pk}", "-D", f"last={people[-1].pk}"),
                    *("-D", f"positions={positions}", "-f", script),
                ],
                env=stack.libpq(),
                check=True,
                capture_output=True,
            )
            lines = [
                line.split()
                for log in Path(folder).glob("log*")
                for line in log.read_text().splitlines()
            ]
        seconds_each = [int(line[2]) / 1_000_000 for line in lines]
        moments = [int(line[4]) + int(line[5]) / 1_000_000 for line in lines]
        lasted = max(moments) - min(moments)
        figures[name] = latency(seconds_each) | {
            "clients": clients,
            "rate": round(len(lines) / lasted, 1) if lasted else None,
        }
    return figures


# --- All of it ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Plan:
    seconds: float
    people: int
    seed: int
    clients: int
    """How many ask at the same time when not one alone does."""


async def read_start_fields(address: Address, person: Person) -> dict[str, str]:
    link = await Link.open(address)
    reply = await link.ask(room.rules(address, person).request)
    link.close()
    if reply.status != 200:
        raise SystemExit(f"the rules page answers {reply.status}")
    return room.start_fields(reply.text())


async def _weigh(stage: Stage) -> Figures:
    return await cold_weight(stage.address, stage.seats[0])


def requests(stack: Stack, plan: Plan, forms: Sequence[Form]) -> Figures:
    """All figures on a running installation; `use_django` was called."""
    rng = random.Random(plan.seed)
    label = f"bench{random.SystemRandom().getrandbits(40):x}-"
    people = make_people(plan.people, label)
    fresh = make_people(min(MOST_STARTS, plan.people * 2) + 2, f"{label}start-")
    shelf.restock(timezone.now(), seconds=20 * plan.seconds)  # as beat does it
    with stack.superuser() as admin:
        now = timezone.now()
        seats = open_attempts(admin, people, forms, now=now, rng=rng)
        make_floor(people, len(forms[0]))
        settle(admin)
    floor = pgbench(stack, people, len(forms[0]), plan.seconds)
    with stack.bare() as (bare, bare_pid):
        stage = Stage(
            address=stack.address,
            bare=bare,
            seats=deque(seats[1:]),
            fresh=deque(fresh[2:]),
            fields=asyncio.run(read_start_fields(stack.address, fresh[0])),
            rng=rng,
            scored=ScoreWatch(stack),
        )
        cold = asyncio.run(_weigh(stage))
        measured = asyncio.run(measure_all(stage, stack, bare_pid, plan))
    if not stage.scored.seats:
        raise SystemExit(f"no attempt was submitted: {measured['submit']}")
    ended = stage.scored.seats[0]
    counted = statements(fresh[:2], seats[0], ended, stage.fields)
    floor_rate = measured["bare view"]["together"]["rate"]
    floor_cpu = sum(measured["bare view"]["together"]["cpu_ms"].values())
    for name, figures in measured.items():
        busy = figures["together"]
        figures["statements"] = counted.get(name)
        figures["rate_to_bare"] = ratio(busy["rate"], floor_rate)
        figures["cpu_to_bare"] = ratio(floor_cpu, sum(busy["cpu_ms"].values()))
    return {"clients": plan.clients, "pgbench": floor, "requests": measured, "cold_bytes": cold}


# --- As tables ------------------------------------------------------------------------------

COLUMNS = (
    "request|1: p50 ms|p95|p99|{clients}: p50 ms|p95|p99|a second|to bare|web ms|Postgres ms|"
    "worker ms|bare to it|SQL|bytes|errors"
)
POINTS = ("p50", "p95", "p99")


def tables(figures: Figures) -> str:
    """Times in milliseconds, with one client and with many; then with many the rate and its ratio
    to the bare view's, the processor time of a request, and the bare view's as a share of it."""
    requests, clients = figures["requests"], figures["clients"]
    columns = COLUMNS.format(clients=clients).split("|")
    parts = [
        table(columns, [_row(name, measured) for name, measured in requests.items()]),
        _scored_table(requests["submit"], clients),
        _pgbench_table(figures["pgbench"]),
    ]
    cold = figures["cold_bytes"]
    parts.append(
        f"A question page, compressed: {cold['page']:,} bytes; cold, with styles "
        f"({cold['styles']:,}) and scripts ({cold['scripts']:,}): {cold['together']:,}, and the "
        f"headers of {cold['files']} replies: {cold['headers']:,}."
    )
    cores = requests["save"]["together"]["cores"]
    words = f"Cores busy while {_clients(clients)} saved: {flat(cores)}."
    parts.append(words + (" The load program was the bottleneck." if cores["load"] > 0.8 else ""))
    return "\n\n".join(parts)


def _row(name: str, measured: Figures) -> list[object]:
    one, many = measured["alone"], measured["together"]
    return [
        name,
        *(one[point] for point in POINTS),
        *(many[point] for point in POINTS),
        many["rate"],
        measured["rate_to_bare"],
        *(many["cpu_ms"][part] for part in ("web", "postgres", "worker")),
        measured["cpu_to_bare"],
        measured["statements"],
        measured["bytes"],
        one["errors"] + many["errors"],
    ]


def _scored_table(submit: Figures, clients: int) -> str:
    rows = []
    for name, count in (("alone", 1), ("together", clients)):
        until = submit[name]["until_scored"] or {}
        rows.append([_clients(count), *(until.get(key) for key in (*POINTS, "max"))])
    return table(["submit to scored", "p50 ms", "p95", "p99", "max"], rows)


def _pgbench_table(floor: Figures | None) -> str:
    if floor is None:
        return "pgbench: this Postgres came without it."
    rows = [
        [_clients(run["clients"]), *(run[key] for key in ("rate", *POINTS))]
        for run in floor.values()
    ]
    return table(["pgbench, the upsert alone", "a second", "p50 ms", "p95", "p99"], rows)


def _clients(count: int) -> str:
    return f"{count} client{'' if count == 1 else 's'}"
