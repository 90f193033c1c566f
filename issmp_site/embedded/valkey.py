"""Our own Redis (Valkey, its free continuation): on the loopback address, behind a password."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from issmp_site.embedded.datadir import DataDir, Secrets, write_private
from issmp_site.embedded.processes import Program


@dataclass(frozen=True)
class Valkey:
    binary: Path
    data: DataDir
    secrets: Secrets
    port: int

    @property
    def url(self) -> str:
        return f"redis://:{self.secrets.redis_password}@127.0.0.1:{self.port}/0"

    @property
    def _config(self) -> Path:
        return self.data.valkey / "valkey.conf"

    def prepare(self) -> None:
        """In a file rather than on the command line, where everyone could read the password."""
        lines = [
            f"port {self.port}",
            "bind 127.0.0.1",
            "protected-mode yes",
            f"requirepass {self.secrets.redis_password}",
            f'dir "{self.data.valkey}"',
            "appendonly yes",
            "appendfsync everysec",
            'save ""',
            "maxmemory-policy noeviction",  # a queue must refuse rather than forget
            "daemonize no",
        ]
        write_private(self._config, "\n".join(lines) + "\n")
        if self.data.servers is not None:
            os.chown(self._config, self.data.servers.uid, self.data.servers.gid)

    @property
    def server(self) -> Program:
        return Program(
            name="redis",
            argv=[self.binary, self._config],
            env={
                "PATH": os.defpath,
                "HOME": str(self.data.valkey),
                "ISSMP_DATA_DIR": str(self.data.root),
            },
            cwd=self.data.root,
            log=self.data.logs / "redis.log",
            account=self.data.servers,
        )

    def answers(self) -> bool:
        return redis_answers(self.url)


def redis_answers(url: str) -> bool:
    client = redis.Redis.from_url(
        url,
        socket_connect_timeout=2,
        socket_timeout=2,
        retry=Retry(NoBackoff(), 0),  # whoever asks may ask again
    )
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()
