"""Addresses that staff vouch for.

Log-in asks for a verified address. An account made by staff (in the admin, or by `createsuperuser`
on the server) counts as verified: otherwise the first administrator would wait for a mail that a
fresh installation cannot send yet.
"""

from __future__ import annotations

from django.db import transaction

from accounts.models import User


def vouch_for(user: User) -> None:
    """Make the user's e-mail address its one primary, verified address."""
    from allauth.account.models import EmailAddress  # needs the app registry, createsuperuser too

    with transaction.atomic():
        EmailAddress.objects.filter(user=user).exclude(email__iexact=user.email).delete()
        EmailAddress.objects.update_or_create(
            user=user, email=user.email, defaults={"primary": True, "verified": True}
        )
