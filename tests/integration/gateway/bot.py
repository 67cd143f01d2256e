"""A gateway whose bot lives in the double of Telegram, and people who write to it."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg

from events.ids import AccountId, generation_id
from runtime.waiting import until
from tests.fakes.telegram import Person, Rules, Telegram
from tests.integration.gateway.world import Gateway, World, another_gateway

SECRET = "the_bots-secret"
APP = "https://pixelpop.test"


class Bot:
    """The bot's gateway, and Telegram."""

    def __init__(self, world: World, telegram: Telegram, gateway: Gateway) -> None:
        self.world = world
        self.telegram = telegram
        self.gateway = gateway

    async def account_of(self, person: Person) -> AccountId:
        """The account that a person signs in to."""
        found = await self.fetch(
            "SELECT account_id FROM identity_links WHERE subject_id = $1", str(person.id)
        )
        return AccountId(str(found[0]["account_id"]))

    async def fetch(self, query: str, *values: Any) -> list[Any]:
        """What the owner of the database sees."""
        connection = await asyncpg.connect(self.world.database.owner_url)
        try:
            rows: list[Any] = await connection.fetch(query, *values)
            return rows
        finally:
            await connection.close()

    async def started(self, name: str = "Anna", *, language: str = "en") -> Person:
        """Somebody who has pressed START, with the welcome credits."""
        person = self.telegram.person(name, language=language)
        person.starts()
        await person.sees("/generate")
        account_id = await self.account_of(person)

        async def welcomed() -> bool:
            rows = await self.fetch(
                "SELECT available FROM read.credit_accounts WHERE account_id = $1",
                UUID(account_id),
            )
            return bool(rows) and rows[0]["available"] > 0

        await until(welcomed, 30, what="the welcome credits")
        return person

    async def generation_of(self, person: Person, update: int | None = None) -> str:
        """The generation that a person's last update asked for."""
        number = update or self.last_update()
        return generation_id(await self.account_of(person), f"telegram:{number}")

    def last_update(self) -> int:
        """The number of the newest update."""
        return self.telegram.updates._next_update_id - 1

    async def status_of(self, generation: str) -> str | None:
        rows = await self.fetch(
            "SELECT status FROM read.generations WHERE generation_id = $1", UUID(generation)
        )
        return rows[0]["status"] if rows else None

    async def answered(self) -> None:
        """Wait until the bot has taken every update, and see that Telegram had nothing to say."""
        await self.telegram.delivered()
        self.telegram.assert_clean()

    def calls(self, method: str) -> list[dict[str, Any]]:
        """Arguments of the calls that Telegram took."""
        return [one.arguments for one in self.telegram.calls_of(method)]


@asynccontextmanager
async def a_bot(world: World, **changes: Any) -> AsyncIterator[Bot]:
    """A gateway of its own for the bot, told of updates by webhook."""
    async with Telegram(Rules(per_chat_burst=100, per_second=None)) as telegram:
        # What all tests do is kept in one database: each has updates and people of its own.
        telegram.world._last_id = random.randrange(10**8)
        telegram.updates._next_update_id = random.randrange(2**40)
        settings = {
            "telegram_api_base": telegram.base_url,
            "telegram_bot_token": telegram.token,
            "telegram_webhook_secret": SECRET,
            "public_url": APP,
        }
        async with another_gateway(world, **(settings | changes)) as gateway:
            await _hooked(telegram, gateway)
            yield Bot(world, telegram, gateway)


async def _hooked(telegram: Telegram, gateway: Gateway) -> None:
    """As `pixelpop telegram setup` does, for an address of this machine."""
    answer = await gateway.client.post(
        f"{telegram.base_url}/bot{telegram.token}/setWebhook",
        json={
            "url": f"http://127.0.0.1:{gateway.port}/telegram/webhook",
            "secret_token": SECRET,
        },
    )
    assert answer.status_code == 200, answer.text
