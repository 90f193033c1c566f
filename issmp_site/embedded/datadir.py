"""The data directory: where it is, what lies in it, who may enter, and that one `up` uses it."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TextIO

from issmp_site.embedded.account import Account, blocked_at, give
from issmp_site.embedded.console import Problem

CHECKOUT = Path(__file__).resolve().parent.parent.parent
ROOTS_PLACE = Path("/var/lib/touchstone")
NEEDED_BYTES = 500_000_000


def default_places() -> list[Path]:
    """Where a data directory is by default, in the order of preference."""
    if given := os.environ.get("ISSMP_DATA_DIR"):
        return [Path(given).expanduser().absolute()]
    places = [CHECKOUT / ".data"]
    if os.geteuid() == 0:
        places.append(ROOTS_PLACE / hashlib.sha256(bytes(CHECKOUT)).hexdigest()[:12])
    return places


def locate(given: Path | None, account: Account | None) -> Path:
    """The directory to use. One that the servers' account cannot reach is refused."""
    places = default_places() if given is None else [given.expanduser().absolute()]
    for place in places:
        blocker = blocked_at(place, account)
        if blocker is None:
            return place
    assert account is not None  # nobody else is blocked
    raise Problem(
        f"The data directory {place} cannot be used: as root, the servers run as the account "
        f"{account.name!r}, which may not enter {blocker}; choose another --data-dir, or name "
        "an account that may in ISSMP_RUN_AS."
    )


@dataclass(frozen=True)
class Secrets:
    """Made once per data directory and kept there."""

    secret_key: str
    postgres_password: str  # the superuser's, used by the launcher only
    database_password: str
    redis_password: str
    demo_password: str

    @classmethod
    def generate(cls) -> Secrets:
        return cls(
            secret_key=secrets.token_urlsafe(48),
            postgres_password=secrets.token_hex(24),
            database_password=secrets.token_hex(24),
            redis_password=secrets.token_hex(24),
            demo_password=_speakable_password(),
        )


def _speakable_password() -> str:
    """Sixty bits that can be typed from a screen: no letters that look like others."""
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(alphabet) for _ in range(4)) for _ in range(3))


@dataclass(frozen=True)
class DataDir:
    """`servers` and `apps` are the accounts of the two servers and of worker, beat and web."""

    root: Path
    servers: Account | None = None
    apps: Account | None = None

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def valkey(self) -> Path:
        return self.root / "valkey"

    @property
    def runtime(self) -> Path:
        return self.root / "runtime"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def beat(self) -> Path:
        return self.root / "beat"

    @property
    def static(self) -> Path:
        return self.root / "static"

    @property
    def environment(self) -> Path:
        """The variables of the running `up`, for other commands beside it."""
        return self.root / "environment.json"

    def prepare(self) -> None:
        """Make what is missing. Nothing that existed before gets other permissions."""
        try:
            if self._is_something_else():
                raise Problem(
                    f"{self.root} is not empty and not a data directory of Touchstone: choose "
                    "another --data-dir, or an empty one."
                )
            self._make(self.root, 0o711 if self.servers else 0o700)
            self._lock_file.touch(0o600)
            for private in (self.run, self.logs):
                self._make(private, 0o700)
            for folder in (self.postgres, self.valkey):
                self._make(folder, 0o700)
                give(folder, self.servers)
            for folder in (self.beat, self.static):
                self._make(folder, 0o700)
                give(folder, self.apps)
            free = shutil.disk_usage(self.root).free
        except OSError as error:
            raise Problem(
                f"The data directory {self.root} cannot be written ({error.strerror}): "
                "choose another with --data-dir."
            ) from error
        if free < NEEDED_BYTES:
            raise Problem(
                f"Only {free // 1_000_000} MB are free where {self.root} is, and Touchstone needs "
                f"{NEEDED_BYTES // 1_000_000} MB: make room, or choose another --data-dir."
            )

    def _is_something_else(self) -> bool:
        """Our directories have a lock; `static` alone is what `collectstatic` leaves without us."""
        if not self.root.exists() or self._lock_file.exists():
            return False
        return any(entry.name != "static" for entry in self.root.iterdir())

    def _make(self, folder: Path, mode: int) -> None:
        """Like `mkdir -p`, but the umask does not decide who may enter what we make."""
        if folder.is_dir():
            return
        if folder.parent != folder and not folder.parent.exists():
            self._make(folder.parent, 0o711 if self.servers else 0o755)
        folder.mkdir()
        folder.chmod(mode)

    # --- One at a time ----------------------------------------------------------------------

    @property
    def _lock_file(self) -> Path:
        return self.root / "lock"

    @contextlib.contextmanager
    def locked(self) -> Iterator[Lock]:
        with self._open_lock() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Problem(
                    f"Touchstone is already running on {self.root}{file.read()}: use that one, or "
                    "choose another --data-dir."
                ) from None
            lock = Lock(file)
            lock.announce("")
            try:
                yield lock
            finally:
                file.truncate(0)

    def _open_lock(self) -> TextIO:
        try:
            return os.fdopen(os.open(self._lock_file, os.O_RDWR | os.O_CREAT, 0o600), "r+")
        except OSError as error:
            raise Problem(
                f"The data directory {self.root} cannot be written ({error.strerror}): "
                "choose another with --data-dir."
            ) from error

    # --- What is kept -----------------------------------------------------------------------

    def secrets(self) -> Secrets:
        path = self.root / "secrets.json"
        if not path.exists():
            if (self.postgres / "cluster").exists():
                raise Problem(
                    f"{path} is missing, without which the database beside it cannot be opened: "
                    "restore it from your backup, or choose another --data-dir."
                )
            write_private(path, json.dumps(asdict(Secrets.generate()), indent=2))
        try:
            kept = json.loads(path.read_text())
            return Secrets(**{field.name: kept[field.name] for field in fields(Secrets)})
        except (ValueError, KeyError, TypeError) as error:
            raise Problem(
                f"{path} is damaged ({error}): restore it from your backup, or choose another "
                "--data-dir."
            ) from error


class Lock:
    """Held by the one `up` of a data directory; its text tells a second one where the first is."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def announce(self, url: str) -> None:
        self._file.seek(0)
        self._file.truncate()
        self._file.write((f" at {url}" if url else "") + f" (process {os.getpid()})")
        self._file.flush()


def write_private(path: Path, text: str) -> None:
    """Written whole or not at all, readable by its owner only."""
    draft = path.with_name(path.name + ".new")
    with contextlib.suppress(FileNotFoundError):
        draft.unlink()
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
