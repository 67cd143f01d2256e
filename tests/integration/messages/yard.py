"""A yard for senders of messages: people, generations, decisions; and the double of Telegram."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any, Self
from uuid import UUID

import asyncpg
import msgspec
from aiogram.methods import SendMessage

from processors.messages.facts import Facts
from processors.messages.main import Parts, wired
from processors.messages.outbox import Outbox
from processors.messages.planning import Age
from processors.outward.decisions import Decisions
from processors.outward.planning import Told
from processors.worker.work import Delivery
from projections import schema
from runtime.crypto.keys import new_account_key, wrap
from runtime.crypto.master import master_keys
from runtime.kafka.clock import BrokerClock
from runtime.objects import MemoryObjects
from runtime.postgres.pool import Pool, open_pool
from runtime.settings import Settings
from runtime.telegram.api import open_bot
from runtime.waiting import until
from tests.fakes.telegram.people import Person
from tests.fakes.telegram.plain import picture
from tests.fakes.telegram.server import Telegram
from tests.fakes.telegram.state import Rules
from tests.integration.messages.log import NOW_MS, Log
from tests.integration.webhooks.yard import NoDlq

DAY_MS = 86_400_000


class Yard(Log):
    """One test's database, a double of Telegram, and planners and senders over them."""

    def __init__(self, settings_for: Callable[[str], Settings], owner: Settings) -> None:
        super().__init__()
        self._settings_for = settings_for
        self._owner = owner
        self._stack = AsyncExitStack()
        self.producer = NoDlq()
        self.objects = MemoryObjects()
        self.telegram = Telegram(Rules())
        self.people: dict[UUID, Person] = {}

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.telegram)
        self.owner = await asyncpg.connect(self._owner.database_url)
        self._stack.push_async_callback(self.owner.close)
        await schema.ensure(await self._pool("projector"))
        self.settings = msgspec.structs.replace(
            self._settings_for("messages"),
            telegram_bot_token=self.telegram.token,
            telegram_api_base=self.telegram.base_url,
            telegram_timeout_seconds=2.0,
            messages_poll_seconds=0.05,
            public_url="https://pixelpop.example",
            worker_retry_seconds=5.0,
        )
        self.pool = await self._pool("messages")
        self.bot = open_bot(self.settings)
        self._stack.push_async_callback(self.bot.stop)
        self.clock = BrokerClock()
        self.clock.observe(NOW_MS)
        self.parts = self.wired()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _pool(self, process: str) -> Pool:
        pool = await open_pool(self._settings_for(process), application_name="test")
        self._stack.push_async_callback(pool.close)
        return pool

    def wired(self, *, from_ms: int = 0, bot: Any = None, **changes: Any) -> Parts:
        """One more set of parts, not running."""
        settings = msgspec.structs.replace(self.settings, **changes)
        outbox = Outbox(self.pool, seconds_per_call=1 / settings.messages_per_second)
        return wired(
            settings,
            Facts(self.pool),
            Decisions(self.pool),
            outbox,
            self.objects,
            bot or self.bot,
            self.producer,  # type: ignore[arg-type]  # takes what it is given
            self.clock,
            Age(self.clock, max_seconds=DAY_MS / 1000, from_ms=from_ms),
        )

    @contextlib.asynccontextmanager
    async def sending(self, **changes: Any) -> AsyncIterator[Parts]:
        """A sender that runs inside."""
        parts = self.wired(**changes)
        task = asyncio.create_task(parts.sender.run(parts.deliverer.deliver))
        try:
            yield parts
        finally:
            await parts.sender.stop()
            await task

    async def person(self, *, language: str = "en", starts: bool = True) -> UUID:
        """A new account of somebody in Telegram."""
        account_id = uuid.uuid4()
        person = self.telegram.person(language=language)
        person.chat.is_started = starts
        self.people[account_id] = person
        master = master_keys(self._owner).current
        await self.owner.execute(
            "INSERT INTO identities (account_id, wrapped_key, master_key_id) VALUES ($1, $2, $3)",
            account_id,
            wrap(master, new_account_key(), account_id),
            master.id,
        )
        await self.owner.execute(
            "INSERT INTO identity_links (account_id, provider, subject_id)"
            " VALUES ($1, 'telegram', $2)",
            account_id,
            str(person.id),
        )
        await self.owner.execute(
            "INSERT INTO read_v1.users (account_id, language, registered_at_ms) VALUES ($1, $2, 1)",
            account_id,
            language,
        )
        return account_id

    async def prefers(self, account_id: UUID, chosen: str) -> None:
        """What a person has chosen, as JSON."""
        await self.owner.execute(
            "INSERT INTO read_v1.preferences (account_id, chosen) VALUES ($1, $2::text::jsonb)",
            account_id,
            chosen,
        )

    async def generation(
        self, account_id: UUID, status: str = "done", count: int = 1, *, error: str | None = None
    ) -> UUID:
        """A generation as the read models have it, with its pictures stored."""
        generation_id = uuid.uuid4()
        await self.owner.execute(
            "INSERT INTO read_v1.generations (account_id, generation_id, status, kind, prompt,"
            " style_id, size, count, seed, model, quality, body_mac, credits_captured,"
            " failed_count, error_code, requested_at_ms, log_partition, log_offset)"
            " VALUES ($1, $2, $3, 'image', '', 'none', '8x8', $4, 1, 'preview', 'standard', '', $4,"
            " 0, $5, 1, 0, 1)",
            account_id,
            generation_id,
            status,
            count,
            error,
        )
        if status == "done":
            await self._pictures(account_id, generation_id, count)
        return generation_id

    async def completes(self, account_id: UUID, generation_id: UUID, count: int = 1) -> None:
        """A generation is done, and the read models know."""
        await self._pictures(account_id, generation_id, count)
        await self.owner.execute(
            "UPDATE read_v1.generations SET status = 'done' WHERE generation_id = $1",
            generation_id,
        )

    async def _pictures(self, account_id: UUID, generation_id: UUID, count: int) -> None:
        for index in range(count):
            stem = f"generations/{account_id}/{generation_id}/{index}"
            data = picture(8 + index, 8)
            await self.objects.put_if_absent(f"{stem}.png", data, "image/png")
            await self.owner.execute(
                "INSERT INTO read_v1.images (account_id, image_id, generation_id, index,"
                " object_key, preview_key, width, height, content_type, size_bytes, sha256)"
                " VALUES ($1, gen_random_uuid(), $2, $3, $4, $5, 8, 8, 'image/png', $6, '')",
                account_id,
                generation_id,
                index,
                f"{stem}.png",
                f"{stem}.webp",
                len(data),
            )

    async def status_message(
        self, account_id: UUID, generation_id: UUID, *, chat_id: int | None = None
    ) -> int:
        """The bot's message about a generation, as the gateway leaves it; its number."""
        person = self.people[account_id]
        sent = await self.bot.call(SendMessage(chat_id=chat_id or person.id, text="…"))
        await self.owner.execute(
            "INSERT INTO bot_status_messages (generation_id, account_id, chat_id, message_id,"
            " language) VALUES ($1, $2, $3, $4, 'en')",
            generation_id,
            account_id,
            chat_id,
            sent.message_id,
        )
        # The double counts what the gateway sent as well.
        self.telegram.clock.forward(1.0)
        return int(sent.message_id)

    async def grant(self, account_id: UUID, available: int, expires_at_ms: int) -> None:
        """Credits as the read models have them."""
        await self.owner.execute(
            "INSERT INTO read_v1.grants (account_id, grant_id, why, origin, promotional, credits,"
            " available, expires_at_ms, granted_at_ms, sequence)"
            " VALUES ($1, gen_random_uuid(), 'promotion', 'promotion', true, $2, $2, $3, 1, 1)",
            account_id,
            available,
            expires_at_ms,
        )

    async def tell(self, *deliveries: Delivery, parts: Parts | None = None) -> None:
        """Have records planned, one after the other."""
        for delivery in deliveries:
            await (parts or self.parts).planner.perform(Told(delivery), delivery)

    async def planned(self) -> list[asyncpg.Record]:
        """All messages, oldest first."""
        return await self.owner.fetch("SELECT * FROM bot_messages ORDER BY created_at, message_id")

    async def ended(self, count: int, timeout_seconds: float = 20.0) -> list[tuple[str, str, str]]:
        """Wait until so many messages have ended; kind, state and outcome of all."""

        async def reached() -> bool:
            rows = await self.planned()
            return len(rows) >= count and all(row["state"] != "pending" for row in rows)

        await until(reached, timeout_seconds, what=f"{count} messages to end")
        return [(row["kind"], row["state"], row["outcome"]) for row in await self.planned()]

    async def tried(self, outcome: str) -> asyncpg.Record:
        """Wait until a message that is still to be sent was tried and ended so; the message."""

        async def found() -> Any:
            rows = await self.planned()
            return next((one for one in rows if one["outcome"] == outcome), None)

        return await until(found, 20.0, what=f"a try to end as {outcome}")

    async def make_due(self) -> None:
        """Let all pauses and leases be over."""
        await self.owner.execute(
            "UPDATE bot_messages SET due_at = now() - interval '1 second', lease_until ="
            " CASE WHEN lease_until IS NULL THEN NULL ELSE now() - interval '1 second' END"
            " WHERE state = 'pending'"
        )
        await self.owner.execute(
            "UPDATE bot_chat_pace SET next_at = '-infinity', closed_until = '-infinity'"
        )
        await self.owner.execute("UPDATE bot_pace SET closed_until = '-infinity'")

    def calls(self) -> list[str]:
        """The methods that were called and done, in order, without what the test itself sent."""
        return [
            one.method
            for one in self.telegram.calls
            if one.code == 200 and one.arguments.get("text") != "…"
        ]
