"""Where the peer's servers are; by environment variables, which its two processes share."""

from __future__ import annotations

import os
from dataclasses import dataclass, field


def _env(name: str, default: str = "") -> str:
    return os.environ.get(f"PEER_{name}", default)


@dataclass(frozen=True)
class Settings:
    """All settings of the peer."""

    database_url: str = field(default_factory=lambda: _env("DATABASE_URL"))
    """`postgresql+asyncpg://…`"""
    redis_url: str = field(default_factory=lambda: _env("REDIS_URL"))
    jwt_secret: str = field(default_factory=lambda: _env("JWT_SECRET"))
    bot_token: str = field(default_factory=lambda: _env("BOT_TOKEN", "1:peer"))
    pool_size: int = field(default_factory=lambda: int(_env("POOL_SIZE", "20")))
    s3_endpoint_url: str = field(default_factory=lambda: _env("S3_ENDPOINT_URL"))
    """Empty: pictures go to a dict in the worker's memory."""
    s3_access_key_id: str = field(default_factory=lambda: _env("S3_ACCESS_KEY_ID"))
    s3_secret_access_key: str = field(default_factory=lambda: _env("S3_SECRET_ACCESS_KEY"))
    s3_bucket: str = field(default_factory=lambda: _env("S3_BUCKET", "peer"))


QUEUE = "jobs"
PRICE = 1
WELCOME_CREDITS = 5


def channel(account_id: object) -> str:
    """The pub/sub channel of one account."""
    return f"events:{account_id}"
