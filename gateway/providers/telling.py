"""Taking what a provider tells of a call: who says so, about which call, and is it that call's?

Four things must hold: its address is one that we gave out for that call; the message is signed with
a live key and of now; the call is there; and it is the call that the message is about. Then it
is kept that there is news. What the news is, is asked of the provider, never read here.
"""

from __future__ import annotations

import re
from pathlib import Path
from uuid import UUID

import structlog

from gateway.providers.fal_keys import FalKeys
from gateway.providers.genuine import OfFal, OfReplicate, Signatures
from gateway.web.errors import Problem
from gateway.web.http import Headers
from runtime.crypto.claim_tokens import Call, is_claim_token
from runtime.crypto.master import MasterKeys
from runtime.errors import PixelpopError
from runtime.postgres.pool import Pool, transaction
from runtime.queries import load_queries
from runtime.settings import Settings
from runtime.standard_webhooks import NotGenuine

_log = structlog.get_logger(__name__)
_QUERIES = load_queries(Path(__file__).with_name("telling.sql"))

_REFERENCE = re.compile(r"[A-Za-z0-9_-]{1,100}")


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
        self._signatures: dict[str, Signatures] = {
            "replicate": OfReplicate(settings),
            "fal": OfFal(settings, FalKeys()),
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
            KeysUnavailable: it cannot be checked now; it may be sent again.
            DatabaseUnavailable: it may be sent again.
        """
        if not is_claim_token(self._masters, call, token):
            raise _nothing()
        signatures = self._signatures[call.provider]
        try:
            message_id = await signatures.message_id(headers, body)
        except NotGenuine as error:
            raise Problem(
                "webhook-not-genuine", f"The message is not taken for genuine. {error}"
            ) from error
        reference = signatures.reference(body)
        if _REFERENCE.fullmatch(reference) is None or not await self._note(
            call, message_id, reference
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


def _nothing() -> PixelpopError:
    return Problem("not-found", "Nothing is awaited at this address.")
