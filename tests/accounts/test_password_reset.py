from __future__ import annotations

from django.core.mail import EmailMessage
from django.test import Client
from django.urls import reverse

from tests.accounts.test_signup import link_in
from tests.world import PASSWORD, World

RESET, LOGIN = reverse("account_reset_password"), reverse("account_login")
NEW = "an entirely different one"


def test_reset_by_mail(client: Client, world: World, mailoutbox: list[EmailMessage]) -> None:
    sent = client.post(RESET, {"email": world.ada.email})
    assert sent["Location"] == reverse("account_reset_password_done")
    assert client.get(sent["Location"]).status_code == 200
    path = link_in(mailoutbox[0])

    # The key leaves the address bar before the form is shown, so it is in no referrer or history.
    form = client.get(path)
    assert form.status_code == 302
    page = client.get(form["Location"])
    assert page.status_code == 200
    assert page.context["form"] is not None
    assert client.post(form["Location"], {"password1": NEW, "password2": NEW}).status_code == 302

    old = Client().post(LOGIN, {"login": world.ada.email, "password": PASSWORD})
    assert old.status_code == 200
    assert Client().post(LOGIN, {"login": world.ada.email, "password": NEW}).status_code == 302

    again = Client().get(path, follow=True)
    assert again.status_code == 200
    assert again.context["token_fail"]


def test_an_unknown_address_gets_the_same_answer(
    client: Client, world: World, mailoutbox: list[EmailMessage]
) -> None:
    known = client.post(RESET, {"email": world.ada.email})
    unknown = Client().post(RESET, {"email": "nobody@example.org"})
    assert (unknown.status_code, unknown["Location"]) == (known.status_code, known["Location"])


def test_changing_the_password_logs_other_devices_out(client: Client, world: World) -> None:
    other = Client()
    for device in (client, other):
        device.post(LOGIN, {"login": world.ada.email, "password": PASSWORD})
    changed = client.post(
        reverse("account_change_password"),
        {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW},
    )
    assert changed.status_code == 302
    assert client.get(reverse("profile")).status_code == 200
    assert other.get(reverse("profile")).status_code == 302
