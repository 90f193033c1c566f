"""How long the whole bank takes to load: into an empty database, and again with nothing to do.

    python3 manage.py shell -c "from bench.bank_load import main; main()"    (beside `up`)

Works in one transaction that is rolled back, so the installation keeps what it has; its questions
are locked meanwhile. The floor, in the same run, is reading and checking the files alone.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from questions.bank import read_bank
from questions.loading import load_bank

BANK = Path(__file__).resolve().parent.parent / "fixtures" / "bank"


def main() -> None:
    began = time.perf_counter()
    bank = read_bank(BANK)
    read = time.perf_counter() - began
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE questions_question, questions_scenario CASCADE")
        first, statements = _load()
        again, few = _load()
        transaction.set_rollback(True)
    figures = {
        "items": len(bank.items),
        "read_s": round(read, 2),
        "first_load_s": round(first, 2),
        "first_load_statements": statements,
        "unchanged_load_s": round(again, 2),
        "unchanged_load_statements": few,
        "first_load_over_read": round(first / read, 2),
    }
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")


def _load() -> tuple[float, int]:
    """Seconds, files read anew as the command does, and statements."""
    began = time.perf_counter()
    with CaptureQueriesContext(connection) as queries:
        load_bank(read_bank(BANK), now=timezone.now())
    return time.perf_counter() - began, len(queries)
