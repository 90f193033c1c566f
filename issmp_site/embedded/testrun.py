"""`python3 manage.py test`: pytest on a Postgres, a Redis and a Chromium of its own."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from issmp_site.embedded import chromium
from issmp_site.embedded.account import Account, blocked_at, server_account
from issmp_site.embedded.binaries import find_postgres, find_valkey
from issmp_site.embedded.console import Problem, complain, say
from issmp_site.embedded.datadir import CHECKOUT, DataDir, Secrets
from issmp_site.embedded.postgres import Postgres, free_port
from issmp_site.embedded.processes import die_with_launcher
from issmp_site.embedded.supervisor import Interrupted, Interrupts, Supervisor
from issmp_site.embedded.valkey import Valkey

PREFIX = "touchstone-test-"


def main(argv: Sequence[str]) -> int:
    interrupts = Interrupts()
    try:
        browser = chromium.find_or_obtain()
        with throwaway_data_dir(server_account()) as data:
            supervisor = Supervisor(data.run, interrupts)
            try:
                variables = {**_servers(data, supervisor), "CHROMIUM": browser}
                return _pytest(argv, variables, interrupts)
            finally:
                supervisor.stop()
    except Interrupted:
        return 130
    except Problem as problem:
        complain(problem)
        return 1
    except OSError as error:  # above all a disk that filled up
        complain(Problem(f"The tests could not be run, because the system refused: {error}."))
        return 1


def _servers(data: DataDir, supervisor: Supervisor) -> dict[str, str]:
    """Start what the environment does not name, and describe all of it to `settings.py`."""
    own = Secrets.generate()
    database, redis = os.environ.get("DATABASE_URL"), os.environ.get("REDIS_URL")
    if not (database and redis):
        say("Starting servers for the tests ...")
    if not database:
        postgres = Postgres.on(find_postgres(data), data, own, durable=False)
        postgres.prepare(supervisor.run)
        supervisor.start(postgres.server)
        supervisor.wait("postgres", postgres.answers)
        postgres.create_database()
        database = postgres.url
    if not redis:
        valkey = Valkey(find_valkey(data), data, own, free_port())
        valkey.prepare()
        supervisor.start(valkey.server)
        supervisor.wait("redis", valkey.answers)
        redis = valkey.url
    return {
        "DATABASE_URL": database,
        "REDIS_URL": redis,
        "DJANGO_SETTINGS_MODULE": "issmp_site.settings",
        "DJANGO_ALLOW_ASYNC_UNSAFE": "true",  # Playwright's loop runs in the tests' thread
        "ISSMP_SECRET_KEY": secrets.token_urlsafe(48),
        "ISSMP_EMBEDDED": "1",
        "ISSMP_DEMO": "0",
        "ISSMP_DEBUG": "0",
        "ISSMP_HTTPS": "0",
        "ISSMP_ALLOWED_HOSTS": "127.0.0.1,localhost",
        "ISSMP_SITE_URL": "http://127.0.0.1:8000",
        "ISSMP_DATA_DIR": str(data.root),
        "ISSMP_STATIC_ROOT": str(data.static),
    }


def _pytest(argv: Sequence[str], variables: dict[str, str], interrupts: Interrupts) -> int:
    """In our own process group: Ctrl-C reaches pytest by itself, the debugger has its terminal."""
    tests = subprocess.Popen(
        [sys.executable, "-m", "pytest", *argv],
        cwd=CHECKOUT,
        env={**os.environ, **variables},
        preexec_fn=die_with_launcher(signal.SIGTERM),  # we have no threads
    )
    told = False
    while tests.poll() is None:
        time.sleep(0.05)
        if interrupts.wanted and not told:
            told = True
            if interrupts.received != signal.SIGINT or not sys.stdin.isatty():
                tests.send_signal(signal.SIGINT)
        if interrupts.hurried:
            tests.kill()
    return 128 - tests.returncode if tests.returncode < 0 else tests.returncode


@contextlib.contextmanager
def throwaway_data_dir(account: Account | None) -> Iterator[DataDir]:
    parent = Path(tempfile.gettempdir())
    if blocked_at(parent, account) is not None:
        parent = Path("/tmp")  # noqa: S108 - mkdtemp makes a private directory in it
    _remove_abandoned(parent)
    root = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    try:
        data = DataDir(root / "data", account)
        if account is not None:
            root.chmod(0o711)
        data.prepare()
        with data.locked():
            yield data
    finally:
        shutil.rmtree(root)


def _remove_abandoned(parent: Path) -> None:
    """What runs that were killed have left: ours, and locked by nobody."""
    for root in parent.glob(f"{PREFIX}*"):
        if root.is_symlink() or root.stat().st_uid != os.geteuid():
            continue
        with contextlib.suppress(OSError), (root / "data" / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(root)
