"""Taking what a provider tells of a call: who says so, about which call, and is it that call's?

Four things must hold: the message is signed with a live secret and of now; its address is one that
we gave out for that call; the call is there; and it is the call that the message is about. Then it
is kept that there is news. What the news is, is asked of the provider, never read here.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec
import structlog

from gateway.web.errors import Problem
from gateway.web.http import Headers, header_in
from runtime.crypto.claim_tokens import Call, is_claim_token
from runtime.crypto.master import MasterKeys
from runtime.errors import PixelpopError
from runtime.postgres.pool import Pool, transaction
from runtime.queries import load_queries
from runtime.settings import Settings
from runtime.standard_webhooks import NotGenuine, keys_in, verified

_log = structlog.get_logger(__name__)
_QUERIES = load_queries(Path(__file__).with_name("telling.sql"))

REFERENCE_CHARS_MAX: Final = 100


class PredictionNews(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider says of a call; no more of it is read."""

    id: str
    """The provider's name of the call."""


_news = msgspec.json.Decoder(PredictionNews)


class Telling:
    """What providers may tell.

    Args:
        settings: the secrets that they sign with.
        pool: connected as the gateway.
        masters: made the tokens of the addresses.

    Raises:
        SettingsError: a secret cannot be read.
    """

    def __init__(self, settings: Settings, pool: Pool, masters: MasterKeys) -> None:
        self._pool = pool
        self._masters = masters
        self._keys = {
            "replicate": keys_in(settings.replicate_webhook_secrets, "REPLICATE_WEBHOOK_SECRETS")
        }

    async def take(self, call: Call, token: str, headers: Headers, body: bytes) -> None:
        """Keep that there is news of the call; a message that comes again changes nothing.

        Args:
            call: whose address it came to.
            token: of that address.
            headers: of the message.
            body: its bytes as they came.

        Raises:
            Problem: nothing was kept.
            DatabaseUnavailable: it may be sent again.
        """
        try:
            message_id = verified(
                header_in(headers, b"webhook-id"),
                header_in(headers, b"webhook-timestamp"),
                header_in(headers, b"webhook-signature"),
                body,
                self._keys[call.provider],
                time.time(),
            )
        except NotGenuine as error:
            raise Problem(
                "webhook-not-genuine", f"The message is not taken for genuine. {error}"
            ) from error
        if not is_claim_token(self._masters, call, token) or not await self._note(
            call, message_id, _reference(body)
        ):
            # Also one that overtook the note of the call's own name; it will be sent again.
            _log.warning(
                "a genuine webhook is not about its address's call", provider=call.provider
            )
            raise _nothing()

    async def _note(self, call: Call, message_id: str, reference: str) -> bool:
        async with transaction(self._pool) as connection:
            noted: bool = await connection.fetchval(
                _QUERIES.note,
                call.provider,
                UUID(call.generation_id),
                call.attempt,
                reference,
                message_id,
            )
        return noted


def _reference(body: bytes) -> str:
    try:
        reference = _news.decode(body).id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem("malformed-json", "The body does not name a prediction.") from error
    if len(reference) > REFERENCE_CHARS_MAX or not reference.isalnum():
        raise _nothing()
    return reference


def _nothing() -> PixelpopError:
    return Problem("not-found", "Nothing is awaited at this address.")
