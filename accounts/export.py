"""A person's own data, as far as this app holds it. A pure read."""

from __future__ import annotations

from datetime import date, datetime
from typing import TypedDict

from allauth.account.models import EmailAddress

from accounts.models import User


class Address(TypedDict):
    email: str
    verified: bool
    primary: bool


class Profile(TypedDict):
    email: str
    addresses: list[Address]
    name: str
    time_zone: str
    exam_date: date | None
    extra_time_percent: int
    joined_at: datetime
    last_login_at: datetime | None
    may_author: bool


def profile_of(person: User) -> Profile:
    addresses = EmailAddress.objects.filter(user=person).order_by("-primary", "email")
    return {
        "email": person.email,
        "addresses": [
            {"email": address.email, "verified": address.verified, "primary": address.primary}
            for address in addresses
        ],
        "name": person.name,
        "time_zone": person.time_zone,
        "exam_date": person.exam_date,
        "extra_time_percent": person.extra_time_percent,
        "joined_at": person.date_joined,
        "last_login_at": person.last_login,
        "may_author": person.is_staff,
    }
