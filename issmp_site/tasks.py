"""Housekeeping that belongs to no app."""

from __future__ import annotations

from celery import shared_task
from django.core.management import call_command


@shared_task(name="issmp_site.clear_expired")
def clear_expired() -> None:
    """Expired sessions leave the database."""
    call_command("clearsessions")
