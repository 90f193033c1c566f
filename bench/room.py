"""What a candidate's browser sends, as request bytes, and whether the reply was what it hoped for.

The exam room speaks JSON (`sync`, `form`); starting and ending are forms.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

from bench.population import Person, Seat
from bench.wire import Address, Reply, get, post_form, post_json

START = "/exams/simulation/"


@dataclass(slots=True)
class Ask:
    """One request. `done` looks at the reply, and says whether it was the right one."""

    request: bytes
    done: Callable[[Reply], bool]


def sync_body(seat: Seat, *ops: dict[str, Any]) -> dict[str, Any]:
    return {"person": seat.person.name, "pending_since": None, "ops": list(ops)}


def heartbeat_body(seat: Seat, *ops: dict[str, Any]) -> dict[str, Any]:
    """How every question stands is told in reply: another device may have answered some."""
    return sync_body(seat, *ops) | {"want": "items"}


def answer_op(seat: Seat, position: int, step: int = 1) -> dict[str, Any]:
    """Choose another option than the one that stands there, as the stored state is known here."""
    choice, revision = seat.state(position)
    options = seat.form[position - 1].choices
    next_one = options.index(choice) + step if choice is not None else step
    return {
        "id": str(uuid.uuid4()),
        "kind": "answer",
        "position": position,
        "choice": options[next_one % 4],
        "revision": revision,
        "at": int(time.time() * 1000),
    }


def save(address: Address, seat: Seat, position: int, step: int = 1) -> Ask:
    return answer(address, seat, answer_op(seat, position, step))


def answer(
    address: Address, seat: Seat, op: dict[str, Any], before: Sequence[dict[str, Any]] = ()
) -> Ask:
    """When it is saved, the seat remembers it. before: what waited for company and goes along."""

    def done(reply: Reply) -> bool:
        if reply.status != 200:
            return False
        told = reply.json()["replies"][-1]
        if told["status"] != "saved":
            return False
        seat.changed[op["position"]] = (op["choice"], told["revision"])
        return True

    return Ask(_sync(address, seat, *before, op), done)


def flag(address: Address, seat: Seat, position: int, on: bool) -> Ask:
    return _told(address, seat, _op("flag", position, on=on))


def marks(address: Address, seat: Seat, position: int) -> Ask:
    struck = [seat.form[position - 1].choices[0]]
    return _told(address, seat, _op("marks", position, struck=struck, highlights=[[0, 12]]))


def shown_ops(seat: Seat, position: int, milliseconds: int) -> list[dict[str, Any]]:
    """One question was left, after so long; the next is before the person."""
    following = min(position + 1, len(seat.form))
    return [
        _op("seen", position, visible_ms=milliseconds),
        _op("seen", following, visible_ms=0),
    ]


def _op(kind: str, position: int, **more: object) -> dict[str, Any]:
    return {"id": str(uuid.uuid4()), "kind": kind, "position": position, **more}


def _told(address: Address, seat: Seat, *ops: dict[str, Any]) -> Ask:
    return Ask(_sync(address, seat, *ops), lambda reply: _first(reply) == "ok")


def heartbeat(address: Address, seat: Seat, ops: Sequence[dict[str, Any]] = ()) -> Ask:
    """ops: what waited for company and goes along."""
    request = _posted(address, seat, heartbeat_body(seat, *ops))
    return Ask(request, lambda reply: reply.status == 200)


def _first(reply: Reply) -> str:
    return str(reply.json()["replies"][0]["status"]) if reply.status == 200 else ""


def _sync(address: Address, seat: Seat, *ops: dict[str, Any]) -> bytes:
    return _posted(address, seat, sync_body(seat, *ops))


def _posted(address: Address, seat: Seat, body: dict[str, Any]) -> bytes:
    person = seat.person
    return post_json(address, seat.path("sync/"), person.cookies, person.token, body)


def view(address: Address, seat: Seat, position: int) -> Ask:
    return _page(address, seat.person, seat.path(f"items/{position}/"))


def form(address: Address, seat: Seat) -> Ask:
    return _page(address, seat.person, seat.path("form/"))


def report(address: Address, seat: Seat) -> Ask:
    return _page(address, seat.person, seat.path("report/"))


def rules(address: Address, person: Person) -> Ask:
    return _page(address, person, START)


def _page(address: Address, person: Person, path: str) -> Ask:
    return Ask(get(address, path, person.cookies), lambda reply: reply.status == 200)


def submit(address: Address, seat: Seat) -> Ask:
    person = seat.person
    request = post_form(address, seat.path("submit/"), person.cookies, person.token, {})
    return Ask(request, lambda reply: reply.status == 302)


STARTED = re.compile(r"/attempts/([0-9a-f-]{36})/")


def start(
    address: Address,
    person: Person,
    fields: dict[str, str],
    begun: Callable[[uuid.UUID], None] = lambda _: None,
) -> Ask:
    """fields: what the rules page's form sends (`start_fields`)."""

    def done(reply: Reply) -> bool:
        found = STARTED.search(reply.header("location"))
        if reply.status != 302 or found is None:
            return False
        begun(uuid.UUID(found[1]))
        return True

    return Ask(post_form(address, START, person.cookies, person.token, fields), done)


def start_fields(page: str) -> dict[str, str]:
    """What the form of the rules page sends when everything it requires is ticked."""
    parser = _StartForm()
    parser.feed(page)
    return parser.fields


class _StartForm(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        if tag == "form":
            self._inside = (said.get("action") or "").startswith(START)
        name = said.get("name") or ""
        if tag != "input" or not self._inside or not name or name == "csrfmiddlewaretoken":
            return
        if said.get("type") == "hidden" or (said.get("type") == "checkbox" and "required" in said):
            self.fields[name] = said.get("value") or "on"

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
