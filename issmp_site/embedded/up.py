"""`python3 manage.py up`: everything Touchstone needs, on this machine, until Ctrl-C."""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
from celery import Celery

from issmp_site.embedded import environment
from issmp_site.embedded.account import Account, can_run, server_account
from issmp_site.embedded.binaries import find_postgres, find_valkey
from issmp_site.embedded.console import Problem, complain, say
from issmp_site.embedded.datadir import CHECKOUT, DataDir, Lock, Secrets, locate
from issmp_site.embedded.leftovers import Record, end_leftovers
from issmp_site.embedded.postgres import Postgres, free_port
from issmp_site.embedded.processes import Program, Tail
from issmp_site.embedded.supervisor import Interrupted, Interrupts, Supervisor
from issmp_site.embedded.valkey import Valkey, redis_answers

DEMO_ACCOUNTS = {
    "candidate@example.org": "takes exams",
    "instructor@example.org": "writes questions, at /admin/",
    "lead@example.org": "runs a study group",
}


@dataclass(frozen=True)
class Options:
    port: int
    data_dir: Path | None
    no_demo: bool


def parse(argv: Sequence[str]) -> Options:
    parser = argparse.ArgumentParser(
        prog="python3 manage.py up",
        description="Start Touchstone on this machine and keep it running until Ctrl-C: Postgres, "
        "Redis, the worker, the scheduler and the web server. The first start prepares everything; "
        "later ones find it.",
        epilog="DATABASE_URL or REDIS_URL in the environment: that server is used and the embedded "
        "one is not started; with DATABASE_URL there are no demo accounts. ISSMP_DEMO_PASSWORD: "
        "the password of the demo accounts. All variables: docs/operating.md.",
    )
    parser.add_argument(
        "--port",
        type=_port,
        default=8000,
        metavar="N",
        help="where the web server listens on 127.0.0.1 (default: 8000; 0: any free one)",
    )
    parser.add_argument(
        "--data-dir",
        type=Path,
        metavar="DIR",
        help="where the database and everything else is kept (default: ISSMP_DATA_DIR, or .data "
        "in the checkout)",
    )
    parser.add_argument(
        "--no-demo", action="store_true", help="without the demo accounts and their history"
    )
    return Options(**vars(parser.parse_args(argv)))


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port between 0 and 65535")
    return int(text)


def main(argv: Sequence[str]) -> int:
    options = parse(argv)
    interrupts = Interrupts()
    try:
        servers = server_account()
        apps = servers if servers and _can_run_apps(servers) else None
        data = DataDir(locate(options.data_dir, servers), servers, apps)
        data.prepare()
        with data.locked() as lock, contextlib.suppress(Interrupted):
            Up(options, data, lock, interrupts).run()
    except Problem as problem:
        complain(problem)
        return 1
    except OSError as error:  # above all a disk that filled up
        complain(Problem(f"Everything was shut down, because the system refused: {error}."))
        return 1
    say("Stopped.")
    return 0


def _can_run_apps(account: Account) -> bool:
    """Whether the interpreter, its packages and this checkout are all within its reach."""
    return can_run(account, [sys.executable, "-c", "import granian, issmp_site.celery"], CHECKOUT)


class Up:
    """One run, from an empty machine to Ready to stopped."""

    def __init__(self, options: Options, data: DataDir, lock: Lock, interrupts: Interrupts) -> None:
        self._options = options
        self._data = data
        self._lock = lock
        self._interrupts = interrupts
        self._supervisor = Supervisor(data.run, interrupts)

    def run(self) -> None:
        data = self._data
        say(f"Data directory: {data.root}")
        if data.servers and not data.apps:
            say(
                f"Postgres and Redis run as {data.servers.name!r}; worker, scheduler and web "
                "server run as root, because that account cannot reach this Python or checkout."
            )
        ended = end_leftovers(data.run, data.root)
        if ended:
            say(f"Ended what an earlier start left running: {', '.join(ended)}.")
        port = _choose_port(self._options.port)
        url = f"http://127.0.0.1:{port}"
        self._lock.announce(url)
        try:
            self._start(url, port)
            self._supervisor.watch(self._echo(["web", "worker"]))
        finally:
            if self._interrupts.wanted:
                say("Stopping ...")
            data.environment.unlink(missing_ok=True)
            self._supervisor.stop()

    def _start(self, url: str, port: int) -> None:
        data, supervisor = self._data, self._supervisor
        secrets = data.secrets()
        own_database = _checked_database(os.environ.get("DATABASE_URL"))
        own_redis = _checked_redis(os.environ.get("REDIS_URL"))
        demo = not (own_database or self._options.no_demo or os.environ.get("ISSMP_DEMO") == "0")
        variables = environment.compose(
            data,
            secrets,
            database=own_database or self._start_postgres(secrets),
            redis=own_redis or self._start_valkey(secrets),
            url=url,
            ours=not own_database,
            demo=demo,
        )
        environment.publish(data, variables, Record.of(os.getpid(), signal.SIGTERM))
        apps = Apps(data, variables, port)

        say("Preparing the database, the question bank and the static files ...")
        supervisor.run(apps.command("provision"), show=True)
        password = os.environ.get("ISSMP_DEMO_PASSWORD") or secrets.demo_password
        if demo:
            say("Preparing the demo world (this takes longer the first time) ...")
            supervisor.run(apps.command("demo_world", ISSMP_DEMO_PASSWORD=password), show=True)

        say("Starting the worker, the scheduler and the web server ...")
        apps.beat_pidfile.unlink(missing_ok=True)
        for program in (apps.beat, apps.worker, apps.web):
            supervisor.start(program)
        supervisor.wait("beat", lambda: apps.beat_runs_as(supervisor.pid("beat")))
        supervisor.wait("worker", apps.worker_answers)
        supervisor.wait("web", apps.web_answers)
        self._tell(url, password if demo else None)

    def _start_postgres(self, secrets: Secrets) -> str:
        postgres = Postgres.on(find_postgres(self._data), self._data, secrets)
        if not postgres.cluster.exists():
            say("Making the database ...")
        postgres.prepare(self._supervisor.run)
        say("Starting Postgres ...")
        self._supervisor.start(postgres.server)
        self._supervisor.wait("postgres", postgres.answers)
        postgres.create_database()
        return postgres.url

    def _start_valkey(self, secrets: Secrets) -> str:
        valkey = Valkey(find_valkey(self._data), self._data, secrets, free_port())
        valkey.prepare()
        say("Starting Redis ...")
        self._supervisor.start(valkey.server)
        self._supervisor.wait("redis", valkey.answers)
        return valkey.url

    def _tell(self, url: str, demo_password: str | None) -> None:
        say()
        say(f"Ready: {url}")
        if demo_password is not None:
            given = bool(os.environ.get("ISSMP_DEMO_PASSWORD"))
            shown = "the one in ISSMP_DEMO_PASSWORD" if given else demo_password
            say()
            say(f"Demo accounts, password {shown}:")
            for address, purpose in DEMO_ACCOUNTS.items():
                say(f"  {address:<24}{purpose}")
        say()
        if os.environ.get("ISSMP_EMAIL_URL", "console:").startswith("console:"):
            say("Mail is not sent but shown here.")
        say(f"Logs are in {self._data.logs}. Ctrl-C stops everything.")

    def _echo(self, names: Sequence[str]) -> Callable[[], None]:
        """Passes on what is worth reading now, mail above all; routine stays in the log files."""
        tails = {name: Tail(self._data.logs / f"{name}.log") for name in names}

        def echo() -> None:
            for name, tail in tails.items():
                for line in tail.lines():
                    if "INFO" not in line[:60]:
                        say(f"{name:<6} | {line}")

        return echo


@dataclass(frozen=True)
class Apps:
    """The programs that are ours: all with the same variables, as the same account."""

    data: DataDir
    variables: Mapping[str, str]
    port: int

    def _program(self, name: str, *argv: str | Path, **more: str) -> Program:
        home = {"HOME": str(self.data.root)} if self.data.apps else {}
        return Program(
            name=name,
            argv=[sys.executable, "-m", *argv],
            env={**os.environ, **self.variables, **home, "PYTHONUNBUFFERED": "1", **more},
            cwd=CHECKOUT,
            log=self.data.logs / f"{name}.log",
            account=self.data.apps,
        )

    def command(self, name: str, **more: str) -> Program:
        return self._program(name, "django", name, **more)

    @property
    def web(self) -> Program:
        return self._program(
            "web",
            *("granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(self.port)),
            *("--workers", "2", "--blocking-threads", "2", "--no-ws"),
            *("--respawn-failed-workers", "--workers-kill-timeout", "8s"),
            "issmp_site.wsgi:application",
        )

    def web_answers(self) -> bool:
        hosts = self.variables["ISSMP_ALLOWED_HOSTS"].split(",")
        host = "127.0.0.1" if "*" in hosts else hosts[0].strip().lstrip(".")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/health/ready", headers={"Host": host})
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    @property
    def worker(self) -> Program:
        program = self._program(
            "worker",
            *("celery", "--quiet", "-A", "issmp_site", "worker", "--concurrency", "2"),
            *("--hostname", self._node, "--loglevel", "INFO"),
            *("--without-gossip", "--without-mingle"),  # it has no peers to look for
        )
        # Its stop signal lets running tasks finish. Without a launcher there is neither broker nor
        # database to finish with: it dies at once, and the next start gets the task again. A score
        # may come a second later; a save may not.
        return replace(program, patience=15, orphan_signal=signal.SIGKILL, niceness=6)

    @property
    def _node(self) -> str:
        """Of its own, should REDIS_URL name a broker that others use too."""
        return f"embedded-{os.getpid()}@touchstone"

    def worker_answers(self) -> bool:
        with Celery(broker=self.variables["REDIS_URL"]) as client:
            return bool(client.control.ping(destination=[self._node], timeout=1))

    @property
    def beat(self) -> Program:
        return self._program(
            "beat",
            *("celery", "--quiet", "-A", "issmp_site", "beat", "--loglevel", "INFO"),
            *("--pidfile", self.beat_pidfile, "--schedule", self.data.beat / "schedule"),
        )

    @property
    def beat_pidfile(self) -> Path:
        return self.data.beat / "beat.pid"

    def beat_runs_as(self, pid: int) -> bool:
        return self.beat_pidfile.exists() and self.beat_pidfile.read_text().strip() == str(pid)


def _choose_port(wanted: int) -> int:
    if wanted == 0:
        return free_port()
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except PermissionError:
            raise Problem(
                f"Port {wanted} is reserved for root on this machine: choose another with --port."
            ) from None
        except OSError:
            raise Problem(
                f"Port {wanted} is in use by another program: stop it, or choose another port "
                "with --port (0 takes any free one)."
            ) from None
    return wanted


def _checked_database(url: str | None) -> str | None:
    if url:
        try:
            psycopg.connect(url, connect_timeout=5).close()
        except psycopg.OperationalError as error:
            reason = str(error).strip().splitlines()[-1]
            raise Problem(f"The Postgres in DATABASE_URL does not let us in: {reason}") from None
        except psycopg.Error:  # in its words, which would show the password
            raise Problem(
                "DATABASE_URL cannot be read: it has to look like "
                "postgres://user:password@host:5432/name."
            ) from None
    return url


def _checked_redis(url: str | None) -> str | None:
    try:
        if url and not redis_answers(url):
            raise Problem(
                "The Redis in REDIS_URL does not answer: check the address and the password."
            )
    except ValueError:
        raise Problem(
            "REDIS_URL cannot be read: it has to look like redis://:password@host:6379/0."
        ) from None
    return url
