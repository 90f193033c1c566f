"""Our own Postgres: made once with initdb, reached over a socket only its account can enter."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from issmp_site.embedded import proctable
from issmp_site.embedded.binaries import PostgresBinaries
from issmp_site.embedded.console import Problem
from issmp_site.embedded.datadir import DataDir, Secrets
from issmp_site.embedded.processes import Program

ROLE = DATABASE = "touchstone"
SUPERUSER = "postgres"
PORT = 5432  # only a part of the socket's name, unless the path is too long for a socket
LONGEST_SOCKET_PATH = 100

# Modest: this shares a machine with the web server. Commits stay durable.
SETTINGS = {
    "max_connections": "60",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
}
# For servers that live as long as a test run.
THROWAWAY = {
    "max_connections": "100",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


@dataclass(frozen=True)
class Postgres:
    binaries: PostgresBinaries
    data: DataDir
    secrets: Secrets
    host: str
    port: int
    durable: bool = True

    @classmethod
    def on(
        cls, binaries: PostgresBinaries, data: DataDir, secrets: Secrets, *, durable: bool = True
    ) -> Postgres:
        folder = str(data.postgres / "socket")
        if len(os.fsencode(f"{folder}/.s.PGSQL.{PORT}")) <= LONGEST_SOCKET_PATH:
            return cls(binaries, data, secrets, folder, PORT, durable)
        return cls(binaries, data, secrets, "127.0.0.1", free_port(), durable)

    @property
    def cluster(self) -> Path:
        return self.data.postgres / "cluster"

    @property
    def _sockets(self) -> Path:
        return self.data.postgres / "socket"

    @property
    def url(self) -> str:
        """The host is percent-encoded, so that a directory can stand where a name would."""
        host = f"{quote(self.host, safe='')}:{self.port}"
        return f"postgres://{ROLE}:{self.secrets.database_password}@{host}/{DATABASE}"

    @property
    def server(self) -> Program:
        settings = SETTINGS if self.durable else SETTINGS | THROWAWAY
        on_socket = self.host.startswith("/")
        settings |= {
            "port": str(self.port),
            "listen_addresses": "" if on_socket else self.host,
            "unix_socket_directories": self.host if on_socket else "",
            "unix_socket_permissions": "0700",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return Program(
            name="postgres",
            argv=[self.binaries / "postgres", "-D", self.cluster, *options],
            env=self._env,
            cwd=self.data.root,
            log=self.data.logs / "postgres.log",
            account=self.data.servers,
            # Postgres' words: SIGINT is the fast shutdown, SIGTERM waits for every client to leave,
            # SIGQUIT skips the checkpoint and leaves recovery to the next start.
            stop_signal=signal.SIGINT,
            hurry_signal=signal.SIGQUIT,
            orphan_signal=signal.SIGINT,
            patience=20,
        )

    @property
    def _env(self) -> dict[str, str]:
        """Nothing of ours: the server needs no secret that happens to be in our environment."""
        return {
            "PATH": os.defpath,
            "HOME": str(self.data.postgres),
            "LC_ALL": "C",
            "TZ": "UTC",
            "ISSMP_DATA_DIR": str(self.data.root),
        }

    def prepare(self, run: Callable[[Program], None]) -> None:
        """Make the cluster if there is none; `run` runs a program to its end."""
        if self.cluster.exists():
            self._check_version()
            self._forget_the_past()
        else:
            self._create_cluster(run)

    def _create_cluster(self, run: Callable[[Program], None]) -> None:
        draft = self.data.postgres / "cluster.new"
        password = self.data.postgres / "password"
        shutil.rmtree(draft, ignore_errors=True)
        self._sockets.mkdir(mode=0o700, exist_ok=True)
        password.touch(mode=0o600)
        password.write_text(self.secrets.postgres_password)
        if self.data.servers is not None:
            for path in (self._sockets, password):
                os.chown(path, self.data.servers.uid, self.data.servers.gid)
        locale = ["--locale=C"]
        if self.binaries.major >= 17:  # Unicode's rules for letters, the same on every machine
            locale += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        try:
            run(
                Program(
                    name="initdb",
                    argv=[
                        self.binaries / "initdb",
                        *("-D", draft, "-U", SUPERUSER, "--pwfile", password),
                        *("-A", "scram-sha-256", "--encoding", "UTF8", *locale),
                        *([] if self.durable else ["--no-sync"]),
                    ],
                    env=self._env,
                    cwd=self.data.root,
                    log=self.data.logs / "initdb.log",
                    account=self.data.servers,
                )
            )
        finally:
            password.unlink()
        draft.rename(self.cluster)

    def _check_version(self) -> None:
        made_by = (self.cluster / "PG_VERSION").read_text().strip()
        if made_by != str(self.binaries.major):
            raise Problem(
                f"The database in {self.data.root} was made by Postgres {made_by} and this is "
                f"Postgres {self.binaries.major}: dump it with the old version and restore it with "
                "the new one (docs/operating.md), or choose another --data-dir."
            )

    def _forget_the_past(self) -> None:
        """After a crash the lock files name a process of the past. While its zombie waits for
        somebody to take note, or once the number is another process' of the same account, Postgres
        would refuse to start. The files are also the guard against two servers on one cluster, so
        they go only when nothing works in there: children of a killed server take a moment."""
        if not proctable.LINUX:
            return
        deadline = time.monotonic() + 10
        while users := proctable.working_in(self.cluster):
            if time.monotonic() > deadline:
                raise Problem(
                    f"Another Postgres (process {users[0]}) works in {self.cluster}: stop it, and "
                    "run the same command again."
                )
            time.sleep(0.1)
        for lock in (self.cluster / "postmaster.pid", *self._sockets.iterdir()):
            lock.unlink(missing_ok=True)

    def answers(self) -> bool:
        try:
            self._connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def create_database(self) -> None:
        """The application's own role and database, made by the superuser; repeatable."""
        role, database = sql.Identifier(ROLE), sql.Identifier(DATABASE)
        with self._connect() as connection:
            if not connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [ROLE]).rowcount:
                connection.execute(
                    sql.SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD {}").format(
                        role, sql.Literal(self.secrets.database_password)
                    )
                )
            if not connection.execute(
                "SELECT FROM pg_database WHERE datname = %s", [DATABASE]
            ).rowcount:
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, role))

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(
            host=self.host,
            port=self.port,
            user=SUPERUSER,
            password=self.secrets.postgres_password,
            dbname="postgres",
            connect_timeout=5,
            autocommit=True,
        )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
