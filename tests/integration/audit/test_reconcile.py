"""The books are compared with Telegram and Stripe by the auditor's rights; the log is told."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import msgspec
import pytest
import pytest_asyncio

from events.purchases import UNKNOWN_ACCOUNT, PaymentFinding
from events.stripe_payments import purchase_id
from projections.audit import main as auditor
from projections.audit.findings import Found, findings
from projections.audit.main import turn
from projections.audit.reconciling import Outcome, finding_id, reconcile, tell
from projections.audit.rows import (
    CHARGED_BACK,
    FOREIGN,
    MISSING_PURCHASE,
    MISSING_REFUND,
)
from runtime.errors import PixelpopError
from runtime.postgres.pool import Pool, open_pool
from runtime.settings import Settings
from runtime.waiting import until
from tests.fakes import stripe as fakes
from tests.fakes.telegram import Telegram
from tests.fakes.telegram.state import Invoice
from tests.integration.gateway.log import events_about
from tests.integration.gateway.stripe_shop import PACK, WELCOME, Shop, elsewhere, refunded


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def telegram() -> AsyncIterator[Telegram]:
    async with Telegram() as one:
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def settings(shop: Shop, telegram: Telegram, books: set[str]) -> Settings:
    return msgspec.structs.replace(
        shop.world.settings,
        database_url=shop.world.database.urls["auditor"],
        slot="audit",
        metrics_port=0,
        reconcile_grace_minutes=0,
        stripe_secret_key=fakes.API_KEY,
        stripe_api_base=shop.stripe.base_url,
        telegram_bot_token=telegram.token,
        telegram_api_base=telegram.base_url,
    )


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def pool(settings: Settings) -> AsyncIterator[Pool]:
    one = await open_pool(settings, application_name="test")
    yield one
    await one.close()


def nothing(_what: object, _count: int) -> None:
    pass


def kinds(outcome: Outcome) -> Counter[tuple[str, str | None]]:
    return Counter((one.kind, one.reference) for one in outcome.differences)


async def found(shop: Shop, account_id: str) -> dict[str, PaymentFinding]:
    """The findings of the log, by purchase and kind."""
    return {
        f"{event.purchase_id} {event.kind}": event
        for event in await events_about(shop.world, account_id)
        if isinstance(event, PaymentFinding)
    }


async def listed_findings(settings: Settings) -> list[Found]:
    """As `pixelpop audit findings` shows them."""
    seen: list[tuple[int, int]] = []
    since_ms = int((time.time() - 86_400) * 1000)
    rows = await findings(settings, since_ms=since_ms, seen=lambda *one: seen.append(one))
    assert seen[-1][0] >= seen[-1][1] > 0
    assert [one.found_at for one in rows] == sorted(one.found_at for one in rows)
    assert await findings(settings, since_ms=since_ms + 2 * 86_400_000, seen=nothing) == []
    return rows


async def test_stripe(shop: Shop, settings: Settings, pool: Pool, books: set[str]) -> None:
    """Webhooks that never came, and nothing else, are named; the log is told of each once."""
    one = await shop.customer()
    books.add(one.account_id)
    right = await shop.paid(one, "right")
    charged = await shop.paid(one, "charged-back")
    given = await shop.paid(one, "given-back")
    await shop.stripe.post.deliver()
    await shop.shows(one, WELCOME + 3 * PACK.credits)
    assert kinds(await reconcile(settings, pool, nothing)) == {}
    missing = await shop.paid(one, "missing")
    foreign = await elsewhere(shop, {"order": "7"})
    shop.stripe.bank.disputes(charged.charge["id"])
    async with httpx.AsyncClient(base_url=shop.stripe.base_url) as client:
        await refunded(client, given)
    outcome = await reconcile(settings, pool, nothing)
    assert kinds(outcome) == {
        (MISSING_PURCHASE, missing.intent["id"]): 1,
        (CHARGED_BACK, charged.intent["id"]): 1,
        (MISSING_REFUND, given.intent["id"]): 1,
        (FOREIGN, foreign.intent["id"]): 1,
    }
    assert right.intent["id"] not in str(outcome.differences)
    assert await tell(pool, shop.world.producer, outcome.differences) == 4
    assert await tell(pool, shop.world.producer, outcome.differences) == 0
    known = await found(shop, one.account_id) | await found(shop, UNKNOWN_ACCOUNT)
    told = {f"{one.purchase_id} {one.kind}" for one in outcome.differences}
    assert told <= set(known)
    listed = {f"{one.purchase_id} {one.kind}": one for one in await listed_findings(settings)}
    assert told <= set(listed)
    assert len(listed) == len(await listed_findings(settings))
    of_nobody = next(one for one in outcome.differences if one.kind == FOREIGN)
    shown = listed[f"{of_nobody.purchase_id} {FOREIGN}"]
    assert (shown.account_id, shown.amount) == (None, of_nobody.amount)
    # What had only been late is no difference any more; what had been told stays told.
    await shop.stripe.post.deliver()
    await shop.shows(one, WELCOME + 2 * PACK.credits)
    assert kinds(await reconcile(settings, pool, nothing)) == {(FOREIGN, foreign.intent["id"]): 1}
    shop.stripe.books.held["intents"].pop(foreign.intent["id"])


async def test_stars(shop: Shop, telegram: Telegram, settings: Settings, pool: Pool) -> None:
    """A payment in Stars that nobody told of is named, and a refund is told from it."""
    anna = telegram.person()
    anna.starts()
    charge = telegram.payments.charge(anna.id, Invoice("of ours", 50))
    back = telegram.payments.charge(anna.id, Invoice("of ours", 60))
    telegram.payments.charge_back(back)
    outcome = await reconcile(settings, pool, nothing)
    assert kinds(outcome) == {
        (MISSING_PURCHASE, charge.id): 1,
        (MISSING_PURCHASE, back.id): 1,
        (CHARGED_BACK, back.id): 1,
    }
    ids = {finding_id(one) for one in outcome.differences}
    assert len(ids) == 3
    telegram.world.transactions.clear()


async def test_no_answer(shop: Shop, settings: Settings, pool: Pool) -> None:
    """A provider that does not answer leaves the outcome open, and the turn comes again."""
    shop.stripe.fail("503", times=2)
    with pytest.raises(PixelpopError):
        await reconcile(settings, pool, nothing)
    await _make_due(shop)
    await turn(settings, pool, shop.world.producer)
    assert await _due_in(shop) == pytest.approx(900, abs=60)


async def _make_due(shop: Shop) -> None:
    await _owner(shop, "UPDATE reconciliation SET next_at = '-infinity'")


async def _due_in(shop: Shop) -> float:
    return float(
        await _owner(shop, "SELECT extract(epoch FROM next_at - now()) FROM reconciliation")
    )


async def _owner(shop: Shop, statement: str) -> Any:
    connection = await asyncpg.connect(shop.world.database.owner_url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def test_process(shop: Shop, settings: Settings, books: set[str]) -> None:
    """The process compares when it is time, tells the log, and waits its hours; two take turns."""
    one = await shop.customer()
    books.add(one.account_id)
    shop.stripe.post.held |= {"checkout.session.completed"}
    missing = await shop.paid(one, "missing")
    wanted = f"{purchase_id(missing.intent['id'])} {MISSING_PURCHASE}"
    await _make_due(shop)
    stop = asyncio.Event()
    slots = [msgspec.structs.replace(settings, slot=f"audit-{n}") for n in range(2)]
    running = [asyncio.create_task(auditor.main(one, stop)) for one in slots]
    try:

        async def told() -> bool:
            return wanted in await found(shop, UNKNOWN_ACCOUNT)

        await until(told, 30, what="the finding")
    finally:
        stop.set()
        await asyncio.gather(*running)
    every = settings.reconcile_every_hours * 3600
    assert await _due_in(shop) == pytest.approx(every, abs=120)
    shop.stripe.post.held.clear()
