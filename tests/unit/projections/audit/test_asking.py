"""What Telegram and Stripe say is read to its end, and means what it says."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from events.ids import derive
from events.stripe_payments import Offered, metadata_of
from projections.audit import stars, stripe
from projections.audit.rows import CHARGED_BACK, FOREIGN, MISSING_REFUND
from runtime.settings import Settings
from runtime.stripe.api import Stripe, open_stripe
from runtime.telegram.api import open_bot
from runtime.telegram.errors import TelegramUnreachable
from tests.fakes import stripe as stripes
from tests.fakes.telegram import Telegram
from tests.fakes.telegram.state import Invoice

KEY = b"k" * 32
OFFERED = Offered(
    account=derive("account"),
    pack="regular",
    credits=50,
    amount=449,
    currency="USD",
    offer=derive("offer"),
)


def nothing(_count: int) -> None:
    pass


async def test_stars() -> None:
    """250 payments are read in pages; a refund has the id of its payment, and a store's too."""
    async with Telegram() as telegram:
        anna = telegram.person()
        anna.starts()
        charges = [
            telegram.payments.charge(anna.id, Invoice(f"payload {number}", 50))
            for number in range(250)
        ]
        telegram.payments.charge_back(charges[3])
        world = telegram.world
        world.transactions.append(
            {"id": "w1", "amount": 9, "date": 1, "receiver": {"type": "fragment"}}
        )
        gift = {"type": "user", "transaction_type": "paid_media_payment", "user": anna.document}
        world.transactions.append({"id": "m1", "amount": 7, "date": 1, "source": gift})
        bot = open_bot(
            Settings(telegram_bot_token=telegram.token, telegram_api_base=telegram.base_url)
        )
        counts: list[int] = []
        said = await stars.ask(bot, counts.append)
        assert counts == [100, 200, 253]
        assert Counter(row.step for row in said.rows) == {"purchase": 250, "refund": 1}
        (back,) = (row for row in said.rows if row.step == "refund")
        assert (back.reference, back.kind) == (charges[3].id, CHARGED_BACK)
        first = said.rows[0]
        assert (first.payload, first.payer_id, first.amount) == ("payload 0", anna.id, 50)
        assert [one.kind for one in said.differences] == [FOREIGN]
        assert said.others == 1
        await bot.stop()


async def bought(double: stripes.Stripe, shop: Stripe, **metadata: str) -> stripes.Payment:
    price = {"currency": "usd", "unit_amount": 449, "product_data": {"name": "50 credits"}}
    asked: dict[str, Any] = {
        "mode": "payment",
        "success_url": "https://app.example/",
        "line_items": [{"price_data": price, "quantity": 1}],
        "payment_intent_data": {"metadata": metadata or {"order": "1"}},
    }
    session = await shop.open_session(asked, derive(str(len(double.calls))))
    assert session.url is not None
    return double.customer.pays(session.url)


async def test_stripe() -> None:
    """Payments, refunds and disputes come together, whoever offered them is told apart."""
    async with stripes.Stripe() as double:
        shop = open_stripe(
            Settings(stripe_secret_key=stripes.API_KEY, stripe_api_base=double.base_url)
        )
        ours = metadata_of(OFFERED, KEY)
        paid = [await bought(double, shop, **ours) for _ in range(3)]
        await shop.refund(paid[1].intent["id"])
        double.bank.disputes(paid[2].charge["id"])
        await bought(double, shop)
        forged = await bought(double, shop, **metadata_of(OFFERED, b"x" * 32))
        said = await stripe.ask(shop, [KEY], 0, nothing)
        rows = {(row.reference, row.step): row for row in said.rows}
        assert len(rows) == len(said.rows) == 6
        assert rows[paid[1].intent["id"], "refund"].kind == MISSING_REFUND
        assert rows[paid[2].intent["id"], "refund"].kind == CHARGED_BACK
        assert [row.reference for row in said.rows if not row.proved] == [forged.intent["id"]]
        assert [one.kind for one in said.differences] == [FOREIGN]
        await shop.stop()


async def test_no_answer() -> None:
    """A provider that does not answer is an error, not an empty list."""
    bot = open_bot(
        Settings(telegram_bot_token="1:" + "x" * 35, telegram_api_base="http://127.0.0.1:1")
    )
    with pytest.raises(TelegramUnreachable):
        await stars.ask(bot, nothing)
    await bot.stop()
