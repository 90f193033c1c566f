from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from tests.world import PASSWORD, World

LOGIN, LOGOUT, HOME = reverse("account_login"), reverse("account_logout"), reverse("home")


def log_in(client: Client, password: str = PASSWORD, **more: str) -> tuple[int, str]:
    data = {"login": "ada@example.org", "password": password} | more
    response = client.post(LOGIN, data)
    return response.status_code, response.headers.get("Location", response.content.decode())


def test_wrong_password_and_unknown_address_read_the_same(client: Client, world: World) -> None:
    assert world.ada
    said = []
    for address in (world.ada.email, "nobody@example.org"):
        page = client.post(LOGIN, {"login": address, "password": "not the password"})
        assert page.status_code == 200
        said.append(list(page.context["form"].non_field_errors()))
    assert said[0] == said[1]
    assert said[0]


def test_a_protected_page_asks_to_log_in_and_comes_back(client: Client, world: World) -> None:
    assert world.ada
    profile = reverse("profile")
    away = client.get(profile)
    assert away["Location"] == f"{LOGIN}?next={profile}"
    assert 'name="next"' in client.get(away["Location"]).content.decode()
    assert log_in(client, next=profile) == (302, profile)
    assert client.get(profile).status_code == 200


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "javascript:1"])
def test_next_leads_nowhere_else(client: Client, world: World, elsewhere: str) -> None:
    assert world.ada
    assert log_in(client, next=elsewhere) == (302, HOME)


def test_guessing_is_stopped_and_the_right_password_too_for_a_while(
    client: Client, world: World
) -> None:
    assert world.ada
    for number in range(5):
        status, _ = log_in(client, f"guess number {number}")
        assert status == 200
    status, page = log_in(client)
    assert status == 200
    assert "Too many tries. Wait a few minutes" in page


def test_logging_out_needs_a_post(client: Client, world: World) -> None:
    client.force_login(world.ada)
    client.get(LOGOUT)
    assert "_auth_user_id" in client.session
    assert client.post(LOGOUT)["Location"] == HOME
    assert "_auth_user_id" not in client.session


def test_somebody_logged_in_is_sent_home_from_log_in(client: Client, world: World) -> None:
    client.force_login(world.ada)
    assert client.get(LOGIN)["Location"] == HOME
