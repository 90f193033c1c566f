"""Reports of before this column was there count as opened when they could first be: their keys may
be known, so nothing of those attempts is to go on, and their people keep their results."""

from __future__ import annotations

from django.db import migrations
from django.db.models import F


def count_as_opened(apps, schema_editor):
    attempts = apps.get_model("attempts", "Attempt").objects.filter(scored_at__isnull=False)
    attempts.filter(report_opened_at__isnull=True).update(report_opened_at=F("scored_at"))


class Migration(migrations.Migration):
    dependencies = [
        ("attempts", "0003_exam_room"),
    ]

    operations = [
        # What was filled stays when it is taken back: 0003 drops the column.
        migrations.RunPython(count_as_opened, migrations.RunPython.noop, elidable=True),
    ]
