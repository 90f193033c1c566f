"""The installation under measurement: `manage.py up` on a data directory of its own, and what its
parts use of the processor.

Needs Linux: the figures come from /proc.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from bench.wire import Address
from issmp_site.embedded.account import server_account
from issmp_site.embedded.binaries import find_postgres
from issmp_site.embedded.datadir import DataDir
from issmp_site.embedded.leftovers import Record
from issmp_site.embedded.postgres import DATABASE, ROLE, SUPERUSER, Postgres, free_port
from issmp_site.embedded.processes import die_with_launcher
from issmp_site.embedded.up import Apps

CHECKOUT = Path(__file__).resolve().parent.parent
PARTS = ("web", "postgres", "worker", "redis", "beat")
TICKS = os.sysconf("SC_CLK_TCK")
# What says where the programs are; everything else of ours would be another installation's.
KEPT = ("ISSMP_RUN_AS", "ISSMP_POSTGRES_BIN", "ISSMP_REDIS_SERVER")
OTHERS = ("ISSMP_", "DJANGO_", "DATABASE_URL", "REDIS_URL")
START_WITHIN = 300  # seconds; a fresh directory takes about twenty on a quiet machine


@dataclass(frozen=True)
class Stack:
    data: DataDir
    variables: Mapping[str, str]

    @property
    def address(self) -> Address:
        parts = urlsplit(self.variables["ISSMP_SITE_URL"])
        assert parts.hostname is not None
        assert parts.port is not None
        return Address(parts.hostname, parts.port)

    @property
    def postgres(self) -> Postgres:
        return Postgres.on(find_postgres(self.data), self.data, self.data.secrets())

    def pid(self, part: str) -> int:
        pid: int = json.loads((self.data.run / f"{part}.json").read_text())["pid"]
        return pid

    def superuser(self) -> psycopg.Connection:
        """To the application's database, as who may switch foreign keys off while filling it."""
        server = self.postgres
        return psycopg.connect(
            host=server.host,
            port=server.port,
            user=SUPERUSER,
            password=server.secrets.postgres_password,
            dbname=DATABASE,
            autocommit=True,
        )

    def libpq(self) -> dict[str, str]:
        """For pgbench: the application's own role, over the same socket."""
        server = self.postgres
        return {
            "PGHOST": server.host,
            "PGPORT": str(server.port),
            "PGUSER": ROLE,
            "PGPASSWORD": server.secrets.database_password,
            "PGDATABASE": DATABASE,
        }

    @contextlib.contextmanager
    def bare(self) -> Iterator[tuple[Address, int]]:
        """The floor: `bench.bare` served by granian with the very options of the product's web
        server. Yields its address and its pid."""
        port = free_port()
        program = Apps(self.data, self.variables, port).web
        argv = [str(word) for word in program.argv]
        with (self.data.logs / "bare.log").open("ab") as log:
            server = subprocess.Popen(
                argv,
                cwd=program.cwd,
                env={**program.env, "DJANGO_SETTINGS_MODULE": "bench.bare.settings"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_launcher(signal.SIGKILL),
            )
        try:
            address = Address("127.0.0.1", port)
            _wait_for(lambda: _listens(address), server, "the bare view")
            yield address, server.pid
        finally:
            _stop(server)


def _listens(address: Address) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((address.host, address.port), 1):
        return True
    return False


@contextlib.contextmanager
def running(keep: Path | None) -> Iterator[Stack]:
    """Start everything, hand it over, stop it. keep: a data directory to use and to leave; without
    one a fresh directory is made and removed. What runs on `keep` already is used, and goes on."""
    if keep is not None and (stack := _beside(keep.absolute())) is not None:
        yield stack
        return
    with _directory(keep) as root:
        log = root.parent / f"{root.name}.up.log" if keep else root.parent / "up.log"
        with log.open("wb") as output:
            launcher = subprocess.Popen(
                [
                    sys.executable,
                    str(CHECKOUT / "manage.py"),
                    *("up", "--no-demo", "--port", "0", "--data-dir", str(root)),
                ],
                cwd=CHECKOUT,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                preexec_fn=die_with_launcher(signal.SIGTERM),
                start_new_session=True,
            )
        try:
            _wait_for(lambda: b"\nReady: " in log.read_bytes(), launcher, "manage.py up", log)
            yield _stack(root)
        finally:
            _stop(launcher)


def _stack(root: Path) -> Stack:
    data = DataDir(root, server_account())
    return Stack(data, json.loads(data.environment.read_text())["variables"])


def _beside(root: Path) -> Stack | None:
    """What an `up` has running there, once it listens."""
    try:
        launcher = Record(**json.loads(DataDir(root).environment.read_text())["launcher"])
    except FileNotFoundError:
        return None
    if not launcher.runs():
        return None
    stack = _stack(root)
    deadline = time.monotonic() + START_WITHIN
    while not _listens(stack.address):
        if not launcher.runs() or time.monotonic() > deadline:
            raise SystemExit(f"{root} is in use by an `up` that does not come to listen.")
        time.sleep(0.1)
    return stack


def _environment() -> dict[str, str]:
    own = {k: v for k, v in os.environ.items() if k in KEPT or not k.startswith(OTHERS)}
    return {**own, "ISSMP_VENV": sys.prefix}


@contextlib.contextmanager
def _directory(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep = keep.absolute()
        keep.parent.mkdir(parents=True, exist_ok=True)
        yield keep
        return
    parent = Path(tempfile.mkdtemp(prefix="touchstone-bench-", dir="/var/tmp"))
    parent.chmod(0o711)  # as root, the servers run as an account that has to pass through
    try:
        yield parent / "data"
    finally:
        shutil.rmtree(parent)


def _wait_for(
    ready: Callable[[], bool], process: subprocess.Popen[bytes], name: str, log: Path | None = None
) -> None:
    deadline = time.monotonic() + START_WITHIN
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            words = log.read_text(errors="replace")[-2000:] if log else ""
            raise SystemExit(f"{name} did not start. {words}")
        time.sleep(0.1)


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def use_django(stack: Stack) -> None:
    """Let this process work with the installation's models."""
    os.environ.update(stack.variables)
    import django

    django.setup()


# --- The processor --------------------------------------------------------------------------


class Meter:
    """Processor seconds of each part since `start`, this program's own among them ("load"), and
    those of everything else on the machine ("others")."""

    def __init__(self, roots: Mapping[str, int]) -> None:
        self._roots = dict(roots)
        self.start()

    def start(self) -> None:
        self._began = time.monotonic()
        self._before = self._read()

    def stop(self) -> Used:
        seconds = time.monotonic() - self._began
        now = self._read()
        used = {part: now[part] - self._before[part] for part in now}
        busy = used.pop("machine")
        used["others"] = max(0.0, busy - sum(used.values()))
        return Used(seconds, used)

    def _read(self) -> dict[str, float]:
        table = _processes()
        read = {part: _tree(table, root) for part, root in self._roots.items()}
        own = os.times()
        return {**read, "load": own.user + own.system, "machine": _busy()}


@dataclass(frozen=True)
class Used:
    seconds: float
    cpu: Mapping[str, float]

    @property
    def cores(self) -> dict[str, float]:
        """How many cores each part kept busy."""
        return {part: round(used / self.seconds, 3) for part, used in self.cpu.items()}

    def per(self, count: int) -> dict[str, float]:
        """Processor milliseconds a request, of the parts that work for it."""
        return {
            part: round(1000 * self.cpu[part] / max(1, count), 3)
            for part in ("web", "postgres", "worker")
        }


def _processes() -> dict[int, tuple[int, float]]:
    """pid -> (parent, seconds used by it and by the children it has buried)."""
    table = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                words = (entry / "stat").read_bytes().rpartition(b")")[2].split()
                ticks = sum(int(word) for word in words[11:15])
                table[int(entry.name)] = (int(words[1]), ticks / TICKS)
    return table


def _tree(table: Mapping[int, tuple[int, float]], root: int) -> float:
    children: dict[int, list[int]] = {}
    for pid, (parent, _) in table.items():
        children.setdefault(parent, []).append(pid)
    total, waiting = 0.0, [root]
    while waiting:
        pid = waiting.pop()
        total += table.get(pid, (0, 0.0))[1]
        waiting += children.get(pid, [])
    return total


def _busy() -> float:
    words = Path("/proc/stat").read_text().partition("\n")[0].split()[1:]
    user, nice, system, _, _, irq, softirq, steal = (int(word) for word in words[:8])
    return (user + nice + system + irq + softirq + steal) / TICKS


def machine() -> dict[str, object]:
    model = ""
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((x.partition(":")[2].strip() for x in lines if x.startswith("model name")), "")
    return {
        "cores": os.cpu_count(),
        "processor": model,
        "python": platform.python_version(),
        "load_average_before": round(os.getloadavg()[0], 2),
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
