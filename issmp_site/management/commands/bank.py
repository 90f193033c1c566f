"""`manage.py bank`: check the bank's files, see what they cover, load them, write them out.

`check` and `coverage` read the files alone and need no database. The command lives in the frame
because `coverage` draws whole forms, which is the attempts' business, from the questions' files.
"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from attempts.assembly import disjoint_forms
from attempts.programme import SolverGaveUp
from domains.outlines import OutlineError
from issmp_site import bank_files
from issmp_site.bank_files import BankFolder
from questions import quality
from questions.bank import LEVELS, BankError
from questions.canonical import write_bank
from questions.loading import load_bank
from questions.storing import Unplaceable, published_bank

SHIPPED = Path(settings.BASE_DIR, "fixtures", "bank")


class Command(BaseCommand):
    help = "Checks, counts, loads and writes the question bank's files (fixtures/bank)."
    requires_system_checks = ()  # `check` is for machines without any server

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)

        def action(name: str, summary: str) -> ArgumentParser:
            added: ArgumentParser = actions.add_parser(name, help=summary, description=summary)
            added.add_argument(
                "folder",
                nargs="?",
                type=Path,
                default=SHIPPED,
                help="the bank's folder (default: the one that comes with Touchstone); outlines/, "
                "exams.yaml and blind-readings.yaml are taken from beside it, or from Touchstone's",
            )
            return added

        check = action("check", "Measure the files against every gate; fails when one is missed.")
        check.add_argument("--json", action="store_true", help="print the report for a program")
        coverage = action("coverage", "Print what the files hold for each objective of an outline.")
        coverage.add_argument("--outline", default="", help="its key (default: the one in force)")
        action("load", "Load the files; unchanged items are left, an instructor's work is kept.")
        action("export", "Write what is published as files, in the form this project keeps them.")

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["folder"]
        if options["action"] != "export" and not folder.is_dir():
            raise CommandError(f"There is no folder {folder}.")
        try:
            match options["action"]:
                case "check":
                    self._check(bank_files.read(folder, SHIPPED), as_json=options["json"])
                case "coverage":
                    self._coverage(bank_files.read(folder, SHIPPED), options["outline"])
                case "load":
                    self._load(folder)
                case "export":
                    self._export(folder)
        except (BankError, OutlineError, bank_files.BesideError) as error:
            if options.get("json"):  # a program reads this too
                report = {"passed": False, "faults": str(error).splitlines()}
                self.stdout.write(json.dumps(report, indent=2, ensure_ascii=False))
            raise CommandError(f"Mend these and try again; nothing was done:\n{error}") from error
        except bank_files.ExportError as error:
            raise CommandError(f"Nothing was written. {error}") from error

    # --- check ---

    def _check(self, files: BankFolder, *, as_json: bool) -> None:
        gates = quality.gates(files.bank, files.shapes, files.readings)
        if as_json:
            report = quality.as_json(files.bank, gates)
            self.stdout.write(json.dumps(report, indent=2, ensure_ascii=False))
        else:
            self._print_gates(files, gates)
        if failed := sum(not gate.passed for gate in gates):
            are = "is" if failed == 1 else "are"
            raise CommandError(f"{failed} of {len(gates)} gates {are} missed.", returncode=1)

    def _print_gates(self, files: BankFolder, gates: Sequence[quality.Gate]) -> None:
        items = {item.id: item for item in files.bank.items}
        self.stdout.write(
            f"{len(items)} items, {len(files.bank.scenarios)} scenarios, {len(gates)} gates\n"
        )
        names = max(len(gate.name) for gate in gates)
        figures = max(len(gate.figure) for gate in gates)
        for gate in gates:
            verdict = self.style.SUCCESS("pass") if gate.passed else self.style.ERROR("MISS")
            self.stdout.write(
                f"{verdict}  {gate.name:<{names}}  {gate.figure:>{figures}}  {gate.limit}"
            )
        for gate in gates:
            if gate.passed:
                continue
            self.stdout.write(f"\n{gate.name}: {gate.figure}, {gate.limit}")
            for finding in gate.findings:
                item = items.get(finding.item)
                where = f"{item.file}:{item.line}: {item.id}: " if item else ""
                self.stdout.write(f"  {where}{finding.about}: {finding.text}")

    # --- coverage ---

    def _coverage(self, files: BankFolder, key: str) -> None:
        outline = files.outline(key)
        if outline is None:
            known = ", ".join(known.shape.key for known in files.outlines)
            raise CommandError(f"There is no outline {key!r}; there are {known}.")
        shape = outline.shape
        placed = [(shape.placed[i.id], i) for i in files.bank.items if i.id in shape.placed]
        total = len(placed)
        self.stdout.write(f"{outline.title}: {total} items\n\n")
        header = "  ".join(f"{level:>8}" for level in LEVELS)
        self.stdout.write(
            f"{'':6}{'items':>6}{'share':>8}{'weight':>8}{'difficulty':>15}  {header}"
        )
        for number, weight in sorted(shape.weights.items()):
            inside = [item for code, item in placed if shape.objectives[code] == number]
            self._row(f"{number}", inside, total, f"{weight} %")
            for code, domain in shape.objectives.items():
                if domain == number:
                    self._row(f"  {code}", [i for c, i in placed if c == code], total, "")
        try:
            forms = str(disjoint_forms(outline.candidates(files.bank), shape.quotas))
        except SolverGaveUp:
            forms = "not found in the seconds allowed"
        self.stdout.write(
            f"\nFull forms of {sum(shape.quotas.values())} with no item in common: {forms}"
        )

    def _row(self, label: str, items: Sequence[Any], total: int, weight: str) -> None:
        judged = [item.difficulty for item in items]
        span = (
            f"{sum(judged) / len(judged):.2f} ({min(judged):.2f}-{max(judged):.2f})"
            if judged
            else ""
        )
        levels = Counter(item.level for item in items)
        counts = "  ".join(f"{levels[level]:>8}" for level in LEVELS)
        share = f"{100 * len(items) / total:.1f} %" if total else ""
        self.stdout.write(f"{label:6}{len(items):>6}{share:>8}{weight:>8}{span:>18}  {counts}")

    # --- load and export ---

    def _load(self, folder: Path) -> None:
        report = load_bank(bank_files.read_items(folder), now=timezone.now())
        for conflict in report.conflicts:
            self.stderr.write(self.style.WARNING(conflict))
        self.stdout.write(
            f"Bank: {report.created} new questions, {report.new_versions} new versions, "
            f"{report.replaced} placed anew, {report.unchanged} unchanged, "
            f"{len(report.conflicts)} conflicts."
        )

    def _export(self, folder: Path) -> None:
        if folder.exists() and not folder.is_dir():
            raise bank_files.ExportError(f"{folder} is not a folder.")
        try:
            files = write_bank(published_bank())
        except Unplaceable as error:
            raise bank_files.ExportError(str(error)) from error
        done = bank_files.replace_files(folder, files)
        self.stdout.write(
            f"Bank: {len(files)} files in {folder}, {done.written} written, "
            f"{done.removed} removed, {len(files) - done.written} as they were."
        )
