from __future__ import annotations

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.contrib.staticfiles.apps import StaticFilesConfig


class SiteConfig(AppConfig):
    name = "issmp_site"
    verbose_name = "Touchstone"

    def ready(self) -> None:
        # Makes our Celery app the current one, so that `shared_task(...).delay` finds the broker.
        import issmp_site.celery  # noqa: F401


class AuthoringAdminConfig(AdminConfig):
    """Django's admin under our own site class: our name, our look, e-mail log-in."""

    default_site = "issmp_site.admin.AuthoringSite"


class StaticConfig(StaticFilesConfig):
    """Leaves out htmx's extensions: we use none, and their imports name files outside the package,
    which the rewriting of module names rightly refuses."""

    ignore_patterns = [*StaticFilesConfig.ignore_patterns, "django_htmx/ext/*"]  # noqa: RUF012
