"""What we change in django-allauth: absolute links that also work from a worker."""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse


class AccountAdapter(DefaultAccountAdapter):
    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: object) -> str:
        key = getattr(emailconfirmation, "key")  # noqa: B009  (allauth ships no types)
        return settings.SITE_URL + reverse("account_confirm_email", args=[key])

    def get_reset_password_from_key_url(self, key: str) -> str:
        # allauth's key is "<user>-<token>"; its URL pattern wants the two apart.
        user, _, token = key.partition("-")
        return settings.SITE_URL + reverse("account_reset_password_from_key", args=[user, token])
