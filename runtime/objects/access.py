"""Whose the object storage is, and how it keeps what is put there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from botocore.credentials import ReadOnlyCredentials

from runtime.settings import Settings


async def find_credentials(
    session: Any, settings: Settings
) -> Callable[[], Awaitable[ReadOnlyCredentials]]:
    """Whose addresses are: those of the settings, or what the machine is allowed (AWS roles)."""
    if settings.s3_access_key_id is None:
        found = await session.get_credentials()
        if found is not None:
            frozen: Callable[[], Awaitable[ReadOnlyCredentials]] = found.get_frozen_credentials
            return frozen
    one = ReadOnlyCredentials(settings.s3_access_key_id, settings.s3_secret_access_key, None)

    async def the_same() -> ReadOnlyCredentials:
        return one

    return the_same


def encryption(settings: Settings) -> dict[str, str]:
    """What a put says of encryption at rest; nothing: the bucket's own rule holds."""
    if settings.s3_server_side_encryption is None:
        return {}
    asked: dict[str, str] = {"ServerSideEncryption": settings.s3_server_side_encryption}
    if settings.s3_kms_key_id is not None:
        asked["SSEKMSKeyId"] = settings.s3_kms_key_id
    return asked


def encryption_fields(asked: dict[str, str]) -> dict[str, str]:
    """The same as fields of a form by which somebody else puts an object."""
    names = {
        "ServerSideEncryption": "x-amz-server-side-encryption",
        "SSEKMSKeyId": "x-amz-server-side-encryption-aws-kms-key-id",
    }
    return {names[name]: value for name, value in asked.items()}
