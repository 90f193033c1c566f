"""`manage.py bank load`: bring the bank up to its files."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from questions.bank import BankError, read_bank
from questions.loading import load_bank


class Command(BaseCommand):
    help = "Works with the question bank's files under fixtures/bank."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        load = actions.add_parser(
            "load", help="Load the files; unchanged items are left, an instructor's work is kept."
        )
        load.add_argument(
            "folder", nargs="?", type=Path, default=Path(settings.BASE_DIR, "fixtures", "bank")
        )

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["folder"]
        if not folder.is_dir():
            raise CommandError(f"There is no folder {folder}.")
        try:
            report = load_bank(read_bank(folder), now=timezone.now())
        except BankError as error:
            raise CommandError(
                f"Nothing was loaded. Mend these and load again:\n{error}"
            ) from error
        for conflict in report.conflicts:
            self.stderr.write(self.style.WARNING(conflict))
        self.stdout.write(
            f"Bank: {report.created} new questions, {report.new_versions} new versions, "
            f"{report.replaced} placed anew, {report.unchanged} unchanged, "
            f"{len(report.conflicts)} conflicts."
        )
