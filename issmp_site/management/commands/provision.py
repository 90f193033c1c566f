"""`manage.py provision`: everything a new or upgraded installation needs before it serves.

Idempotent. Migrations, cache table, outlines, exams, bank, the roles' groups, static files.
"""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from attempts.presets import PresetError, load_exams
from domains.outlines import OutlineError, load_outlines
from issmp_site import demo
from issmp_site.roles import ensure_roles


class Command(BaseCommand):
    help = "Prepares the database and static files; safe to run at every start and upgrade."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--no-static", action="store_true", help="Leave static files alone (already built)."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        fixtures = Path(settings.BASE_DIR, "fixtures")
        call_command("migrate", interactive=False, verbosity=0)
        call_command("createcachetable", verbosity=0)
        try:
            outlines = load_outlines(fixtures / "outlines")
            exams = load_exams(fixtures / "exams.yaml")
        except (OutlineError, PresetError) as error:
            raise CommandError(f"Nothing was loaded. {error}") from error
        for conflict in [*outlines.conflicts, *exams.conflicts]:
            self.stderr.write(self.style.WARNING(conflict))
        call_command("bank", "load", fixtures / "bank", stdout=self.stdout, stderr=self.stderr)
        ensure_roles()
        demo.allow(log_in=settings.DEMO)
        if not options["no_static"]:
            call_command("collectstatic", interactive=False, verbosity=0)
        self.stdout.write("Database, outlines, exams, bank and static files are up to date.")
