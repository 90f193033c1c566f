"""What we change in django-allauth: absolute links that also work from a worker."""

from __future__ import annotations

from typing import ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse


class AccountAdapter(DefaultAccountAdapter):
    # Our voice where the library's shows: what happened and what to do.
    error_messages: ClassVar[dict[str, str]] = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": (
            "This e-mail address and password do not belong together. Check both, or reset your "
            "password."
        ),
        "enter_current_password": "This is not your present password.",
        "incorrect_password": "This is not your password.",
        "too_many_login_attempts": "Too many tries. Wait a few minutes, then try again.",
        "email_taken": "Somebody has signed up with this e-mail address already.",
        "rate_limited": "Too many requests. Wait a few minutes, then try again.",
    }

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: object) -> str:
        key = getattr(emailconfirmation, "key")  # noqa: B009  (allauth ships no types)
        return settings.SITE_URL + reverse("account_confirm_email", args=[key])

    def get_reset_password_from_key_url(self, key: str) -> str:
        # allauth's key is "<user>-<token>"; its URL pattern wants the two apart.
        user, _, token = key.partition("-")
        return settings.SITE_URL + reverse("account_reset_password_from_key", args=[user, token])
