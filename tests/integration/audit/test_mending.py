"""`pixelpop audit reconcile`: what is missing is shown, and appended once a person says so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from commands.catalogue import PACKS_BY_ID
from events.purchases import CreditsPurchased, PurchaseRefunded
from gateway.money import reconciling
from projections.audit.rows import CHARGED_BACK, MISSING_PURCHASE, NOT_OFFERED
from runtime.settings import Settings
from runtime.waiting import until
from tests.fakes import stripe as stripes
from tests.fakes.telegram import Charge, Telegram
from tests.fakes.telegram.state import Invoice
from tests.integration.gateway.stars import Customer, a_shop
from tests.integration.gateway.stars import Shop as StarsShop
from tests.integration.gateway.stripe_shop import PACK, WELCOME, Shop
from tests.integration.gateway.world import World

STARTER, MONTHLY = PACKS_BY_ID["starter"], PACKS_BY_ID["monthly"]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def bot(world: World) -> AsyncIterator[StarsShop]:
    async with a_shop(world) as one:
        yield one


def as_owner(world: World, **changes: Any) -> Settings:
    about = {"database_url": world.database.owner_url, "reconcile_grace_minutes": 0} | changes
    return msgspec.structs.replace(world.settings, **about)


def at_telegram(bot: StarsShop) -> Settings:
    return as_owner(bot.world, telegram_api_base=bot.telegram.base_url)


@contextmanager
def lost(telegram: Telegram) -> Any:
    """Nobody is told of what happens meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(telegram.updates, "push", lambda **_update: None)
        yield


async def untold(customer: Customer, pack_id: str = "starter") -> Charge:
    """A payment whose webhook was lost."""
    telegram = customer.shop.telegram
    offered = telegram.world.invoices[await customer.link(pack_id)]
    with lost(telegram):
        return telegram.payments.charge(customer.chat.id, offered)


class Said(msgspec.Struct):
    """What the command printed."""

    status: int
    kinds: list[tuple[str, str]]
    appended: int


async def reconcile(settings: Settings, printed: list[reconciling.Shown], **asked: Any) -> Said:
    """Run the command for scripts."""
    how = {"append_missing": False, "yes": True, "as_json": True} | asked
    status = await reconciling.run(settings, **how)
    said = printed.pop()
    kinds = [(one.kind, str(one.reference)) for part in said.compared for one in part.differences]
    return Said(status, sorted(kinds), said.appended)


async def agrees(
    settings: Settings, printed: list[reconciling.Shown], *but: tuple[str, str]
) -> None:
    """Wait until only this is different; a balance may be right before all is in the tables."""

    async def only_this() -> bool:
        return (await reconcile(settings, printed)).kinds == list(but)

    await until(only_this, 30, what="the books to agree")


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> list[reconciling.Shown]:
    """What scripts get; the process's own log goes the same way here."""
    shown: list[reconciling.Shown] = []
    monkeypatch.setattr(reconciling, "print_json", shown.append)
    return shown


async def test_stars(bot: StarsShop, printed: list[reconciling.Shown], books: set[str]) -> None:
    """Lost payments, a store's chargeback and what we did not sell: what was ours is mended, under
    the ids that the webhook would have used, and a subscription ends with its period.
    """
    settings, ada = at_telegram(bot), await bot.customer()
    books.add(ada.person.account_id)
    right = await ada.buys()
    await ada.has(available=WELCOME + STARTER.credits)
    assert (await reconcile(settings, printed)).status == 0
    missing, monthly = await untold(ada), await untold(ada, "monthly")
    taken = await untold(ada)
    bot.telegram.payments.charge_back(right)
    bot.telegram.payments.charge_back(taken)
    with lost(bot.telegram):
        foreign = bot.telegram.payments.charge(ada.chat.id, Invoice("of somebody else", 50))
    wanted = sorted(
        [
            *((MISSING_PURCHASE, one.id) for one in (missing, monthly, taken, foreign)),
            *((CHARGED_BACK, one.id) for one in (right, taken)),
        ]
    )
    said = await reconcile(settings, printed)
    assert (said.status, said.kinds, said.appended) == (1, wanted, 0)
    await ada.has(available=WELCOME + STARTER.credits)
    said = await reconcile(settings, printed, append_missing=True)
    # What we did not offer stays a difference, and the status says so.
    assert (said.status, said.kinds, said.appended) == (1, wanted, 5)
    await ada.has(available=WELCOME + STARTER.credits + MONTHLY.credits, debt=0)
    await agrees(settings, printed, (MISSING_PURCHASE, foreign.id))
    said = await reconcile(settings, printed, append_missing=True)
    assert (said.status, said.kinds) == (1, [(MISSING_PURCHASE, foreign.id)])
    facts = await ada.told()
    bought = [one for one in facts if isinstance(one, CreditsPurchased)]
    assert len({one.purchase_id for one in bought}) == len(bought) == 4
    (ends,) = [one.expires_at_ms for one in bought if one.pack_id == "monthly"]
    assert ends == monthly.expires_at * 1000
    refunds = [one for one in facts if isinstance(one, PurchaseRefunded)]
    assert [one.reason for one in refunds] == ["chargeback", "chargeback"]
    bot.telegram.world.transactions.pop()
    assert (await reconcile(settings, printed)).status == 0


async def test_late(bot: StarsShop, printed: list[reconciling.Shown], books: set[str]) -> None:
    """A webhook that comes after all, or a second run, changes nothing any more."""
    settings, ada = at_telegram(bot), await bot.customer()
    books.add(ada.person.account_id)
    charge = await untold(ada)
    for _ in range(2):
        await reconcile(settings, printed, append_missing=True)
    await ada.has(available=WELCOME + STARTER.credits)
    paid = {
        "currency": "XTR",
        "total_amount": charge.invoice.amount,
        "invoice_payload": charge.invoice.payload,
        "telegram_payment_charge_id": charge.id,
        "provider_payment_charge_id": "1",
    }
    person = {"id": ada.chat.id, "is_bot": False, "first_name": "Ada"}
    message = {
        "message_id": 5,
        "date": charge.paid_at,
        "chat": {"id": ada.chat.id, "type": "private"},
        "from": person,
        "successful_payment": paid,
    }
    answer = await bot.tell({"update_id": 987_654, "message": message})
    assert answer.status_code == 200, answer.text
    assert len([one for one in await ada.told() if isinstance(one, CreditsPurchased)]) == 1


async def test_stripe(shop: Shop, printed: list[reconciling.Shown], books: set[str]) -> None:
    """What Stripe's lost webhooks would have told is told, and what we did not offer is not."""
    settings = as_owner(
        shop.world, stripe_secret_key=stripes.API_KEY, stripe_api_base=shop.stripe.base_url
    )
    settings = msgspec.structs.replace(settings, telegram_bot_token=None)
    one = await shop.customer()
    books.add(one.account_id)
    paid, charged = await shop.paid(one, "paid"), await shop.paid(one, "charged")
    shop.stripe.bank.disputes(charged.charge["id"])
    forged = await shop.paid(one, "forged")
    forged.intent["metadata"] = forged.intent["metadata"] | {"pixelpop_credits": "5000"}
    wanted = sorted(
        [
            *((MISSING_PURCHASE, each.intent["id"]) for each in (paid, charged)),
            (CHARGED_BACK, charged.intent["id"]),
            (NOT_OFFERED, forged.intent["id"]),
        ]
    )
    said = await reconcile(settings, printed)
    assert (said.status, said.kinds) == (1, wanted)
    assert (await reconcile(settings, printed, append_missing=True)).appended == 3
    await shop.shows(one, WELCOME + PACK.credits)
    await agrees(settings, printed, (NOT_OFFERED, forged.intent["id"]))


async def test_not_known(shop: Shop, books: set[str], capfd: pytest.CaptureFixture[str]) -> None:
    """Where a provider does not answer the status is another than where something differs."""
    settings = as_owner(
        shop.world, stripe_secret_key=stripes.API_KEY, stripe_api_base=shop.stripe.base_url
    )
    settings = msgspec.structs.replace(settings, telegram_bot_token=None)
    shop.stripe.fail("503")
    how = {"append_missing": False, "yes": False, "as_json": False}
    assert await reconciling.run(settings, **how) == reconciling.EXIT_UNKNOWN
    assert "could not be compared" in capfd.readouterr().err
    nobody = msgspec.structs.replace(settings, stripe_secret_key=None)
    assert await reconciling.run(nobody, **how) == 0
    assert "No payment provider" in capfd.readouterr().out
