"""The contract with `settings.py`: the variables worker, beat, web and every command run with."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict

from issmp_site.embedded.datadir import DataDir, Secrets, default_places, write_private
from issmp_site.embedded.leftovers import Record


def compose(
    data: DataDir, secrets: Secrets, *, database: str, redis: str, url: str, ours: bool, demo: bool
) -> dict[str, str]:
    """What `settings.py` reads. `ours` says that the database is the embedded one."""
    decided = {
        "DJANGO_SETTINGS_MODULE": "issmp_site.settings",
        "DATABASE_URL": database,
        "REDIS_URL": redis,
        "ISSMP_EMBEDDED": "1" if ours else "0",
        "ISSMP_DEMO": "1" if demo else "0",
        "ISSMP_DATA_DIR": str(data.root),
    }
    defaults = {
        "ISSMP_SECRET_KEY": secrets.secret_key,
        "ISSMP_DEBUG": "0",
        "ISSMP_HTTPS": "0",
        "ISSMP_ALLOWED_HOSTS": "127.0.0.1,localhost",
        "ISSMP_SITE_URL": url,
        "ISSMP_STATIC_ROOT": str(data.static),
    }
    given = {name: os.environ[name] for name in defaults if os.environ.get(name)}
    return decided | defaults | given


def publish(data: DataDir, variables: Mapping[str, str], launcher: Record) -> None:
    """For commands beside a running `up`. Holds passwords: readable by us only."""
    content = {"launcher": asdict(launcher), "variables": dict(variables)}
    write_private(data.environment, json.dumps(content, indent=2))


def join_running() -> bool:
    """Take over the variables of a running `up`, unless DATABASE_URL names another database."""
    if os.environ.get("DATABASE_URL"):
        return False
    for place in default_places():
        try:
            content = json.loads(DataDir(place).environment.read_text())
            launcher, variables = Record(**content["launcher"]), content["variables"]
        except OSError:  # none there, or none that is ours
            continue
        if launcher.runs():
            for name, value in variables.items():
                os.environ.setdefault(name, value)
            return True
    return False
