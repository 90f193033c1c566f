from __future__ import annotations

import re
from urllib.parse import urlsplit

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.mail import EmailMessage
from django.test import Client
from django.urls import reverse

from accounts.models import User
from tests.world import PASSWORD, World

SIGNUP, LOGIN, HOME = reverse("account_signup"), reverse("account_login"), reverse("home")
FORM = {"email": "new@example.org", "password1": PASSWORD, "password2": PASSWORD}


def link_in(mail: EmailMessage) -> str:
    """The one link of a mail, as a path; it must be absolute and ours."""
    links: list[str] = re.findall(r"https?://\S+", str(mail.body))
    ours = [link for link in links if "/accounts/" in link]
    assert ours, mail.body
    assert ours[0].startswith(settings.SITE_URL)
    return urlsplit(ours[0]).path


def test_sign_up_confirm_log_in(
    client: Client, world: World, mailoutbox: list[EmailMessage]
) -> None:
    sent = client.post(SIGNUP, FORM)
    assert sent.status_code == 302
    assert sent["Location"] == reverse("account_email_verification_sent")
    assert client.get(sent["Location"]).status_code == 200
    assert [mail.to for mail in mailoutbox] == [["new@example.org"]]

    # Not yet: the address is not confirmed, and another mail does not go out within minutes.
    refused = client.post(LOGIN, {"login": "new@example.org", "password": PASSWORD})
    assert refused["Location"] == reverse("account_email_verification_sent")

    # A mail scanner follows links; only a press of the button confirms.
    path = link_in(mailoutbox[0])
    assert client.get(path).status_code == 200
    assert not EmailAddress.objects.get(email="new@example.org").verified
    assert client.post(path).status_code == 302
    assert EmailAddress.objects.get(email="new@example.org").verified

    welcome = client.post(LOGIN, {"login": "New@Example.org", "password": PASSWORD})
    assert welcome.status_code == 302
    assert welcome["Location"] == HOME
    assert client.get(HOME).context["user"].email == "new@example.org"


def test_a_used_link_does_no_harm(
    client: Client, world: World, mailoutbox: list[EmailMessage]
) -> None:
    client.post(SIGNUP, FORM)
    path = link_in(mailoutbox[0])
    client.post(path)
    assert client.get(path).status_code == 200
    assert client.get(path[:-4] + "xxx/").status_code == 200


def test_a_known_address_gets_the_same_answer(
    client: Client, world: World, mailoutbox: list[EmailMessage]
) -> None:
    """Who is registered here is nobody's business; the owner of the address is told by mail."""
    new = client.post(SIGNUP, FORM)
    known = Client().post(SIGNUP, FORM | {"email": world.ada.email})
    assert (known.status_code, known["Location"]) == (new.status_code, new["Location"])
    assert User.objects.filter(email=world.ada.email).count() == 1
    assert mailoutbox[-1].to == [world.ada.email]
    assert mailoutbox[-1].subject != mailoutbox[0].subject


def test_a_known_address_in_other_letters_is_the_same_person(client: Client, world: World) -> None:
    client.post(SIGNUP, FORM | {"email": world.ada.email.upper()})
    assert User.objects.filter(email__iexact=world.ada.email).count() == 1


def test_a_weak_password_is_refused_in_words(client: Client, world: World) -> None:
    page = client.post(SIGNUP, FORM | {"password1": "short", "password2": "short"})
    assert page.status_code == 200
    assert "at least 10 characters" in page.content.decode()
    assert not User.objects.filter(email=FORM["email"]).exists()


def test_passwords_must_agree(client: Client, world: World) -> None:
    page = client.post(SIGNUP, FORM | {"password2": PASSWORD + "x"})
    assert page.status_code == 200
    assert not User.objects.filter(email=FORM["email"]).exists()


def test_too_many_sign_ups_get_a_readable_page(client: Client, world: World) -> None:
    for _ in range(20):
        assert client.post(SIGNUP, {}).status_code == 200
    stopped = client.post(SIGNUP, {})
    assert stopped.status_code == 429
    page = stopped.content.decode()
    assert "Too many tries" in page
    assert "Nothing is lost" in page
    assert client.get(SIGNUP).status_code == 200  # reading is never limited
