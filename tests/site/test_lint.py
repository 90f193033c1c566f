"""What a reviewer should not have to look for: style, types, settings, secrets, the lock."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.world import ROOT

pytestmark = pytest.mark.xdist_group("lint")


def run(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("words", [["check"], ["format", "--check"]], ids=" ".join)
def test_ruff(words: list[str]) -> None:
    report = run("-m", "ruff", *words, "--quiet", ".")
    assert report.returncode == 0, report.stdout + report.stderr


def test_mypy() -> None:
    report = run("-m", "mypy", ".")
    assert report.returncode == 0, report.stdout[-8000:] + report.stderr


# --- Production settings --------------------------------------------------------------------

PRODUCTION = {
    "ISSMP_EMBEDDED": "0",
    "ISSMP_DEMO": "0",
    "ISSMP_DEBUG": "0",
    "ISSMP_HTTPS": "1",
    "ISSMP_SECRET_KEY": "only-for-this-check-0123456789-abcdefghijklmnopqrstuvwxyz",
    "ISSMP_ALLOWED_HOSTS": "exams.example.org",
    "ISSMP_SITE_URL": "https://exams.example.org",
    "ISSMP_CSRF_TRUSTED_ORIGINS": "",
    "ISSMP_EMAIL_URL": "smtp://mail.example.org:587?tls=1",
    "DATABASE_URL": "postgres://touchstone:x@db.example.org/touchstone",
    "REDIS_URL": "redis://redis.example.org/0",
    "DJANGO_ALLOW_ASYNC_UNSAFE": "",  # set for browser tests only
}


def check_deploy(**variables: str) -> subprocess.CompletedProcess[str]:
    return run(
        "-m", "django", "check", "--deploy", "--fail-level", "WARNING", **PRODUCTION | variables
    )


def test_production_settings_pass_djangos_own_check() -> None:
    report = check_deploy()
    assert report.returncode == 0, report.stderr


def test_the_check_can_say_no() -> None:
    report = check_deploy(
        ISSMP_HTTPS="0", ISSMP_SECRET_KEY="short", ISSMP_DEBUG="1", ISSMP_ALLOWED_HOSTS=","
    )
    assert report.returncode != 0
    for complaint in ("W004", "W008", "W009", "W012", "W016", "W018", "W020"):
        assert f"security.{complaint}" in report.stderr


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"ISSMP_SECRET_KEY": ""}, "ISSMP_SECRET_KEY is not set"),
        ({"DATABASE_URL": ""}, "DATABASE_URL is not set"),
        ({"DATABASE_URL": "mysql://x/y"}, "DATABASE_URL must start with postgres://"),
        ({"ISSMP_HTTPS": "perhaps"}, "ISSMP_HTTPS is 'perhaps'; set it to 1 or 0."),
        ({"ISSMP_EMAIL_URL": "mail"}, "ISSMP_EMAIL_URL must look like"),
    ],
)
def test_a_wrong_setting_is_told_in_words(variables: dict[str, str], words: str) -> None:
    report = run("-c", "import issmp_site.settings", **PRODUCTION | variables)
    assert report.returncode != 0
    assert words in report.stderr.splitlines()[-1]


def test_a_password_in_a_wrong_address_is_not_repeated() -> None:
    wrong = {"DATABASE_URL": "postgres://touchstone:hush-hush@[db/touchstone"}
    report = run("-c", "import issmp_site.settings", **PRODUCTION | wrong)
    assert "DATABASE_URL is not a URL this program can read" in report.stderr
    assert "hush-hush" not in report.stderr.splitlines()[-1]


# --- What must not be in the repository -----------------------------------------------------


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout: there is no list of tracked files")
    paths = (ROOT / name for name in listed.stdout.split("\0") if name)
    return [path for path in paths if path.is_file()]


# Put together here, so that this file does not hold what it looks for.
FORBIDDEN = {
    "a registry or git host": "|".join(
        re.escape(".".join(parts))
        for parts in [
            ("pypi", "org"),
            ("pythonhosted", "org"),
            ("npmjs", "org"),
            ("npmjs", "com"),
            ("github", "com"),
            ("gitlab", "com"),
            ("bitbucket", "org"),
        ]
    ),
    "a private key": "-----BEGIN [A-Z ]*PRIVATE " + "KEY-----",
    "an access token": r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|AKIA[0-9A-Z]{16}|xox[bp]-[0-9A-Za-z-]{20})",
    "a path of one machine": "|".join(
        re.escape(f"/{top}/") + "[a-z]" for top in ("work", "root", "Users")
    ),
}
ALLOWED: dict[str, set[str]] = {}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_tracked_file_holds(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what])
    found = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # fonts and pictures
        name = str(path.relative_to(ROOT))
        if name not in ALLOWED.get(what, set()):
            found += [f"{name}: {match[0]}" for match in pattern.finditer(text)]
    assert found == []


# --- The lock -------------------------------------------------------------------------------


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned(name: str) -> dict[str, str]:
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    lines = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^ ;\\]+)", text, re.MULTILINE)
    return {normal(package): version for package, version in lines}


def test_every_dependency_is_pinned_with_its_hash() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = {
        normal(re.split(r"[\[<>=~! ]", line)[0]) for line in project["project"]["dependencies"]
    }
    assert wanted <= set(pinned("base.txt"))
    developers = {
        normal(re.split(r"[\[<>=~! ]", line)[0]) for line in project["dependency-groups"]["dev"]
    }
    assert developers <= set(pinned("dev.txt"))
    for name in ("base.txt", "dev.txt"):
        text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
        blocks = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
        assert all("--hash=sha256:" in block for block in blocks)


def test_developers_have_what_production_has_and_more() -> None:
    base, developers = pinned("base.txt"), pinned("dev.txt")
    assert base.items() <= developers.items()
    assert len(developers) > len(base)


def test_production_carries_no_test_tools() -> None:
    assert not {"pytest", "mypy", "ruff", "playwright", "import-linter"} & set(pinned("base.txt"))
