"""The load programs' HTTP client: as little work a request as asyncio allows, so that on a machine
shared with the servers the measuring takes little from the measured.

One request at a time on a link, kept alive. Replies are counted as they came over the wire.
"""

from __future__ import annotations

import asyncio
import gzip
import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

PATIENCE = 30.0  # seconds for one reply; what takes longer counts as an error


@dataclass(frozen=True, slots=True)
class Address:
    host: str
    port: int

    @property
    def header(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    head: bytes
    body: bytes
    size: int
    """Bytes on the wire: status line, headers and body, compressed as sent."""

    def header(self, name: str) -> str:
        mark = b"\r\n" + name.lower().encode() + b":"
        start = self.head.lower().find(mark)
        if start < 0:
            return ""
        line = self.head[start + len(mark) :].partition(b"\r\n")[0]
        return line.strip().decode("latin-1")

    def text(self) -> str:
        packed = self.header("content-encoding") == "gzip"
        return (gzip.decompress(self.body) if packed else self.body).decode()

    def words(self) -> str:
        """What to say of it when it was not what was hoped for."""
        to = self.header("location")
        return f"{self.status} to {to}" if to else f"{self.status}: {self.text()[:120]!r}"

    def json(self) -> Any:
        return json.loads(self.text())


class Broken(Exception):
    """No reply: the link broke or the reply did not come in time."""


class Link(asyncio.Protocol):
    """One connection. `ask` again only after the last reply."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[Reply] | None = None
        self._buffer = bytearray()

    @classmethod
    async def open(cls, address: Address) -> Link:
        loop = asyncio.get_running_loop()
        try:
            _, link = await loop.create_connection(cls, address.host, address.port)
        except OSError as error:
            raise Broken(str(error)) from error
        return link

    @property
    def alive(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    async def ask(self, request: bytes) -> Reply:
        if self._transport is None or self._transport.is_closing():
            raise Broken("closed")
        self._buffer.clear()
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._waiting
        except TimeoutError:
            self.close()
            raise Broken(f"no reply within {PATIENCE:.0f} s") from None

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(Broken("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._waiting is None or self._waiting.done():
            return
        reply = _whole(bytes(self._buffer))
        if reply is not None:
            self._waiting.set_result(reply)


def _whole(received: bytes) -> Reply | None:
    """The reply, once all of it is there."""
    body_at = received.find(b"\r\n\r\n") + 4
    if body_at < 4:
        return None
    head = received[:body_at]
    status = int(head[9:12])
    lowered = head.lower()
    at = lowered.find(b"\r\ncontent-length:")
    if at >= 0:
        end = body_at + int(head[at + 17 :].partition(b"\r\n")[0])
        body = received[body_at:end]
    elif b"\r\ntransfer-encoding: chunked" in lowered:
        body, end = _joined(received, body_at)
    else:
        body, end = b"", body_at
    return Reply(status, head, body, end) if 0 < end <= len(received) else None


def _joined(received: bytes, at: int) -> tuple[bytes, int]:
    """The body that came in chunks, and where it ends; 0 while some of it is missing."""
    parts: list[bytes] = []
    while (line := received.find(b"\r\n", at)) >= 0:
        size = int(received[at:line], 16)
        if not size:
            return b"".join(parts), line + 4
        parts.append(received[line + 2 : line + 2 + size])
        at = line + 4 + size
    return b"", 0


class Links:
    """Connections for an open-loop program, used in turn so that every web process gets its share.

    More are opened when all are in use: what waits must wait in the server, not here.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._idle: deque[Link] = deque()
        self.opened = 0

    async def warm(self, count: int) -> None:
        for _ in range(count):
            self._idle.append(await self._open())

    async def _open(self) -> Link:
        self.opened += 1
        return await Link.open(self._address)

    async def ask(self, request: bytes) -> Reply:
        """A server may close an idle connection just as it is used again: as a browser does, ask
        once more on a new one."""
        link = self._take()
        if link is not None:
            try:
                reply = await link.ask(request)
            except Broken as broken:
                if "closed" not in str(broken):
                    raise
            else:
                self._idle.append(link)
                return reply
        link = await self._open()
        reply = await link.ask(request)
        self._idle.append(link)
        return reply

    def _take(self) -> Link | None:
        while self._idle:
            link = self._idle.popleft()
            if link.alive:
                return link
        return None

    def close(self) -> None:
        for link in self._idle:
            link.close()


def get(address: Address, path: str, cookies: str, **headers: str) -> bytes:
    return _request("GET", address, path, cookies, headers, b"")


def post_json(address: Address, path: str, cookies: str, token: str, body: object) -> bytes:
    content = json.dumps(body, separators=(",", ":")).encode()
    headers = {"Content-Type": "application/json", "X-CSRFToken": token}
    return _request("POST", address, path, cookies, headers, content)


def post_form(
    address: Address, path: str, cookies: str, token: str, fields: Mapping[str, str]
) -> bytes:
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-CSRFToken": token}
    return _request("POST", address, path, cookies, headers, urlencode(fields).encode())


def _request(
    method: str,
    address: Address,
    path: str,
    cookies: str,
    headers: Mapping[str, str],
    body: bytes,
) -> bytes:
    lines = [
        f"{method} {path} HTTP/1.1",
        f"Host: {address.header}",
        "Accept: */*",
        "Accept-Encoding: gzip",
        "User-Agent: touchstone-bench",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    if cookies:
        lines.append(f"Cookie: {cookies}")
    if method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
