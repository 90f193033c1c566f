"""One settings file; everything that differs between machines comes from the environment.

`docs/operating.md` lists the variables; `python3 manage.py up` sets them for the one-machine
default.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent


def _flag(name: str, default: bool) -> bool:
    raw = os.environ.get(name, "").strip().lower()
    if raw == "":
        return default
    if raw in {"1", "true", "yes", "on"}:
        return True
    if raw in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} is {raw!r}; set it to 1 or 0.")


def _words(name: str, default: str = "") -> list[str]:
    return [word.strip() for word in os.environ.get(name, default).split(",") if word.strip()]


def _required(name: str, why: str) -> str:
    value = os.environ.get(name, "").strip()
    if not value:
        raise ImproperlyConfigured(
            f"{name} is not set ({why}). Start everything with `python3 manage.py up`, "
            f"or set {name}; docs/operating.md lists the variables."
        )
    return value


# --- Who we are -----------------------------------------------------------------------------

EMBEDDED = _flag("ISSMP_EMBEDDED", False)  # the one-machine default, set by `manage.py up`
DEMO = EMBEDDED and _flag("ISSMP_DEMO", False)
DEBUG = _flag("ISSMP_DEBUG", False)
SECRET_KEY = _required("ISSMP_SECRET_KEY", "signs sessions and links")
SITE_URL = os.environ.get("ISSMP_SITE_URL", "http://127.0.0.1:8000").rstrip("/")
HTTPS = _flag("ISSMP_HTTPS", not EMBEDDED)
ALLOWED_HOSTS = _words("ISSMP_ALLOWED_HOSTS", "127.0.0.1,localhost")
CSRF_TRUSTED_ORIGINS = _words("ISSMP_CSRF_TRUSTED_ORIGINS", SITE_URL)
ADMINS = [(address, address) for address in _words("ISSMP_ADMINS")]

INSTALLED_APPS = [
    "issmp_site.apps.SiteConfig",
    "issmp_site.apps.AuthoringAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "issmp_site.apps.StaticConfig",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "django_htmx",
    "accounts",
    "domains",
    "questions",
    "attempts",
    "cohorts",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "issmp_site.security.ContentSecurityPolicyMiddleware",
    "issmp_site.security.NoZeroBytesMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "issmp_site.compression.CompressionMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.TimeZoneMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

ROOT_URLCONF = "issmp_site.urls"
WSGI_APPLICATION = "issmp_site.wsgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

# --- Storage --------------------------------------------------------------------------------


def _database() -> dict[str, Any]:
    url = _required("DATABASE_URL", "where Postgres is")
    try:
        parsed: dict[str, Any] = {**dj_database_url.parse(url)}
    except ValueError as error:  # the library's own words can hold the password
        raise ImproperlyConfigured("DATABASE_URL is not a URL this program can read.") from error
    if parsed.get("ENGINE") != "django.db.backends.postgresql":
        raise ImproperlyConfigured("DATABASE_URL must start with postgres://")
    # A machine that vanished says nothing: a connect, and a query under way, give up on it in time.
    patience = {"connect_timeout": 5, "tcp_user_timeout": 10_000, "keepalives_idle": 30}
    # Planning is most of what a short statement costs, so Postgres keeps the plans of those that a
    # connection has sent five times; parameters travel beside the statement, not in it.
    threshold = 5 if _flag("ISSMP_PREPARED_STATEMENTS", True) else None
    prepared = {"server_side_binding": True, "prepare_threshold": threshold}
    return {
        **parsed,
        "ENGINE": "issmp_site.database",  # Django's, with connections kept between requests
        "OPTIONS": {**patience, **prepared, **(parsed.get("OPTIONS") or {})},
        "CONN_MAX_AGE": 0,
        "TEST": {"NAME": None},
    }


DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Sessions and rate limits live in Postgres, so that losing Redis stops nobody's exam.
SESSION_ENGINE = "accounts.sessions"  # Django's, read without its query compiler
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "django_cache",
        # When full it drops a third, rate limits included: never while somebody guesses passwords.
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}

REDIS_URL = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0")

# --- Celery ---------------------------------------------------------------------------------
# Results are rows in Postgres; Redis only carries "please score attempt 17".

CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 50
CELERY_TASK_SOFT_TIME_LIMIT = 40
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # a worker waits for Redis however long it is away
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # A killed worker's tasks come back after this long; it must exceed the time limit above.
    # kombu looks for them only every so often, hence the other two (measured: docs/architecture).
    "visibility_timeout": 60,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "socket_connect_timeout": 1,
    "socket_timeout": 5,
    "socket_keepalive": True,
    # With Redis gone a submit must not hang: one try, then the sweep queues the scoring later.
    # Publishing alone goes by it; a worker that lost its broker keeps trying to come back.
    "max_retries": 0,
}
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_DEFAULT_QUEUE = "issmp"
# What nobody took before it was asked for again expires: no pile awaits a worker that was away.
CELERY_BEAT_SCHEDULE = {
    name: {"task": task, "schedule": seconds, "options": {"expires": seconds}}
    for name, task, seconds in (
        ("close-due-attempts", "attempts.close_due_attempts", 15.0),
        ("restock-forms", "attempts.restock_forms", 5.0),
        ("refresh-cohort-reports", "cohorts.refresh_stale_reports", 60.0),
        ("count-exposures", "attempts.refresh_exposures", 3600.0),
        ("clear-expired-sessions", "issmp_site.clear_expired", 6 * 3600.0),
    )
}

# --- People ---------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "accounts.backends.PersonBackend",
    "django.contrib.auth.backends.ModelBackend",  # whom it logged in before 0.3 stays logged in
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_LOGOUT_REDIRECT_URL = "home"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_CONFIRM_EMAIL_ON_GET = False
# Only the browser that signed up is logged in by the link, so an invitation it came from is found.
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True
ACCOUNT_EMAIL_NOTIFICATIONS = True  # people hear of changes to their password and addresses
ACCOUNT_REAUTHENTICATION_REQUIRED = True  # a borrowed session must not move the account's address
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if HTTPS else "http"
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
# How many proxies of ours stand in front; the client's address for rate limits comes from there.
ALLAUTH_TRUSTED_PROXY_COUNT = int(os.environ.get("ISSMP_PROXIES", "0"))

# --- Mail -----------------------------------------------------------------------------------


def _mail(url: str) -> dict[str, Any]:
    """`smtp://user:password@host:587?tls=1`, `smtps://…:465`, or `console:`."""
    parts = urlsplit(url)
    if parts.scheme == "console":
        return {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise ImproperlyConfigured(
            "ISSMP_EMAIL_URL must look like smtp://user:password@host:587?tls=1 or console:"
        )
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or (465 if parts.scheme == "smtps" else 25),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_USE_TLS": parse_qs(parts.query).get("tls") == ["1"],
        "EMAIL_TIMEOUT": 10,
    }


globals().update(_mail(os.environ.get("ISSMP_EMAIL_URL", "console:")))
DEFAULT_FROM_EMAIL = os.environ.get("ISSMP_FROM_EMAIL", "Touchstone <touchstone@localhost>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# --- Language and time ----------------------------------------------------------------------

LANGUAGE_CODE = "en-gb"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
FORMAT_MODULE_PATH = ["issmp_site.formats"]

# --- Static files ---------------------------------------------------------------------------

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = Path(os.environ.get("ISSMP_STATIC_ROOT", BASE_DIR / ".data" / "static"))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "issmp_site.static.HashedStaticFiles"},
}
WHITENOISE_MAX_AGE = 600

# --- Safety ---------------------------------------------------------------------------------

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 14 * 24 * 3600
CSRF_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^health/"]  # probes speak plain HTTP inside the network
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
if HTTPS and _flag("ISSMP_BEHIND_PROXY", False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1_000

# --- The product ----------------------------------------------------------------------------

# An answer sent before the deadline may be on its way when it strikes.
ANSWER_GRACE_SECONDS = 5
# An answer chosen in time, on a device without a connection, may be delivered this long after the
# attempt has closed; 0 for never. Scoring does not wait for it.
LATE_ANSWER_MINUTES = int(os.environ.get("ISSMP_LATE_ANSWER_MINUTES", "10"))
# Pooled group figures need this many consenting members with this many answers each.
COHORT_MIN_MEMBERS = 5
COHORT_MIN_ANSWERS = 10

# --- Logs -----------------------------------------------------------------------------------

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"},
    },
    "filters": {"outage": {"()": "issmp_site.outage.Brief"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": os.environ.get("ISSMP_LOG_LEVEL", "INFO")},
    "loggers": {
        "django.request": {"filters": ["outage"]},
        "django.server": {"level": "WARNING"},
        "celery.app.trace": {"level": "INFO"},
    },
}
