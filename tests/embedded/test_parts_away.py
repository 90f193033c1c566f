"""Redis gone altogether, and Postgres killed, on the whole stack: exams go on, and what has to wait
happens when they are back."""

from __future__ import annotations

import http.cookiejar
import json
import os
import re
import shutil
import signal
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPMessage
from pathlib import Path
from typing import IO, Any

import pytest

from issmp_site.embedded.account import server_account
from issmp_site.embedded.binaries import find_valkey
from issmp_site.embedded.datadir import DataDir, Secrets
from issmp_site.embedded.postgres import free_port
from issmp_site.embedded.processes import Process
from issmp_site.embedded.valkey import Valkey
from tests.embedded.launcher import Launcher, manage, soon
from tests.world import PASSWORD

pytestmark = pytest.mark.xdist_group("parts-away")
MAKE_ADA = f"""
from accounts.models import User
from allauth.account.models import EmailAddress
ada = User.objects.create_user("ada@example.org", {PASSWORD!r})
EmailAddress.objects.create(user=ada, email=ada.email, verified=True, primary=True)
"""
# A sweep asks again for what has waited 30 seconds; it runs every 15, and a worker that lost its
# broker looks for it at intervals of up to 30.
SCORED_WITHIN = 150


class Redis:
    """A broker of the test's own, so that nobody starts it again."""

    def __init__(self, place: Path) -> None:
        self._data = DataDir(place / "broker", server_account())
        self._data.prepare()
        self._valkey = Valkey(find_valkey(self._data), self._data, Secrets.generate(), free_port())
        self._valkey.prepare()
        self.url = self._valkey.url
        self.start()

    def start(self) -> None:
        self._process = Process(self._valkey.server, self._data.run)
        assert soon(self._valkey.answers)

    def stop(self) -> None:
        self._process.stop(lambda: True)


@dataclass
class Stack:
    launcher: Launcher
    url: str
    redis: Redis


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    place = Path(tempfile.mkdtemp(prefix="touchstone-place-"))
    place.chmod(0o711)
    redis = Redis(place)
    launcher = Launcher(place / "data", "--no-demo", REDIS_URL=redis.url)
    try:
        url = launcher.wait_ready()
        made = manage("shell", "-v", "0", "-c", MAKE_ADA, ISSMP_DATA_DIR=str(launcher.data_dir))
        assert made.returncode == 0, made.stderr
        yield Stack(launcher, url, redis)
    finally:
        launcher.stop()
        redis.stop()
        shutil.rmtree(place)


class NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> None:
        return None


@dataclass
class Reply:
    status: int
    location: str
    body: str
    seconds: float

    def json(self) -> Any:
        return json.loads(self.body)


class Browser:
    def __init__(self, url: str) -> None:
        self._url = url
        self._cookies = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(self._cookies), NoRedirects
        )

    def get(self, path: str) -> Reply:
        return self._ask(urllib.request.Request(self._url + path))

    def post(self, path: str, fields: Mapping[str, str]) -> Reply:
        return self._send(path, urllib.parse.urlencode(fields).encode(), {})

    def post_json(self, path: str, content: object) -> Reply:
        kind = {"Content-Type": "application/json"}
        return self._send(path, json.dumps(content).encode(), kind)

    def _send(self, path: str, body: bytes, headers: dict[str, str]) -> Reply:
        token = next(c.value for c in self._cookies if c.name == "csrftoken")
        headers |= {"X-CSRFToken": token or ""}
        return self._ask(urllib.request.Request(self._url + path, body, headers))

    def _ask(self, request: urllib.request.Request) -> Reply:
        began = time.monotonic()
        try:
            with self._opener.open(request, timeout=20) as reply:
                status, headers, body = reply.status, reply.headers, reply.read()
        except urllib.error.HTTPError as reply:
            status, headers, body = reply.code, reply.headers, reply.read()
        seconds = time.monotonic() - began
        return Reply(status, headers.get("Location", ""), body.decode(), seconds)


class Exam:
    """An exam of somebody's, as their browser deals with it."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        started = browser.post("/exams/quick/", {"agree": "on"})
        found = re.match(r"/attempts/[0-9a-f-]{36}/", started.location)
        assert found, (started.status, started.location, started.body[:500])
        self._base = found.group()
        self._form = browser.get(f"{self._base}form/").json()

    def answer(self, position: int) -> str:
        """What the server says of it."""
        sheet = self._form["items"][position - 1]["sheet"]
        option = re.search(r'name="choice"[^>]*\bvalue="(\d+)"', sheet)
        assert option
        op = {
            "id": str(uuid.uuid4()),
            "kind": "answer",
            "position": position,
            "choice": int(option[1]),
            "revision": 0,
            "at": int(time.time() * 1000),
        }
        status: str = self._sync(op)["replies"][0]["status"]
        return status

    def state(self) -> str:
        state: str = self._sync()["state"]
        return state

    def _sync(self, *ops: dict[str, object]) -> Any:
        body = {"person": self._form["person"], "pending_since": None, "ops": ops}
        reply = self._browser.post_json(f"{self._base}sync/", body)
        assert reply.status == 200, reply.body
        return reply.json()

    def submit(self) -> Reply:
        return self._browser.post(f"{self._base}submit/", {})


def log_in(stack: Stack) -> Browser:
    browser = Browser(stack.url)
    assert browser.get("/accounts/login/").status == 200
    entered = browser.post("/accounts/login/", {"login": "ada@example.org", "password": PASSWORD})
    assert entered.status == 302, entered.body
    return browser


def test_without_redis_an_exam_is_sat_from_log_in_to_submit_and_scored_later(stack: Stack) -> None:
    stack.redis.stop()
    browser = log_in(stack)
    ready = browser.get("/health/ready")
    assert (ready.status, ready.json()["redis"]) == (200, "unreachable")
    exam = Exam(browser)
    assert [exam.answer(position) for position in (1, 2, 3)] == ["saved"] * 3
    submitted = exam.submit()
    assert submitted.status == 302
    assert submitted.seconds < 5  # a dead broker holds nobody up
    assert exam.state() == "closed"
    stack.redis.start()
    assert soon(lambda: exam.state() == "scored", SCORED_WITHIN)


def test_the_workers_first_task_after_postgres_was_killed_succeeds(stack: Stack) -> None:
    browser = log_in(stack)
    exam = Exam(browser)
    assert exam.answer(1) == "saved"
    old = stack.launcher.programs()["postgres"]
    log = stack.launcher.data_dir / "logs" / "worker.log"
    os.kill(old, signal.SIGKILL)
    seen: list[Reply] = []

    def is_back() -> bool:
        seen.append(browser.get("/exams/"))
        return stack.launcher.programs().get("postgres", old) != old and seen[-1].status == 200

    assert soon(is_back, 60)
    assert {reply.status for reply in seen} <= {200, 503}
    before = len(log.read_text())
    assert exam.answer(2) == "saved"
    assert exam.submit().status == 302
    assert soon(lambda: exam.state() == "scored", 30)
    since = [line for line in log.read_text()[before:].split("\n") if "score_attempt" in line]
    assert any("succeeded" in line for line in since)
    assert not any("Retry" in line or "raised" in line for line in since)
