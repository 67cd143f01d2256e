"""What webhooks told of calls under way: asked by one statement for all of them.

The gateway keeps in `provider_news` that something was told of a call, and no more: how the call
stands is asked of its provider. Looked for by a statement, not by LISTEN, which needs a connection
of its own and does not get through a transaction-mode pooler.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode, urlsplit
from uuid import UUID

import structlog

from events.ids import GenerationId
from runtime.crypto.claim_tokens import Call, claim_token
from runtime.crypto.master import MasterKeys
from runtime.errors import PixelpopError
from runtime.postgres.pool import Pool, transaction
from runtime.queries import load_queries
from runtime.settings import Settings

_log = structlog.get_logger(__name__)
_QUERIES = load_queries(Path(__file__).with_name("news.sql"))

LOOK_SECONDS = 0.5


class ProviderNews:
    """The calls of this worker of which somebody wants to be told.

    Args:
        settings: where webhooks can come to.
        pool: connected as the worker.
        masters: make the tokens of webhooks' addresses.
    """

    def __init__(self, settings: Settings, pool: Pool, masters: MasterKeys) -> None:
        self._pool = pool
        self._masters = masters
        self._bases = _bases(settings)
        self._waiting: dict[tuple[UUID, int], asyncio.Event] = {}
        self._looking: asyncio.Task[None] | None = None

    def address(self, provider: str, generation_id: GenerationId, attempt: int) -> str | None:
        """See `News`."""
        base = self._bases.get(provider)
        if base is None:
            return None
        token = claim_token(self._masters, Call(provider, generation_id, attempt))
        query = {"generation_id": generation_id, "attempt": attempt, "token": token}
        return f"{base}/providers/{provider}/webhook?{urlencode(query)}"

    @contextlib.contextmanager
    def of(self, generation_id: GenerationId, attempt: int) -> Iterator[asyncio.Event]:
        """See `News`."""
        told = asyncio.Event()
        if not any(self._bases.values()):
            yield told
            return
        key = UUID(generation_id), attempt
        self._waiting[key] = told
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_on(), name="provider news")
        try:
            yield told
        finally:
            if self._waiting.get(key) is told:
                del self._waiting[key]

    async def stop(self) -> None:
        """Look no more."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    async def _look_on(self) -> None:
        while self._waiting:
            try:
                await self._look()
            except PixelpopError as error:
                # Whoever waits looks by itself as well, a little later.
                _log.warning("news of calls cannot be read", error=error)
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self) -> None:
        calls = list(self._waiting)
        async with transaction(self._pool) as connection:
            rows = await connection.fetch(
                _QUERIES.told, [one for one, _ in calls], [attempt for _, attempt in calls]
            )
        for row in rows:
            # Told once; from here on its provider is asked.
            told = self._waiting.pop((row["generation_id"], row["attempt"]), None)
            if told is not None:
                told.set()


def _bases(settings: Settings) -> dict[str, str | None]:
    """Where each provider can reach us, if what it sends can be checked there."""
    signed = {
        "replicate": (settings.replicate_base_url, bool(settings.replicate_webhook_secrets)),
        "fal": (settings.fal_base_url, settings.fal_key is not None),
    }
    return {
        name: _base(settings, url) if checked else None for name, (url, checked) in signed.items()
    }


def _base(settings: Settings, api_url: str) -> str | None:
    if settings.public_url is None:
        return None
    base = settings.public_url.rstrip("/")
    # They take no other scheme than https, which a stand-in on this machine does not speak.
    plain = urlsplit(api_url).scheme != "https"
    return base if plain or urlsplit(base).scheme == "https" else None
