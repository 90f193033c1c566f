"""Exams (presets), attempts and what happened in them.

Only `attempts.services` and the scorer (`attempts.results`) move a state.
"""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q

from attempts.states import State
from domains.models import Domain, Outline
from questions.models import Choice, Question, QuestionVersion


class Exam(models.Model):
    """A preset a candidate can choose. The outline, and a drill's domain, come at the start."""

    class Kind(models.TextChoices):
        SIMULATION = "simulation", "Full simulation"
        HALF = "half", "Half exam"
        QUICK = "quick", "Quick check"
        DRILL = "drill", "Domain drill"

    class Feedback(models.TextChoices):
        """When the key and the rationales may be shown. The feedback rule; see access.py."""

        AT_END = "at_end", "After the exam has been scored"
        AFTER_ANSWER = "after_answer", "As soon as a question is answered"

    class Navigation(models.TextChoices):
        """Which questions a candidate may go to. The navigation rule; see access.py."""

        FREE = "free", "Back and forth"
        FORWARD = "forward", "Forward only"

    RESERVED_KEYS: ClassVar[frozenset[str]] = frozenset({"tutorial"})
    """Addresses of other pages below /exams/: see urls_exams.py."""

    key = models.SlugField(unique=True)
    title = models.CharField(max_length=80)
    summary = models.CharField(max_length=200, blank=True)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    item_count = models.PositiveSmallIntegerField(validators=[MinValueValidator(1)])
    minutes = models.PositiveSmallIntegerField(validators=[MinValueValidator(1)])
    feedback = models.CharField(max_length=12, choices=Feedback.choices, default=Feedback.AT_END)
    navigation = models.CharField(
        max_length=8,
        choices=Navigation.choices,
        default=Navigation.FREE,
        db_default=Navigation.FREE,
    )
    position = models.PositiveSmallIntegerField(default=0, help_text="Order on the exams page.")
    is_offered = models.BooleanField(default=True)
    loaded_hash = models.CharField(max_length=64, blank=True, editable=False)

    class Meta:
        ordering: ClassVar[list[str]] = ["position", "key"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(item_count__gte=1, minutes__gte=1), name="exam_has_items_and_minutes"
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def clean(self) -> None:
        """A key is chosen once; where it was chosen before it was reserved, the rest may change."""
        super().clean()
        if self._state.adding and self.key in self.RESERVED_KEYS:
            raise ValidationError(
                {"key": f"/exams/{self.key}/ is the address of another page. Choose another key."}
            )

    @property
    def is_drill(self) -> bool:
        return self.kind == self.Kind.DRILL


class Attempt(models.Model):
    class CloseReason(models.TextChoices):
        SUBMITTED = "submitted", "Submitted"
        CLOCK = "clock", "Time ran out"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="attempts",
        db_index=False,  # attempt_by_user_newest begins with it
    )
    # Without an index of their own: only the deletion of an exam or an outline would use it.
    exam = models.ForeignKey(
        Exam, on_delete=models.PROTECT, related_name="attempts", db_index=False
    )
    outline = models.ForeignKey(Outline, on_delete=models.PROTECT, related_name="+", db_index=False)
    domain = models.ForeignKey(
        Domain, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    state = models.CharField(max_length=12, choices=State.choices, default=State.IN_PROGRESS)
    seed = models.BigIntegerField(
        editable=False, help_text="Orders its questions and their options; drew them, too, mostly."
    )
    feedback = models.CharField(
        max_length=12,
        choices=Exam.Feedback.choices,
        help_text="The exam's rule when it was started; a later change of the exam is not for it.",
    )
    navigation = models.CharField(
        max_length=8,
        choices=Exam.Navigation.choices,
        default=Exam.Navigation.FREE,
        db_default=Exam.Navigation.FREE,
        help_text="The exam's rule when it was started.",
    )
    strict = models.BooleanField(
        default=False,
        db_default=False,
        help_text="A rehearsal of the real conditions, by the person's own choice.",
    )
    departures = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="How often the window was left, in a strict attempt."
    )
    away_ms = models.PositiveIntegerField(
        default=0, db_default=0, help_text="How long it was left, in all, as the browser tells it."
    )
    counted = models.BinaryField(
        default=b"",
        db_default=b"",
        help_text="Names of the changes last added to a sum, 16 bytes each, to know a resend.",
    )
    extra_time_percent = models.PositiveSmallIntegerField(default=0)
    started_at = models.DateTimeField()
    deadline = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    close_reason = models.CharField(max_length=12, choices=CloseReason.choices, blank=True)
    scored_at = models.DateTimeField(null=True, blank=True)
    report_opened_at = models.DateTimeField(
        null=True, blank=True, help_text="From here on the keys are known and nothing late counts."
    )
    voided_at = models.DateTimeField(null=True, blank=True)
    void_reason = models.CharField(max_length=200, blank=True)
    last_position = models.PositiveSmallIntegerField(
        default=1, help_text="Where the person comes back to."
    )

    # Results, written once by scoring.
    item_count = models.PositiveSmallIntegerField()
    answered_count = models.PositiveSmallIntegerField(null=True, blank=True)
    correct_count = models.PositiveSmallIntegerField(null=True, blank=True)
    first_count = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Answered items whose key this person had not seen before."
    )
    first_correct = models.PositiveSmallIntegerField(null=True, blank=True)
    share_low = models.FloatField(null=True, blank=True)
    share_high = models.FloatField(null=True, blank=True)
    pass_share = models.FloatField(
        null=True,
        blank=True,
        help_text="Share a just-qualified candidate is expected to get right on this form.",
    )
    group_rate = models.FloatField(
        null=True, blank=True, help_text="The g that domain estimates were shrunk towards."
    )

    class Meta:
        ordering: ClassVar[list[str]] = ["-started_at"]
        permissions = (("remedy_attempt", "May extend, reopen and void attempts"),)
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["user", "-started_at"], name="attempt_by_user_newest"),
            models.Index(
                fields=["deadline"], condition=Q(state="in_progress"), name="attempt_open_deadline"
            ),
            models.Index(
                fields=["closed_at"], condition=Q(state="closed"), name="attempt_awaiting_score"
            ),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["user"],
                condition=Q(state="in_progress"),
                name="one_open_attempt_per_person",
            ),
            models.CheckConstraint(
                condition=Q(deadline__gt=F("started_at")), name="attempt_deadline_after_start"
            ),
            models.CheckConstraint(
                condition=(
                    Q(
                        state="in_progress",
                        closed_at__isnull=True,
                        close_reason="",
                        scored_at__isnull=True,
                        voided_at__isnull=True,
                    )
                    | (
                        Q(state="closed", closed_at__isnull=False)
                        & Q(scored_at__isnull=True, voided_at__isnull=True)
                        & ~Q(close_reason="")
                    )
                    | (
                        Q(state="scored", closed_at__isnull=False, scored_at__isnull=False)
                        & Q(voided_at__isnull=True, correct_count__isnull=False)
                        & ~Q(close_reason="")
                    )
                    | (Q(state="void", voided_at__isnull=False) & ~Q(void_reason=""))
                ),
                name="attempt_state_matches_its_columns",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.exam} of {self.user} on {self.started_at:%Y-%m-%d}"

    @property
    def status(self) -> State:
        return State(self.state)


class AttemptItem(models.Model):
    """125 rows an attempt, each written again when it is shown and answered: no index that only the
    deletion of something else would use, and none on what an answer changes, so that Postgres can
    put the new row beside the old one and touch no index at all."""

    attempt = models.ForeignKey(
        Attempt, on_delete=models.CASCADE, related_name="items", db_index=False
    )
    position = models.PositiveSmallIntegerField()
    version = models.ForeignKey(QuestionVersion, on_delete=models.PROTECT, related_name="+")
    domain = models.ForeignKey(Domain, on_delete=models.PROTECT, related_name="+", db_index=False)
    choice_order = ArrayField(models.BigIntegerField(), size=4)
    choice = models.ForeignKey(
        Choice,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    revision = models.PositiveIntegerField(default=0)
    answered_at = models.DateTimeField(null=True, blank=True)
    flagged = models.BooleanField(default=False)
    seen_at = models.DateTimeField(null=True, blank=True)
    visible_ms = models.PositiveIntegerField(
        default=0, help_text="How long the question stood on a visible page, in milliseconds."
    )
    first_exposure = models.BooleanField(
        default=True, help_text="The person had not been shown this question's key before."
    )
    is_correct = models.BooleanField(null=True, blank=True, help_text="Written by scoring.")

    class Meta:
        ordering: ClassVar[list[str]] = ["attempt", "position"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["attempt", "position"], name="item_position_once_per_attempt"
            ),
            models.UniqueConstraint(
                fields=["attempt", "version"], name="item_version_once_per_attempt"
            ),
            models.CheckConstraint(
                condition=Q(choice__isnull=True) | Q(answered_at__isnull=False),
                name="answered_item_has_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"item {self.position} of attempt {self.attempt_id}"


class AnswerEvent(models.Model):
    """Append-only: every accepted change of an answer, in order, with the server's time."""

    item = models.ForeignKey(
        AttemptItem, on_delete=models.CASCADE, related_name="events", db_index=False
    )
    revision = models.PositiveIntegerField()
    choice = models.ForeignKey(Choice, on_delete=models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField(help_text="When the server accepted it.")
    chosen_at = models.DateTimeField(
        null=True, blank=True, help_text="When it was chosen, as the browser tells it."
    )
    late = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Chosen in time, delivered after the attempt had closed.",
    )
    op = models.UUIDField(
        null=True, blank=True, help_text="The browser's name for this change: a resend is known."
    )

    class Meta:
        ordering: ClassVar[list[str]] = ["item", "revision"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["item", "revision"], name="event_revision_once_per_item"
            ),
        ]

    def __str__(self) -> str:
        return f"revision {self.revision} of item {self.item_id}"


class NotCounted(models.Model):
    """An answer that reached us too late to count: what the person is told, and can look up.

    One row an item, the last refusal: a browser can send for ever.
    """

    class Reason(models.TextChoices):
        TOO_LATE = "too_late", "It arrived after the time for late answers was over"
        REPORT_OPEN = (
            "report_open",
            "It arrived after a report had been opened, or its question explained",
        )
        NOT_IN_TIME = "not_in_time", "It was not chosen before the end, as far as we can tell"

    item = models.OneToOneField(
        AttemptItem, on_delete=models.CASCADE, primary_key=True, related_name="not_counted"
    )
    choice = models.ForeignKey(Choice, on_delete=models.PROTECT, related_name="+")
    chosen_at = models.DateTimeField(null=True, blank=True)
    at = models.DateTimeField()
    reason = models.CharField(max_length=12, choices=Reason.choices)

    def __str__(self) -> str:
        return f"late answer to item {self.item_id}"


class Contact(models.Model):
    """When a browser was last in touch about an attempt.

    A browser's own time is believed only from here to the end of the attempt.
    """

    attempt = models.ForeignKey(
        Attempt, on_delete=models.CASCADE, related_name="contacts", db_index=False
    )
    device = models.UUIDField(help_text="What the browser's signed cookie names it.")
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["attempt", "device"], name="one_contact_per_attempt_and_device"
            ),
        ]

    def __str__(self) -> str:
        return f"device {self.device} in attempt {self.attempt_id}"


class Marking(models.Model):
    """What a person drew on a question: options struck out, words highlighted. Never measured."""

    item = models.OneToOneField(
        AttemptItem, on_delete=models.CASCADE, primary_key=True, related_name="marking"
    )
    struck = ArrayField(models.BigIntegerField(), size=4, default=list)
    highlights = models.JSONField(
        default=list, help_text="[start, end] pairs: characters of the stem's text."
    )

    def __str__(self) -> str:
        return f"marks on item {self.item_id}"


class Scratchpad(models.Model):
    """The sheet of notes that goes with an attempt. The person's own; never measured."""

    attempt = models.OneToOneField(
        Attempt, on_delete=models.CASCADE, primary_key=True, related_name="scratchpad"
    )
    text = models.TextField(blank=True)
    written_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"notes of attempt {self.attempt_id}"


class Remedy(models.Model):
    """What staff did to an attempt, and why. Append-only."""

    class Kind(models.TextChoices):
        EXTEND = "extend", "Extended"
        REOPEN = "reopen", "Reopened"
        VOID = "void", "Voided"

    attempt = models.ForeignKey(Attempt, on_delete=models.CASCADE, related_name="remedies")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    reason = models.CharField(max_length=200)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    at = models.DateTimeField()
    deadline_before = models.DateTimeField()
    deadline_after = models.DateTimeField()
    closed_before = models.DateTimeField(
        null=True, blank=True, help_text="When the attempt had ended, before it was reopened."
    )

    class Meta:
        ordering: ClassVar[list[str]] = ["attempt", "at"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=~Q(reason=""), name="remedy_has_a_reason"),
        ]

    def __str__(self) -> str:
        return f"attempt {self.attempt_id} {self.get_kind_display().lower()}"


class EarlierResult(models.Model):
    """What an attempt's result was before it was scored again."""

    attempt = models.ForeignKey(Attempt, on_delete=models.CASCADE, related_name="earlier_results")
    scored_at = models.DateTimeField()
    replaced_at = models.DateTimeField()
    reason = models.CharField(max_length=200)
    figures = models.JSONField(help_text="The attempt's result columns and its domain results.")

    class Meta:
        ordering: ClassVar[list[str]] = ["attempt", "replaced_at"]

    def __str__(self) -> str:
        return f"result of attempt {self.attempt_id} until {self.replaced_at:%Y-%m-%d %H:%M}"


class DomainResult(models.Model):
    """One domain's standing, from this attempt alone or from everything up to and with it.

    First exposures that were answered, only. Shares are 0..1; see psychometrics/mastery.py.
    """

    class Scope(models.TextChoices):
        ATTEMPT = "attempt", "This attempt"
        TO_DATE = "to_date", "Everything so far"

    class Band(models.TextChoices):
        BELOW = "below", "Below the line"
        ABOVE = "above", "Above the line"
        UNCLEAR = "unclear", "Too close to call"
        TOO_FEW = "too_few", "Not enough answers"

    attempt = models.ForeignKey(
        Attempt, on_delete=models.CASCADE, related_name="domain_results", db_index=False
    )
    domain = models.ForeignKey(Domain, on_delete=models.PROTECT, related_name="+", db_index=False)
    scope = models.CharField(max_length=8, choices=Scope.choices)
    n = models.PositiveIntegerField()
    correct = models.PositiveIntegerField()
    target = models.FloatField()
    estimate = models.FloatField()
    low = models.FloatField(help_text="5th percentile")
    high = models.FloatField(help_text="95th percentile")
    p_below = models.FloatField(help_text="Probability that the true share is below the target")
    band = models.CharField(max_length=8, choices=Band.choices)
    expected_gain = models.FloatField(help_text="Points of 1000 at stake, goal .85")
    p_weakest = models.FloatField(help_text="Probability that this is the weakest domain")
    study_first = models.BooleanField(default=False)

    class Meta:
        ordering: ClassVar[list[str]] = ["attempt", "scope", "domain__number"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["attempt", "domain", "scope"], name="one_result_per_domain_and_scope"
            ),
            models.CheckConstraint(
                condition=Q(correct__lte=F("n")), name="domain_correct_within_n"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.domain} in attempt {self.attempt_id} ({self.scope})"


class Exposure(models.Model):
    """How often the bank has shown a question to anybody; refreshed by beat (exposure.py), because
    counting at every start would read every item of every attempt."""

    question = models.OneToOneField(
        Question, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    count = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.question_id} shown {self.count} times"


class ReadyForm(models.Model):
    """A form drawn ahead for whoever has met nothing yet (shelf.py). Made again when it is gone."""

    exam = models.ForeignKey(Exam, on_delete=models.CASCADE, related_name="+")
    outline = models.ForeignKey(Outline, on_delete=models.CASCADE, related_name="+")
    bank = models.CharField(max_length=32, help_text="Fingerprint of what it was drawn from.")
    items = models.JSONField(help_text="What shelf.Drawn says of each item, as lists.")
    uses = models.PositiveIntegerField(default=0)
    drawn_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["exam", "outline", "uses"], name="ready_form_least_used"),
        ]

    def __str__(self) -> str:
        return f"{self.exam} by {self.outline}, used {self.uses} times"
