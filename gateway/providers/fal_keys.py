"""The keys that fal signs webhooks with: from one address, which nothing can change.

Neither a setting nor anything that a message says names another address; no redirect is followed,
no proxy asked, and the name must lead to a public address. Keys are fetched anew after
half a day. A signature by none of them may be by a newer one, so that they are fetched at once, but
not more often than once a minute, whatever comes.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final

import msgspec
import structlog
from nacl.signing import VerifyKey

from runtime.errors import PixelpopError
from runtime.outbound.addresses import AddressPolicy
from runtime.outbound.client import GuardedClient

_log = structlog.get_logger(__name__)

ADDRESS: Final = "https://rest.fal.ai/.well-known/jwks.json"
FRESH_SECONDS: Final = 43_200.0
KEEP_SECONDS: Final = 86_400.0
"""fal says to keep them for no longer than a day."""
AGAIN_SECONDS_MIN: Final = 60.0
FETCH_SECONDS_MAX: Final = 10.0
BYTES_MAX: Final = 65_536
KEYS_MAX: Final = 16


class KeysUnavailable(PixelpopError):
    """No message can be checked now; it may be sent again."""

    code = "webhook-keys-unavailable"
    retryable = True


class FalKeys:
    """fal's keys, fetched when they are first asked for.

    Args:
        fetch: gets the key set; raises PixelpopError.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        fetch: Callable[[], Awaitable[bytes]] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch or fetched
        self._clock = clock
        self._keys: tuple[VerifyKey, ...] = ()
        self._got_at = float("-inf")
        self._tried_at = float("-inf")
        self._fetching = asyncio.Lock()

    async def current(self) -> tuple[VerifyKey, ...]:
        """The keys as they were half a day ago, or a day ago where no newer ones can be had.

        Raises:
            KeysUnavailable: there are none.
        """
        if self._clock() - self._got_at >= FRESH_SECONDS:
            await self._again()
        if self._clock() - self._got_at >= KEEP_SECONDS:
            raise KeysUnavailable("fal's keys cannot be had.")
        return self._keys

    async def newer(self) -> tuple[VerifyKey, ...]:
        """The keys as they are now, unless somebody asked for that within the last minute."""
        await self._again()
        return self._keys

    async def _again(self) -> None:
        async with self._fetching:
            if self._clock() - self._tried_at < AGAIN_SECONDS_MIN:
                return
            self._tried_at = self._clock()
            try:
                keys = keys_in(await self._fetch())
            except PixelpopError as error:
                _log.warning("fal's keys were not fetched", error=error)
                return
            self._keys, self._got_at = keys, self._clock()


async def fetched() -> bytes:
    """The key set as it is published.

    Raises:
        PixelpopError: it cannot be had.
    """
    client = GuardedClient(policy())
    try:
        answer, body = await client.get(
            ADDRESS,
            [(b"accept", b"application/json"), (b"accept-encoding", b"identity")],
            timeout_seconds=FETCH_SECONDS_MAX,
            bytes_max=BYTES_MAX,
        )
    finally:
        await client.close()
    if answer.status != HTTPStatus.OK:
        raise KeysUnavailable(f"The address of the keys answered {answer.status}.")
    return body


def policy() -> AddressPolicy:
    """Where the address of the keys may lead: public places only."""
    return AddressPolicy()


class _Key(msgspec.Struct, frozen=True):
    kty: str = ""
    crv: str = ""
    x: str = ""


class _KeySet(msgspec.Struct, frozen=True):
    keys: list[Any]


def keys_in(text: bytes) -> tuple[VerifyKey, ...]:
    """The Ed25519 keys of a JSON Web Key Set; keys of other kinds are passed over.

    Raises:
        KeysUnavailable: there are none.
    """
    try:
        found = msgspec.json.decode(text, type=_KeySet).keys[:KEYS_MAX]
        keys = [msgspec.convert(one, _Key) for one in found]
        usable = [one.x for one in keys if (one.kty, one.crv) == ("OKP", "Ed25519")]
        decoded = tuple(
            VerifyKey(base64.urlsafe_b64decode(x + "=" * (-len(x) % 4))) for x in usable
        )
    except (msgspec.DecodeError, binascii.Error, ValueError, UnicodeError, RecursionError) as error:
        raise KeysUnavailable("fal's key set cannot be read.") from error
    if not decoded:
        raise KeysUnavailable("fal's key set holds no Ed25519 key.")
    return decoded
