"""`manage.py demo_world`: the demo accounts and their study group, on the embedded default only."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from issmp_site import demo


class Command(BaseCommand):
    help = (
        "Creates the demo accounts and their history once; later runs only renew the password. "
        "Takes the password from ISSMP_DEMO_PASSWORD. Refused outside `manage.py up`."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError(
                "Demo accounts exist only with the embedded database that "
                "`python3 manage.py up` starts (without --no-demo). Nothing was created."
            )
        password = os.environ.get("ISSMP_DEMO_PASSWORD", "")
        if not password:
            raise CommandError("Set ISSMP_DEMO_PASSWORD to the password the accounts shall have.")
        if demo.exists():
            demo.set_passwords(password)
            self.stdout.write("The demo world is there already.")
            return
        count = demo.create(password, timezone.now())
        self.stdout.write(f"Demo world: a group of {len(demo.CAST)} with {count} attempts.")
