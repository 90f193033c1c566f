"""Reports of before this column was there count as opened when they could first be: their keys may
be known, so nothing of those attempts is to go on, and their people keep their results.

In pieces with a commit each: a million rows in one would keep their people waiting for all of them.
It can be broken off and run again.
"""

from __future__ import annotations

from django.db import migrations
from django.db.models import F, Max

PIECE = 5_000  # ids


def count_as_opened(apps, schema_editor):
    attempts = apps.get_model("attempts", "Attempt").objects.order_by()
    last = attempts.aggregate(last=Max("pk"))["last"] or 0
    unopened = attempts.filter(scored_at__isnull=False, report_opened_at__isnull=True)
    for first in range(1, last + 1, PIECE):
        piece = unopened.filter(pk__gte=first, pk__lt=first + PIECE)
        piece.update(report_opened_at=F("scored_at"))


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("attempts", "0003_exam_room"),
    ]

    operations = [
        # What was filled stays when it is taken back: 0003 drops the column.
        migrations.RunPython(count_as_opened, migrations.RunPython.noop, elidable=True),
    ]
