"""One strict policy on every page, the admin and error pages included, and pages that can live
with it: nothing inline."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from issmp_site.security import POLICY
from tests.world import World

PAGES = [
    ("nobody", "/"),
    ("nobody", "/accounts/login/"),
    ("nobody", "/accounts/signup/"),
    ("nobody", "/accounts/password/reset/"),
    ("nobody", "/nowhere/"),
    ("nobody", "/admin/login/"),
    ("nobody", "/health/live"),
    ("ada", "/"),
    ("ada", "/exams/"),
    ("ada", "/exams/quick/"),
    ("ada", "/attempts/"),
    ("ada", "/profile/"),
    ("ada", "/groups/"),
    ("ada", "room"),
    ("ines", "/admin/"),
    ("ines", "/admin/questions/question/"),
    ("ines", "/admin/questions/question/add/"),
]


def get(client: Client, world: World, who: str, path: str) -> str:
    if who != "nobody":
        client.force_login(getattr(world, who))
    if path == "room":
        attempt = world.start(world.ada)
        path = reverse("attempt-item", args=[attempt.public_id, 1])
    reply = client.get(path)
    assert reply.status_code in ({404} if path == "/nowhere/" else {200, 302})
    assert reply["Content-Security-Policy"] == POLICY
    assert reply["X-Frame-Options"] == "DENY"
    assert reply["X-Content-Type-Options"] == "nosniff"
    assert reply["Referrer-Policy"] == "same-origin"
    assert reply["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in reply["Permissions-Policy"]
    return reply.content.decode()


@pytest.mark.parametrize(("who", "path"), PAGES)
def test_every_page_carries_the_headers_and_nothing_inline(
    client: Client, world: World, who: str, path: str
) -> None:
    page = get(client, world, who, path)
    assert not re.search(r"<style\b", page)
    assert not re.search(r"\sstyle=", page)
    assert not re.search(r"<[^>]+\son[a-z]+=", page)
    assert not re.search(r"\bhx-on\b|javascript:", page)
    for script in re.findall(r"<script\b[^>]*>", page):
        assert "src=" in script or 'type="application/json"' in script, script
    for address in re.findall(r'<(?:script|link|img)\b[^>]*?(?:src|href)="([^"]+)"', page):
        assert address.startswith(("/", "data:")), address
        assert not address.startswith("//"), address


def test_the_policy_allows_nothing_inline_and_nobody_else() -> None:
    assert "unsafe" not in POLICY
    assert "default-src 'none'" in POLICY
    for directive in POLICY.split("; "):
        name, *sources = directive.split()
        assert set(sources) <= {"'self'", "'none'", "data:"}, name
        assert "data:" not in sources or name == "img-src"
    for name in ("frame-ancestors", "base-uri", "form-action", "script-src", "style-src"):
        assert name in POLICY


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_refusals_carry_it_too(client: Client, world: World, method: str) -> None:
    client.force_login(world.ada)
    reply = getattr(client, method)("/attempts/")
    assert reply.status_code == 405
    assert reply["Content-Security-Policy"] == POLICY


def test_a_failed_csrf_check_carries_it_too(world: World) -> None:
    strict = Client(enforce_csrf_checks=True)
    reply = strict.post("/accounts/login/", {"login": "x"})
    assert reply.status_code == 403
    assert reply["Content-Security-Policy"] == POLICY
