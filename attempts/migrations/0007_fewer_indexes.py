"""Indexes that another index begins with, or that only a deletion elsewhere would use, go; and
pages keep room for the new row of an answer beside the old one, so that it touches no index.

By name, because Django's own way makes every foreign key anew and reads both tables to check it:
minutes, with a million attempts, in which nobody could answer.
"""

from typing import Final

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

INDEXES: Final = {
    "attempts_answerevent_choice_id_45f52886": "attempts_answerevent (choice_id)",
    "attempts_answerevent_item_id_e42b79db": "attempts_answerevent (item_id)",
    "attempts_attempt_domain_id_5bf3edb4": "attempts_attempt (domain_id)",
    "attempts_attempt_exam_id_fb6257d4": "attempts_attempt (exam_id)",
    "attempts_attempt_outline_id_d4eb7f07": "attempts_attempt (outline_id)",
    "attempts_attempt_user_id_7c840a6b": "attempts_attempt (user_id)",
    "attempts_attemptitem_attempt_id_027549f0": "attempts_attemptitem (attempt_id)",
    "attempts_attemptitem_choice_id_90e4f5a2": "attempts_attemptitem (choice_id)",
    "attempts_attemptitem_domain_id_8291aa3f": "attempts_attemptitem (domain_id)",
    "attempts_contact_attempt_id_b3a83c85": "attempts_contact (attempt_id)",
    "attempts_domainresult_attempt_id_44c92770": "attempts_domainresult (attempt_id)",
    "attempts_domainresult_domain_id_bcc239fa": "attempts_domainresult (domain_id)",
}
ROOMY: Final = ("attempts_attempt", "attempts_attemptitem", "attempts_contact")


class Migration(migrations.Migration):
    dependencies = [
        ("attempts", "0006_changes_known_again"),
        ("domains", "0001_initial"),
        ("questions", "0002_published_text_never_changes"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                *(
                    migrations.RunSQL(f"DROP INDEX {name}", f"CREATE INDEX {name} ON {columns}")
                    for name, columns in INDEXES.items()
                ),
                *(
                    migrations.RunSQL(
                        f"ALTER TABLE {table} SET (fillfactor = 80)",
                        f"ALTER TABLE {table} RESET (fillfactor)",
                    )
                    for table in ROOMY
                ),
            ],
            state_operations=[
                migrations.AlterField(
                    model_name="answerevent",
                    name="choice",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="questions.choice",
                    ),
                ),
                migrations.AlterField(
                    model_name="answerevent",
                    name="item",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="events",
                        to="attempts.attemptitem",
                    ),
                ),
                migrations.AlterField(
                    model_name="attempt",
                    name="domain",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="domains.domain",
                    ),
                ),
                migrations.AlterField(
                    model_name="attempt",
                    name="exam",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="attempts",
                        to="attempts.exam",
                    ),
                ),
                migrations.AlterField(
                    model_name="attempt",
                    name="outline",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="domains.outline",
                    ),
                ),
                migrations.AlterField(
                    model_name="attempt",
                    name="user",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="attempts",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                migrations.AlterField(
                    model_name="attemptitem",
                    name="attempt",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="items",
                        to="attempts.attempt",
                    ),
                ),
                migrations.AlterField(
                    model_name="attemptitem",
                    name="choice",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="questions.choice",
                    ),
                ),
                migrations.AlterField(
                    model_name="attemptitem",
                    name="domain",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="domains.domain",
                    ),
                ),
                migrations.AlterField(
                    model_name="contact",
                    name="attempt",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="contacts",
                        to="attempts.attempt",
                    ),
                ),
                migrations.AlterField(
                    model_name="domainresult",
                    name="attempt",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="domain_results",
                        to="attempts.attempt",
                    ),
                ),
                migrations.AlterField(
                    model_name="domainresult",
                    name="domain",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="domains.domain",
                    ),
                ),
            ],
        )
    ]
