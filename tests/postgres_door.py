"""A door before the tests' Postgres, which a test can shut, slam at a given statement, or leave
unanswered. What a program behind it meets is real: the driver's own errors, at the real moment."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Iterator

from django.db import connections

from issmp_site.database.base import DatabaseWrapper


class Door:
    def __init__(self, host: str, port: int | str) -> None:
        self._host, self._server_port = host, port
        self._listener: socket.socket | None = None
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._slam_at = b""
        self.port = 0
        self.open()

    def open(self) -> None:
        if self._listener is None:
            self._listener = _listener(self.port)
            self.port = self._listener.getsockname()[1]
            threading.Thread(target=self._welcome, args=[self._listener], daemon=True).start()

    def shut(self) -> None:
        """Nobody gets in, and whoever is in is out."""
        listener, self._listener = self._listener, None
        if listener is not None:
            _end(listener)
        self.drop()

    def drop(self) -> None:
        """Whoever is in is out; the door stays open, as after a quick restart."""
        with self._lock:
            dropped, self._connections = self._connections, set()
        for one in dropped:
            _hang_up(one)  # the thread that passes things on still holds it, and closes it

    def slam_at(self, statement: bytes) -> None:
        """The next statement with these words arrives and is done; its reply is not heard."""
        self._slam_at = statement

    def _welcome(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):  # shut
            while True:
                client, _ = listener.accept()
                server = self._reach_server()
                with self._lock:
                    self._connections |= {client, server}
                threading.Thread(target=self._pass_on, args=[client, server], daemon=True).start()

    def _reach_server(self) -> socket.socket:
        if self._host.startswith("/"):
            server = socket.socket(socket.AF_UNIX)
            server.connect(f"{self._host}/.s.PGSQL.{self._server_port}")
            return server
        return socket.create_connection((self._host, int(self._server_port)))

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        other = {client: server, server: client}
        with contextlib.suppress(OSError):
            while True:
                for one in select.select([client, server], [], [])[0]:
                    words = one.recv(65536)
                    if not words:
                        raise OSError
                    other[one].sendall(words)
                    if one is client and self._slam_at and self._slam_at in words:
                        self._slam_at = b""
                        server.recv(65536)  # done, as far as the server is concerned
                        self.shut()
                        raise OSError
        _end(client)
        _end(server)


def _listener(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen()
    return listener


def _end(one: socket.socket) -> None:
    _hang_up(one)
    one.close()


def _hang_up(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def door_before_postgres() -> Iterator[Door]:
    """All of this process' connections go through it meanwhile."""
    connection = connections["default"]
    assert isinstance(connection, DatabaseWrapper)
    place = connection.settings_dict
    before = {"HOST": place["HOST"], "PORT": place["PORT"]}
    door = Door(place["HOST"], place["PORT"])
    connection.close()
    place.update(HOST="127.0.0.1", PORT=door.port)
    try:
        yield door
    finally:
        connection.close()
        connection.close_pool()
        place.update(before)
        door.shut()
