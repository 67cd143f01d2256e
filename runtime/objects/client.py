"""How boto's client is set up: path-style addresses, times, retries, no proxy to ourselves."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from botocore.config import Config

from runtime.settings import Settings


def make_client(session: Any, settings: Settings, endpoint_url: str) -> Any:
    """An S3 client of aioboto3 for this endpoint, as a context manager; nothing is sent yet."""
    return session.client(
        "s3",
        endpoint_url=endpoint_url,
        region_name=settings.s3_region,
        aws_access_key_id=settings.s3_access_key_id,
        aws_secret_access_key=settings.s3_secret_access_key,
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            connect_timeout=settings.s3_connect_timeout_seconds,
            read_timeout=settings.s3_read_timeout_seconds,
            max_pool_connections=settings.s3_connections,
            retries={"mode": "standard", "total_max_attempts": settings.s3_attempts},
            # Stores other than Amazon's do not all know the newer checksums.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            # A proxy from the environment would be asked for its own 127.0.0.1.
            proxies={} if _is_loopback(endpoint_url) else None,
        ),
    )


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
