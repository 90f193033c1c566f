"""Who runs what. Postgres refuses to run as root, so root's servers get another account."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from issmp_site.embedded.console import Problem


class Credentials(TypedDict, total=False):
    """The part of `subprocess.Popen`'s arguments that says who the child is."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class Account:
    name: str
    uid: int
    gid: int

    @property
    def credentials(self) -> Credentials:
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def credentials(account: Account | None) -> Credentials:
    return {} if account is None else account.credentials


def server_account() -> Account | None:
    """The account the servers run as; None for our own, which is fine for anyone but root."""
    if os.geteuid() != 0:
        return None
    name = os.environ.get("ISSMP_RUN_AS") or "nobody"
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise Problem(
            f"As root, the servers run as the account {name!r}, which this machine does not have: "
            "set ISSMP_RUN_AS to an unprivileged account."
        ) from None
    if entry.pw_uid == 0:
        raise Problem(
            "ISSMP_RUN_AS names root, as which Postgres refuses to run: "
            "set it to an unprivileged account."
        )
    return Account(name, entry.pw_uid, entry.pw_gid)


def can_run(
    account: Account | None, command: Sequence[str | Path], cwd: Path | None = None
) -> bool:
    """Whether this succeeds as that account. Tried, because mode bits are not the whole truth."""
    try:
        done = subprocess.run(
            [str(word) for word in command],
            check=False,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **credentials(account),
        )
    except OSError:
        return False
    return done.returncode == 0


def blocked_at(path: Path, account: Account | None) -> Path | None:
    """The first directory on the way to (and with) `path` that the account may not enter."""
    if account is None:
        return None
    for step in [*reversed(path.parents), path]:
        if not step.exists():
            return None
        if not can_run(account, ["/bin/sh", "-c", 'test -x "$1"', "sh", step]):
            return step
    return None


def give(path: Path, account: Account | None) -> None:
    """Make a directory of ours, with everything in it, the account's."""
    if account is None or path.stat().st_uid == account.uid:
        return
    for folder, _, names in os.walk(path):
        for entry in [Path(folder), *(Path(folder, name) for name in names)]:
            os.lchown(entry, account.uid, account.gid)
