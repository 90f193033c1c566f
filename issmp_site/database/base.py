"""Django's Postgres backend, with connections that outlive a request and never make one wait.

Django's own pool connects in the background: while Postgres is away everybody who asks waits out
its time limit, all threads of a process at once, and the pool asks again at ever longer intervals,
so it stays away longer than Postgres did. Persistent connections belong to threads, which granian
retires with their connection. Here whoever needs a connection takes an idle one that still lives,
or makes one: a refusal is known at once, and so is the return.
"""

from __future__ import annotations

import os
import select
import threading
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

import psycopg
from django.db.backends.postgresql import base
from psycopg.pq import ConnStatus, TransactionStatus


class Store:
    """The idle connections of this process to one database, and whether it last let us in.

    There are never more than threads that have needed one at the same time.
    """

    def __init__(self) -> None:
        self._idle: deque[psycopg.Connection[Any]] = deque()
        self._away = False
        self._asking = threading.Lock()

    def take(self) -> psycopg.Connection[Any] | None:
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            if _lives(connection):
                return connection
            connection.close()

    def keep(self, connection: psycopg.Connection[Any]) -> None:
        if _is_clean(connection):
            self._idle.append(connection)
        else:
            connection.close()

    def connect(self, parameters: Mapping[str, Any]) -> psycopg.Connection[Any]:
        """While the database is away one thread asks and the others are refused at once: a machine
        that has vanished answers nobody, and would hold every thread for seconds."""
        if not self._away:
            return self._ask(parameters)
        if not self._asking.acquire(blocking=False):
            raise psycopg.OperationalError("the database is away; somebody is asking for it")
        try:
            return self._ask(parameters)
        finally:
            self._asking.release()

    def _ask(self, parameters: Mapping[str, Any]) -> psycopg.Connection[Any]:
        try:
            connection = psycopg.connect(**parameters)
        except psycopg.OperationalError:
            self._away = True
            raise
        self._away = False
        return connection

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()


def _lives(connection: psycopg.Connection[Any]) -> bool:
    """A server that ends a connection says so, and nothing else comes in on an idle one."""
    inbox = select.poll()
    inbox.register(connection.fileno(), select.POLLIN)
    return not inbox.poll(0)


def _is_clean(connection: psycopg.Connection[Any]) -> bool:
    handle = connection.pgconn
    return handle.status == ConnStatus.OK and handle.transaction_status == TransactionStatus.IDLE


_stores: Final[dict[tuple[object, ...], Store]] = {}
# A connection has two ends, not three: a forked child starts with none.
os.register_at_fork(after_in_child=_stores.clear)


class DatabaseWrapper(base.DatabaseWrapper):
    _process = 0  # the one that took the connection

    @property
    def _store(self) -> Store:
        names = ("HOST", "PORT", "NAME", "USER")  # tests change the name
        key = tuple(self.settings_dict[name] for name in names)
        return _stores.setdefault(key, Store())  # one step, whatever other threads do

    def get_new_connection(self, conn_params: dict[str, Any]) -> psycopg.Connection[Any]:
        """Django sets time zone and role on it afterwards, each time it is taken. The isolation
        level is the server's: no option of ours asks for another."""
        self._process = os.getpid()
        return self._store.take() or self._store.connect(conn_params)

    def _close(self) -> None:
        """In a transaction it goes for good: Django still holds on to it until that ends. So does
        one that was open while this process was forked, for it is the parent's."""
        if self.connection is None:
            return
        with self.wrap_database_errors:
            if self.in_atomic_block or self._process != os.getpid():
                self.connection.close()
            else:
                self._store.keep(self.connection)

    def close_pool(self) -> None:
        """Before the database itself is copied or dropped."""
        self._store.close()
