"""The bank. A Question is an identity; what candidates read is one of its versions.

A version is a draft until it is published and never changes afterwards: attempts point at it. The
database itself refuses such a change (migration 0002), whoever asks.
"""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from domains.models import Objective, Outline
from questions.misjudgements import MISJUDGEMENTS


class Scenario(models.Model):
    """A text shared by several questions. Candidates read the copy in a question's version."""

    key = models.SlugField(max_length=80, unique=True)
    title = models.CharField(max_length=120)
    text = models.TextField(help_text="Markdown. Shown above the stem of each question in the set.")
    text_html = models.TextField(editable=False)
    loaded_hash = models.CharField(max_length=64, blank=True, editable=False)

    class Meta:
        ordering: ClassVar[list[str]] = ["key"]

    def __str__(self) -> str:
        return self.title


class QuestionQuerySet(models.QuerySet["Question"]):
    def with_status(self) -> QuestionQuerySet:
        """Annotates `status`: published, else draft, else retired (the best of its versions)."""
        versions = QuestionVersion.objects.filter(question=models.OuterRef("pk"))
        return self.annotate(
            status=models.Case(
                models.When(
                    models.Exists(versions.filter(status=QuestionVersion.Status.PUBLISHED)),
                    then=models.Value("published"),
                ),
                models.When(
                    models.Exists(versions.filter(status=QuestionVersion.Status.DRAFT)),
                    then=models.Value("draft"),
                ),
                default=models.Value("retired"),
                output_field=models.CharField(),
            )
        )


class Question(models.Model):
    key = models.SlugField(
        max_length=80, unique=True, help_text="Stable for ever; files and records refer to it."
    )
    scenario = models.ForeignKey(
        Scenario, on_delete=models.PROTECT, null=True, blank=True, related_name="questions"
    )
    enemies = models.ManyToManyField(
        "self", blank=True, help_text="Questions that give this one away; never on the same form."
    )
    tags = ArrayField(models.SlugField(max_length=40), default=list, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    loaded_hash = models.CharField(max_length=64, blank=True, editable=False)

    objects: ClassVar[QuestionQuerySet] = QuestionQuerySet.as_manager()  # type: ignore[assignment]  # django-stubs types managers, not querysets as managers

    class Meta:
        ordering: ClassVar[list[str]] = ["key"]

    def __str__(self) -> str:
        return self.key


class Placement(models.Model):
    """Where a question sits in one outline; at most one objective per outline."""

    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="placements")
    outline = models.ForeignKey(Outline, on_delete=models.PROTECT, related_name="+")
    objective = models.ForeignKey(Objective, on_delete=models.PROTECT, related_name="placements")

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["question", "outline"], name="one_objective_per_question_and_outline"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.question} at {self.objective.code} of {self.outline}"


class QuestionVersion(models.Model):
    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        PUBLISHED = "published", "Published"
        RETIRED = "retired", "Retired"

    class Level(models.TextChoices):
        RECALL = "recall", "Recall"
        APPLY = "apply", "Apply"
        ANALYSE = "analyse", "Analyse"
        EVALUATE = "evaluate", "Evaluate"

    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField(editable=False)
    status = models.CharField(
        max_length=10, choices=Status.choices, default=Status.DRAFT, editable=False
    )
    # The scenario as it was when the version was sealed; empty where there is none.
    scenario_title = models.CharField(max_length=120, blank=True, editable=False)
    scenario_text = models.TextField(blank=True, editable=False)
    scenario_html = models.TextField(blank=True, editable=False)
    stem = models.TextField(help_text="Markdown: the situation, then one question.")
    stem_html = models.TextField(editable=False)
    difficulty = models.DecimalField(
        "judged difficulty",
        max_digits=3,
        decimal_places=2,
        validators=[MinValueValidator(0.30), MaxValueValidator(0.90)],
        help_text="Probability that a just-qualified candidate gets it right, .30 to .90 (Angoff).",
    )
    level = models.CharField("cognitive level", max_length=10, choices=Level.choices)
    references = models.JSONField(default=list, help_text="Public, checkable sources.")
    content_hash = models.CharField(max_length=64, editable=False, db_index=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
    )
    created_at = models.DateTimeField(auto_now_add=True)
    published_at = models.DateTimeField(null=True, blank=True, editable=False)
    retired_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering: ClassVar[list[str]] = ["question", "-number"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["question", "number"], name="version_number_once_per_question"
            ),
            models.UniqueConstraint(
                fields=["question"],
                condition=Q(status="published"),
                name="one_published_version_per_question",
            ),
            models.UniqueConstraint(
                fields=["question"],
                condition=Q(status="draft"),
                name="one_draft_version_per_question",
            ),
            models.CheckConstraint(
                condition=Q(difficulty__gte=0.30, difficulty__lte=0.90),
                name="difficulty_between_30_and_90",
            ),
            models.CheckConstraint(
                condition=(
                    Q(status="draft", published_at__isnull=True, retired_at__isnull=True)
                    | Q(status="published", published_at__isnull=False, retired_at__isnull=True)
                    | Q(status="retired", retired_at__isnull=False)
                ),
                name="version_status_matches_its_dates",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.question} v{self.number}"


class Choice(models.Model):
    version = models.ForeignKey(QuestionVersion, on_delete=models.CASCADE, related_name="choices")
    position = models.PositiveSmallIntegerField(
        editable=False, help_text="As written; candidates see a shuffled order."
    )
    text = models.TextField()
    text_html = models.TextField(editable=False)
    rationale = models.TextField(help_text="Why right, or why wrong here, naming the principle.")
    rationale_html = models.TextField(editable=False)
    is_correct = models.BooleanField("this is the key", default=False)
    misjudgement = models.CharField(
        max_length=40,
        blank=True,
        choices=list(MISJUDGEMENTS.items()),
        help_text="For a distractor: the wrong way of thinking it stands for.",
    )

    class Meta:
        ordering: ClassVar[list[str]] = ["version", "position"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["version", "position"], name="choice_position_once_per_version"
            ),
            models.UniqueConstraint(
                fields=["version"], condition=Q(is_correct=True), name="one_key_per_version"
            ),
            models.CheckConstraint(
                condition=Q(is_correct=True, misjudgement="") | Q(is_correct=False),
                name="key_has_no_misjudgement",
            ),
        ]

    def __str__(self) -> str:
        return self.text[:60]
