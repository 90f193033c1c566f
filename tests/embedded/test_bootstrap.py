"""`manage.py` finds or builds its Python environment, and never deletes one it did not make."""

from __future__ import annotations

import importlib.util
import sys
import venv
from pathlib import Path
from types import ModuleType

import pytest

from tests.embedded.launcher import CHECKOUT


@pytest.fixture
def manage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """`manage.py` as a module, with a checkout and an environment of its own, and without uv."""
    monkeypatch.setenv("ISSMP_VENV", str(tmp_path / "venv"))
    spec = importlib.util.spec_from_file_location("manage_under_test", CHECKOUT / "manage.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    (tmp_path / "requirements").mkdir()
    for kind in ("base", "dev"):
        module.requirements(kind).write_text(f"# {kind}\n")
    monkeypatch.setattr(module.shutil, "which", lambda name: None)
    return module


@pytest.fixture
def no_packages(manage: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Installs nothing; returns the sets that would have been installed."""
    installed: list[str] = []
    monkeypatch.setattr(manage, "install", lambda uv, kind: installed.append(kind))
    return installed


def test_the_first_call_builds_and_the_second_finds(
    manage: ModuleType, no_packages: list[str]
) -> None:
    assert manage.ensure_environment("base") is True
    assert manage.PYTHON.exists()
    assert manage.ensure_environment("base") is False
    assert no_packages == ["base"]


def test_the_test_set_serves_every_command_but_not_the_other_way(
    manage: ModuleType, no_packages: list[str]
) -> None:
    manage.ensure_environment("base")
    assert manage.ensure_environment("dev") is True
    assert manage.ensure_environment("base") is False
    assert no_packages == ["base", "dev"]


def test_changed_requirements_are_installed(manage: ModuleType, no_packages: list[str]) -> None:
    manage.ensure_environment("base")
    manage.requirements("base").write_text("# something new\n")
    assert manage.ensure_environment("base") is True
    assert no_packages == ["base", "base"]


def test_a_working_environment_of_someone_else_is_updated_where_it_is(
    manage: ModuleType, no_packages: list[str]
) -> None:
    """It may be in use: other people's processes run from it."""
    venv.create(manage.ENVIRONMENT, with_pip=False)
    treasure = manage.ENVIRONMENT / "treasure"
    treasure.write_text("mine")
    (manage.ENVIRONMENT / "bin" / "pytest").write_text("")
    assert manage.ensure_environment("base") is True
    assert treasure.exists()
    assert no_packages == ["dev"], "an environment with the tests' packages keeps them"


def test_what_an_interrupted_call_left_is_built_anew(
    manage: ModuleType, no_packages: list[str]
) -> None:
    venv.create(manage.ENVIRONMENT, with_pip=False)
    manage.STAMP.write_text(manage.UNFINISHED)
    half = manage.ENVIRONMENT / "half"
    half.write_text("")
    assert manage.ensure_environment("base") is True
    assert not half.exists()


def test_an_environment_whose_python_is_gone_is_built_anew(
    manage: ModuleType, no_packages: list[str]
) -> None:
    manage.ensure_environment("base")
    manage.PYTHON.unlink()
    manage.PYTHON.symlink_to("/nowhere/python3")
    assert manage.ensure_environment("base") is True
    assert manage.PYTHON.exists()


def test_a_directory_that_is_no_environment_is_left_alone(manage: ModuleType) -> None:
    manage.ENVIRONMENT.mkdir()
    (manage.ENVIRONMENT / "thesis.txt").write_text("Chapter 1")
    with pytest.raises(manage.SetupFailed, match="is not a Python environment"):
        manage.ensure_environment("base")
    assert (manage.ENVIRONMENT / "thesis.txt").exists()


def test_a_failed_build_leaves_no_environment_and_tells_the_last_line(
    manage: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = "print('Collecting'); print('ERROR: No space left on device'); raise SystemExit(1)"
    monkeypatch.setattr(
        manage, "install", lambda uv, kind: manage.run_logged([sys.executable, "-c", script])
    )
    with pytest.raises(manage.SetupFailed, match="ERROR: No space left on device") as failure:
        manage.ensure_environment("base")
    assert not manage.ENVIRONMENT.exists()
    log = Path(str(failure.value).rpartition(" in ")[2].rstrip(")."))
    assert "Collecting" in log.read_text()
    log.unlink()


@pytest.fixture
def only_98_will_do(manage: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manage, "OLDEST", (3, 98))
    monkeypatch.setattr(manage, "NEWEST", (3, 99))


def test_an_unsuitable_python_is_told(manage: ModuleType, only_98_will_do: None) -> None:
    with pytest.raises(
        manage.SetupFailed, match=r"needs Python 3\.98 to 3\.99; this is 3\.\d+, and"
    ):
        manage.ensure_environment("base")
    assert not manage.ENVIRONMENT.exists()


def test_a_suitable_python_elsewhere_on_the_path_is_used(
    manage: ModuleType, only_98_will_do: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = _python(tmp_path / "python3.98", "*version_info*) echo 3 98")
    broken = _python(tmp_path / "python3.99", "*) exit 127")  # a pyenv shim without its Python
    found = {"python3.98": other, "python3.99": broken}
    monkeypatch.setattr(manage.shutil, "which", found.get)
    assert manage.base_python("/usr/bin/uv") == other


def test_a_missing_ensurepip_is_told_with_the_package_that_has_it(
    manage: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Debian's python3 without python3-venv."""
    bare = _python(tmp_path / "python3", '"import ensurepip") exit 1')
    monkeypatch.setattr(sys, "_base_executable", bare)
    minor = sys.version_info.minor
    with pytest.raises(manage.SetupFailed) as failure:
        manage.ensure_environment("base")
    assert "`apt install python3-venv`" in str(failure.value)
    assert f"python3.{minor}-venv" in str(failure.value)
    assert not manage.ENVIRONMENT.exists()


def _python(path: Path, case: str) -> str:
    """A stand-in that is this Python but for one thing."""
    path.write_text(f'#!/bin/sh\ncase "$2" in\n{case};;\n*) exec {sys.executable} "$@";;\nesac\n')
    path.chmod(0o755)
    return str(path)
