"""A real Celery worker in a process of its own, on this test database and a broker of our own.

Run as a program this module is the product's worker, except that a killed worker's tasks come back
after a second instead of the minute that production waits.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import redis
from django.conf import settings
from django.db import connection

ROOT = Path(__file__).resolve().parent.parent
BOUND = 60  # seconds for anything a worker does here; most of it is starting up


def wait_until(true: Callable[[], bool], what: str, *, seconds: float = BOUND) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, f"{what}: not within {seconds:.0f} seconds"
        time.sleep(0.05)


def broker_url() -> str:
    """A Redis database for each test process: a worker must not take the others' tasks, which
    name rows of another database. Number 0 is left alone."""
    process = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    return urlsplit(str(settings.REDIS_URL))._replace(path=f"/{int(process) + 1}").geturl()


def empty_the_queue() -> None:
    """What earlier tests have queued names rows that are gone."""
    with redis.Redis.from_url(broker_url()) as client:
        client.delete(settings.CELERY_TASK_DEFAULT_QUEUE, "unacked", "unacked_index")


class Worker:
    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process, self._log = process, log
        self._read_from = 0

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")[self._read_from :]

    def forget(self) -> None:
        """Read the log from here on only."""
        self._read_from += len(self.log)

    def finished(self, task: str) -> int:
        """How many tasks of this name it has brought to a good end."""
        return sum(f"Task {task}[" in line and "succeeded" in line for line in self.log.split("\n"))

    def children(self) -> list[int]:
        """The processes that carry tasks out."""
        listed = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.process.pid)],
            capture_output=True,
            text=True,
            check=False,
        )
        return [int(pid) for pid in listed.stdout.split()]

    def kill(self) -> None:
        """As the kernel would: the worker and its children, at once, with no last word."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(BOUND)


@contextmanager
def running_worker() -> Iterator[Worker]:
    """A worker with two child processes, ready for tasks; ended with the block whatever happens."""
    name = str(connection.settings_dict["NAME"])
    database = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "worker.log")
        with log.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.celery_worker"],
                cwd=ROOT,
                env={**os.environ, "DATABASE_URL": database, "REDIS_URL": broker_url()},
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        worker = Worker(process, log)
        try:
            wait_until(lambda: " ready." in worker.log or process.poll() is not None, "worker")
            assert process.poll() is None, worker.log
            yield worker
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(BOUND)
                except subprocess.TimeoutExpired:
                    worker.kill()


def main() -> None:
    from issmp_site.celery import app

    app.conf.broker_transport_options = {
        **app.conf.broker_transport_options,
        "visibility_timeout": 1,
        "unacked_restore_interval": 1,
    }
    app.worker_main(
        ["worker", "--concurrency=2", "--loglevel=INFO", "--without-gossip", "--without-mingle"]
    )


if __name__ == "__main__":
    main()
