"""Fetching pictures from the addresses that a provider's answer names.

An answer comes from outside, so an address in it may point anywhere: it is asked for like an
address that a stranger has chosen (`runtime.outbound`), and what comes is taken for a picture only
if it begins like one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from processors.providers.base import ProviderError, ProviderUncertain, ProviderUnusable
from runtime.errors import PixelpopError
from runtime.outbound.addresses import AddressPolicy, networks_in
from runtime.outbound.client import AddressRefused, AnswerTooLarge, GuardedClient, NotReached
from runtime.outbound.download import NotServed, download
from runtime.outbound.targets import TargetRefused
from runtime.settings import Settings

_log = structlog.get_logger(__name__)

FETCH_SECONDS_MAX = 20.0
FETCH_ATTEMPTS_MAX = 3
FETCH_PAUSE_SECONDS = 0.5
PICTURES_MAX = 4
SECONDS_MAX = FETCH_ATTEMPTS_MAX * (FETCH_SECONDS_MAX + FETCH_PAUSE_SECONDS)
"""For all pictures of a call, which are fetched at once."""
_ACCEPT = "image/png, image/jpeg, image/webp"
_PNG, _JPEG, _RIFF, _WEBP = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF", b"WEBP"


class Fetcher:
    """Fetches pictures; close it at the end.

    Args:
        settings: what private networks are allowed, and how large a picture may be.

    Raises:
        SettingsError: the networks cannot be read.
    """

    def __init__(self, settings: Settings) -> None:
        networks = networks_in(
            settings.provider_allowed_networks, "PIXELPOP_PROVIDER_ALLOWED_NETWORKS"
        )
        self._policy = AddressPolicy(networks)
        self._client = GuardedClient(self._policy)
        self._bytes_max = settings.provider_picture_bytes_max

    async def pictures(self, addresses: Sequence[str]) -> list[bytes]:
        """The pictures that can be had, in order; at least one.

        Raises:
            ProviderUnusable: an address leads inside, or what lies there is no picture.
            ProviderUncertain: what was paid for cannot be had (any more).
        """
        outcomes = await asyncio.gather(*[self._fetched(one) for one in addresses[:PICTURES_MAX]])
        pictures = [one for one in outcomes if isinstance(one, bytes)]
        errors = [one for one in outcomes if isinstance(one, ProviderError)]
        for error in errors:
            _log.warning("a picture was not fetched", error=error)
        if pictures:
            return pictures
        errors.sort(key=lambda error: isinstance(error, ProviderUncertain))
        raise errors[0] if errors else ProviderUnusable("The answer names no picture.")

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()

    async def _fetched(self, address: str) -> bytes | ProviderError:
        trouble: PixelpopError | None = None
        for attempt in range(FETCH_ATTEMPTS_MAX):
            await asyncio.sleep(attempt * FETCH_PAUSE_SECONDS)
            try:
                data = await download(
                    self._client,
                    self._policy,
                    address,
                    accept=_ACCEPT,
                    bytes_max=self._bytes_max,
                    timeout_seconds=FETCH_SECONDS_MAX,
                )
            except (TargetRefused, AddressRefused, AnswerTooLarge) as error:
                # Not shown as an address: whoever has it has the picture.
                return ProviderUnusable(f"A picture's address cannot be used: {error}")
            except (NotReached, NotServed) as error:
                trouble = error
                if not error.retryable:
                    break
            else:
                return data if is_picture(data) else ProviderUnusable("What came is no picture.")
        return ProviderUncertain(f"A picture that was made cannot be fetched: {trouble}")


def is_picture(data: bytes) -> bool:
    """Whether it begins as a PNG, JPEG or WebP does."""
    return data.startswith((_PNG, _JPEG)) or (data[:4] == _RIFF and data[8:12] == _WEBP)
