"""A choice of a published version may not be moved to a draft either: 0002 looked only at where it
was to go."""

from __future__ import annotations

from django.db import migrations

FUNCTION = """
CREATE OR REPLACE FUNCTION questions_choice_is_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    versions bigint[] := {versions};
BEGIN
    IF TG_OP = 'UPDATE' AND
        (NEW.version_id, NEW.position, NEW.text, NEW.rationale, NEW.is_correct, NEW.misjudgement)
        IS NOT DISTINCT FROM
        (OLD.version_id, OLD.position, OLD.text, OLD.rationale, OLD.is_correct, OLD.misjudgement)
    THEN
        RETURN NEW;  -- only its rendered HTML
    END IF;
    IF EXISTS (
        SELECT FROM questions_questionversion WHERE id = ANY (versions) AND status <> 'draft'
    ) THEN
        RAISE EXCEPTION 'published_text_never_changes: a choice of version %', versions[1]
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
"""

FORWARD = FUNCTION.format(versions="ARRAY[OLD.version_id, NEW.version_id]")
BACKWARD = FUNCTION.format(
    versions="ARRAY[CASE WHEN TG_OP = 'DELETE' THEN OLD.version_id ELSE NEW.version_id END]"
)


class Migration(migrations.Migration):
    dependencies = [("questions", "0002_published_text_never_changes")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
