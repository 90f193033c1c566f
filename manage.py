#!/usr/bin/env python3
"""Touchstone's one command: `up`, `test`, and every Django command.

The first call builds the Python environment (`.venv`, or ISSMP_VENV) from the hash-checked lists in
`requirements/`, later calls find it; then the command runs inside it. This file therefore uses the
standard library only, and no syntax that an older Python could not read: it has to be able to say
that Python is too old.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent
ENVIRONMENT = Path(os.environ.get("ISSMP_VENV") or ROOT / ".venv").absolute()
PYTHON = ENVIRONMENT / "bin" / "python"
STAMP = ENVIRONMENT / "touchstone-stamp"
UNFINISHED = "unfinished\n"
OLDEST, NEWEST = (3, 11), (3, 14)
# What `bank` does with a database; the rest of it reads the project's files alone, and works where
# no server runs.
BANK_NEEDS_SERVERS = {"load", "export"}

USAGE = """\
Usage: python3 manage.py COMMAND [options]

  up      start Touchstone on this machine: Postgres, Redis, worker, web (see: up --help)
  test    run every test on servers of its own; arguments go to pytest

Every other command is Django's, for instance `createsuperuser` or `shell`, and uses the servers of
a running `up` (or DATABASE_URL). `python3 manage.py help` lists them.
"""


class SetupFailed(Exception):
    """The environment cannot be built; the message is for the person at the terminal."""


# --- The environment ------------------------------------------------------------------------


def requirements(kind: str) -> Path:
    return ROOT / "requirements" / f"{kind}.txt"


def stamp_for(kind: str) -> str:
    """What a finished environment says of itself. The interpreter's real path is part of it:
    after a system upgrade `.venv/bin/python` may be another Python than the one that built it."""
    digest = hashlib.sha256(requirements(kind).read_bytes()).hexdigest()
    return f"{kind} {digest} {os.path.realpath(PYTHON)}\n"


def stamp() -> str | None:
    try:
        return STAMP.read_text()
    except FileNotFoundError:
        return None


def is_current(wanted: str) -> bool:
    """Whether the environment can be used as it is; the test set contains the base set."""
    kinds = ["dev"] if wanted == "dev" else ["base", "dev"]
    return PYTHON.exists() and stamp() in [stamp_for(kind) for kind in kinds]


def ensure_environment(wanted: str) -> bool:
    """Build or update the environment unless it is current. True if something was done."""
    if is_current(wanted):
        return False
    with only_one_at_a_time():
        if is_current(wanted):  # the call we waited for did the work
            return False
        build(wanted)
    return True


@contextlib.contextmanager
def only_one_at_a_time() -> Iterator[None]:
    import fcntl  # absent on Windows, which `main` turns away in words

    with Path(__file__).open("rb") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell("Another call is setting up the Python environment; waiting for it ...")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def build(wanted: str) -> None:
    if is_something_else():
        raise SetupFailed(
            f"{ENVIRONMENT} exists and is not a Python environment: move it away, or set "
            "ISSMP_VENV to another place."
        )
    uv = shutil.which("uv")
    # A working environment is brought up to date where it is, also one that is not our making: it
    # may be in use. Only what an interrupted call of ours left is made anew.
    in_place = still_works() and stamp() != UNFINISHED
    # Whoever has the test set keeps it.
    kind = "dev" if in_place and (ENVIRONMENT / "bin" / "pytest").exists() else wanted
    if not in_place:
        python = base_python(uv)
    began = time.monotonic()
    finished = False
    try:
        if in_place:
            tell("Updating the Python environment ...")
        else:
            tell("Setting up the Python environment (about a minute, once) ...")
            create(uv, python)
        install(uv, kind)
        STAMP.write_text(stamp_for(kind))
        finished = True
    except OSError as error:
        raise SetupFailed(
            f"The Python environment in {ENVIRONMENT} cannot be written: {error}."
        ) from error
    finally:
        if not finished and not in_place:
            shutil.rmtree(ENVIRONMENT, ignore_errors=True)
    tell(f"The Python environment is ready ({time.monotonic() - began:.0f} s).")


def is_something_else() -> bool:
    """Never delete a directory that we would not have made."""
    if not ENVIRONMENT.exists() or (ENVIRONMENT / "pyvenv.cfg").exists():
        return False
    return not ENVIRONMENT.is_dir() or any(ENVIRONMENT.iterdir())


def still_works() -> bool:
    """Whether the environment's interpreter starts and is the one its packages were made for."""
    version = version_of(str(PYTHON))
    if version is None or not OLDEST <= version <= NEWEST:
        return False
    return (ENVIRONMENT / "lib" / f"python{version[0]}.{version[1]}").is_dir()


def create(uv: str | None, python: str) -> None:
    if ENVIRONMENT.exists():
        shutil.rmtree(ENVIRONMENT)
    if uv is not None:
        run_logged([uv, "venv", "--python", python, str(ENVIRONMENT)])
    else:
        # pip comes with the packages: the mark has to be there before anything takes long.
        run_logged([python, "-m", "venv", "--without-pip", str(ENVIRONMENT)])
    STAMP.write_text(UNFINISHED)


def install(uv: str | None, kind: str) -> None:
    wanted = str(requirements(kind))
    if uv is not None:
        # Compiled now: another account that runs from here may not write beside the sources.
        sync = [uv, "pip", "sync", "--compile-bytecode", "--require-hashes"]
        run_logged([*sync, "--python", str(PYTHON), wanted])
        return
    if not can_import(str(PYTHON), "pip"):
        need_ensurepip(str(PYTHON))
        run_logged([str(PYTHON), "-m", "ensurepip", "--default-pip"])
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input", "install"]
    # The list is complete and every line has its hash, so there is nothing to resolve or compile.
    run_logged([*pip, "--require-hashes", "--no-deps", "--only-binary", ":all:", "-r", wanted])


def base_python(uv: str | None) -> str:
    """The interpreter to build with: the running one if it fits, else a newer one on PATH."""
    candidates = [getattr(sys, "_base_executable", None) or sys.executable]
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        candidates += filter(None, [shutil.which(f"python3.{minor}")])
    for candidate in candidates:
        version = version_of(candidate)
        if version is not None and OLDEST <= version <= NEWEST:
            if uv is None:
                need_ensurepip(candidate)
            return candidate
    raise SetupFailed(
        f"Touchstone needs Python {OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}; this is "
        f"{sys.version_info[0]}.{sys.version_info[1]}, and no other was found on PATH."
    )


def need_ensurepip(python: str) -> None:
    if can_import(python, "ensurepip"):
        return
    major, minor = version_of(python) or OLDEST
    raise SetupFailed(
        f"This Python ({python}) lacks ensurepip, which builds the environment: install it with "
        f"`apt install python3-venv` (for this one: python{major}.{minor}-venv) and run the same "
        "command again."
    )


def version_of(python: str) -> tuple[int, int] | None:
    """Asked, not read off the name: a pyenv shim may exist for a Python that does not."""
    try:
        answer = subprocess.run(
            [python, "-c", "import sys; print(*sys.version_info[:2])"],
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
        )
    except OSError:
        return None
    if answer.returncode != 0:
        return None
    major, minor = answer.stdout.split()
    return int(major), int(minor)


def can_import(python: str, module: str) -> bool:
    probe = [python, "-c", f"import {module}"]
    return subprocess.run(probe, check=False, stderr=subprocess.DEVNULL).returncode == 0


def run_logged(command: list[str]) -> None:
    """Run quietly; on failure keep the output and show its last line."""
    handle, name = tempfile.mkstemp(prefix="touchstone-setup-", suffix=".log")
    failed = False
    try:
        with os.fdopen(handle, "w+b") as log:
            done = subprocess.run(
                command, check=False, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
            failed = done.returncode != 0
            log.seek(0)
            said = log.read().decode(errors="replace").strip().splitlines()
    finally:
        if not failed:
            Path(name).unlink()
    if failed:
        last = said[-1].strip() if said else f"no output, exit code {done.returncode}"
        raise SetupFailed(
            f"The Python environment could not be built: {last} (all of it in {name})."
        )


def tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


# --- The commands ---------------------------------------------------------------------------


def run(argv: list[str]) -> int:
    command = argv[1]
    if command == "up":
        from issmp_site.embedded import up

        return up.main(argv[2:])
    if command == "test":
        from issmp_site.embedded import testrun

        return testrun.main(argv[2:])
    return run_django(argv)


def run_django(argv: list[str]) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "issmp_site.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    from issmp_site.embedded import environment

    joined = environment.join_running()
    if not joined and argv[1] == "bank" and not BANK_NEEDS_SERVERS & set(argv[2:3]):
        # Settings want both; nothing of either is used, and port 1 answers nobody.
        os.environ.setdefault("ISSMP_SECRET_KEY", secrets.token_urlsafe(50))
        os.environ.setdefault("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none")
    try:
        execute_from_command_line(argv)
    except ImproperlyConfigured as error:
        if joined or "DATABASE_URL" in os.environ:
            tell(str(error))
        else:
            tell("No database: start it with `python3 manage.py up`, or set DATABASE_URL.")
        return 1
    return 0


def main(argv: list[str]) -> int:
    if len(argv) < 2:
        print(USAGE, end="")
        return 2
    if os.name != "posix":
        tell("Touchstone runs on Linux and macOS; on Windows, use it inside WSL.")
        return 1
    try:
        built = ensure_environment("dev" if argv[1] == "test" else "base")
    except SetupFailed as failure:
        tell(str(failure))
        return 1
    except KeyboardInterrupt:
        tell("Interrupted; the Python environment is not set up.")
        return 130
    if built or Path(sys.prefix).resolve() != ENVIRONMENT.resolve():
        os.environ.pop("PYTHONHOME", None)  # would lead the environment's interpreter out of it
        os.execv(PYTHON, [str(PYTHON), __file__, *argv[1:]])
    return run(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
