"""The database refuses to change what was published, whoever asks.

Rendered HTML may be renewed (a better renderer), status and its dates move on; the scenario, the
words, the key, the rationales, difficulty and references of a version that left draft do not.
"""

from __future__ import annotations

from django.db import migrations

FORWARD = """
CREATE FUNCTION questions_version_is_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status <> 'draft' AND (
        NEW.status = 'draft'
        OR (OLD.status = 'retired' AND NEW.status <> 'retired')
        OR (NEW.question_id, NEW.number, NEW.stem, NEW.difficulty, NEW.level, NEW.content_hash)
            IS DISTINCT FROM
           (OLD.question_id, OLD.number, OLD.stem, OLD.difficulty, OLD.level, OLD.content_hash)
        OR (NEW.scenario_title, NEW.scenario_text)
            IS DISTINCT FROM (OLD.scenario_title, OLD.scenario_text)
        OR NEW."references" IS DISTINCT FROM OLD."references"
    ) THEN
        RAISE EXCEPTION 'published_text_never_changes: version % is %', OLD.id, OLD.status
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER published_text_never_changes BEFORE UPDATE ON questions_questionversion
    FOR EACH ROW EXECUTE FUNCTION questions_version_is_frozen();

CREATE FUNCTION questions_choice_is_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    -- Where it was and where it goes; OLD is NULL on INSERT, NEW on DELETE.
    versions bigint[] := ARRAY[OLD.version_id, NEW.version_id];
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
        RAISE EXCEPTION 'published_text_never_changes: a choice of versions %', versions
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;

CREATE TRIGGER published_text_never_changes
    BEFORE INSERT OR UPDATE OR DELETE ON questions_choice
    FOR EACH ROW EXECUTE FUNCTION questions_choice_is_frozen();
"""

BACKWARD = """
DROP TRIGGER published_text_never_changes ON questions_choice;
DROP FUNCTION questions_choice_is_frozen();
DROP TRIGGER published_text_never_changes ON questions_questionversion;
DROP FUNCTION questions_version_is_frozen();
"""


class Migration(migrations.Migration):
    dependencies = [("questions", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
