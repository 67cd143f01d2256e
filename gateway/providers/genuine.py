"""Whether a message is its provider's: each signs in its own way."""

from __future__ import annotations

import time
from typing import Protocol, TypeVar

import msgspec

from gateway.providers.fal_keys import FalKeys
from gateway.providers.fal_signature import signed_in
from gateway.web.errors import Problem
from gateway.web.http import Headers, header_in
from runtime.settings import Settings
from runtime.standard_webhooks import NotGenuine, keys_in, verified

News = TypeVar("News")


class PredictionNews(msgspec.Struct, frozen=True, kw_only=True):
    """What Replicate says of a call; no more of it is read."""

    id: str
    """Replicate's name of the call."""


class RequestNews(msgspec.Struct, frozen=True, kw_only=True):
    """What fal says of a call; no more of it is read."""

    request_id: str
    """fal's name of the call."""


class Signatures(Protocol):
    """How one provider signs, and names its calls."""

    async def message_id(self, headers: Headers, body: bytes) -> str:
        """Of a message that is genuine and of now.

        Raises:
            NotGenuine: nothing of it may be believed.
            PixelpopError: that cannot be told now.
        """
        ...

    def reference(self, body: bytes) -> str:
        """The provider's name of the call that a message is about.

        Raises:
            Problem: it names none.
        """
        ...


class OfReplicate:
    """Standard Webhooks, with the secrets of the settings.

    Raises:
        SettingsError: a secret cannot be read.
    """

    def __init__(self, settings: Settings) -> None:
        self._keys = keys_in(settings.replicate_webhook_secrets, "REPLICATE_WEBHOOK_SECRETS")

    async def message_id(self, headers: Headers, body: bytes) -> str:
        """See `Signatures`."""
        return verified(
            header_in(headers, b"webhook-id"),
            header_in(headers, b"webhook-timestamp"),
            header_in(headers, b"webhook-signature"),
            body,
            self._keys,
            time.time(),
        )

    def reference(self, body: bytes) -> str:
        """See `Signatures`."""
        return _decoded(body, PredictionNews).id


class OfFal:
    """Ed25519, with the keys that fal publishes.

    Args:
        settings: whose requests count, and whether any do.
        keys: fal's.
    """

    def __init__(self, settings: Settings, keys: FalKeys) -> None:
        self._is_on = settings.fal_key is not None
        self._user_id = settings.fal_user_id
        self._keys = keys

    async def message_id(self, headers: Headers, body: bytes) -> str:
        """See `Signatures`."""
        if not self._is_on:
            raise NotGenuine("Nothing is asked of fal here.")
        signed = signed_in(headers, body, time.time())
        if self._user_id not in {None, signed.user_id}:
            raise NotGenuine("It is about somebody else's request.")
        if not signed.is_by(await self._keys.current()) and not signed.is_by(
            await self._keys.newer()
        ):
            raise NotGenuine("No key of fal's has signed it.")
        return signed.message_id

    def reference(self, body: bytes) -> str:
        """See `Signatures`."""
        return _decoded(body, RequestNews).request_id


def _decoded(body: bytes, kind: type[News]) -> News:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem("malformed-json", "The body does not name a call.") from error
