"""What every test may lean on: a loaded bank, a named cast, and the real parts.

The bank is loaded once per test database, outside any test's transaction; after a test that
committed rows (threads, workers, browser) the database is put back as it was loaded.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import time_machine
from django.conf import settings
from django.core.cache import cache
from django.core.management import call_command
from django.test import TransactionTestCase, override_settings
from pytest_django.plugin import DjangoDbBlocker

from attempts import fingerprint
from tests.snapshot import Snapshot
from tests.world import NOON, World, load_fixtures

ROOT = Path(__file__).resolve().parent.parent
# Hashing is slow on purpose; only the tests of logging in care, and any hasher serves them.
FAST_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(scope="session", autouse=True)
def _static_files_as_they_are() -> Iterator[None]:
    """Tests read static files from the source folder; hashing them is provision's work."""
    storages = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    with override_settings(
        STORAGES=storages,
        PASSWORD_HASHERS=FAST_HASHERS,
        WHITENOISE_USE_FINDERS=True,
        WHITENOISE_AUTOREFRESH=True,
    ):
        yield


@pytest.fixture(scope="session", autouse=True)
def _bank_is_read_anew() -> Iterator[None]:
    """A start believes for a second what it knows of the bank; a test is shorter than that."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fingerprint, "BELIEVED_FOR", -1.0)
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The test database, with the cache table, both outlines, the exams and the real bank.

    Django would empty it after a test with committed rows, and does so after that test's own
    fixtures are gone; it puts the loaded rows back instead.
    """
    with django_db_blocker.unblock():
        call_command("createcachetable", verbosity=0)
        load_fixtures()
        loaded = Snapshot()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _: loaded.restore())
        yield


@pytest.fixture
def at_noon() -> Iterator[None]:
    """The clock goes on from NOON: the test says the same at any hour of any day, and however long
    ago its module was imported."""
    with time_machine.travel(NOON, tick=True):
        yield


@pytest.fixture
def world(db: None) -> World:
    """The cast, inside a transaction that is rolled back after the test."""
    cache.clear()
    return World()


@pytest.fixture
def live_world(transactional_db: None) -> World:
    """The cast in committed rows, for threads, workers and browsers."""
    return World()


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, object]) -> dict[str, object]:
    """The Chromium that `manage.py test` found, kept from calling home."""
    return {
        **browser_type_launch_args,
        "executable_path": os.environ.get("CHROMIUM") or None,
        "args": [
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ],
    }
