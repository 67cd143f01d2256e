"""Payments in Telegram Stars, from the invoice to the credits (threats 28 and 29)."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from commands.catalogue import PACKS_BY_ID
from events.accounts import AccountErased
from events.ids import fact_id
from events.purchases import CreditsPurchased, PaymentFinding, PurchaseRefunded
from gateway.telegram.payments import (
    AMOUNT_MISMATCH,
    CONTRADICTION,
    NOT_OFFERED,
    PAID_AFTER_ERASURE,
    purchase_id_of,
)
from runtime.waiting import until
from tests.fakes.telegram import NotPaid
from tests.integration.gateway.stars import Customer, Shop, a_shop
from tests.integration.gateway.world import World

WELCOME = 5
STARTER = PACKS_BY_ID["starter"]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shop(world: World) -> AsyncIterator[Shop]:
    async with a_shop(world) as one:
        yield one


@pytest_asyncio.fixture(loop_scope="session")
async def ada(shop: Shop) -> AsyncIterator[Customer]:
    yield await shop.customer()
    shop.telegram.assert_clean()


async def test_pack(shop: Shop, ada: Customer) -> None:
    """A pack is offered, paid and granted; the log names neither the payer nor the charge."""
    answer = (await ada.asks()).json()
    assert answer["status"] == "awaiting_payment"
    assert (answer["id"], answer["amount"], answer["currency"]) == (None, STARTER.stars, "XTR")
    assert await ada.told() == []
    charge = await ada.chat.pays(answer["payment_url"])
    purchase = await ada.purchase(charge)
    assert purchase["offer_id"] == answer["offer_id"]
    await ada.has(available=WELCOME + STARTER.credits)
    (told,) = await ada.told()
    assert isinstance(told, CreditsPurchased)
    assert (told.provider, told.credits, told.expires_at_ms) == ("stars", STARTER.credits, None)
    assert charge.id not in str(told)
    assert str(ada.person.telegram_id) not in str(told)


async def test_monthly(shop: Shop, ada: Customer) -> None:
    """A monthly pack is a subscription: each payment is granted until the next is due."""
    monthly = PACKS_BY_ID["monthly"]
    charge = await ada.buys("monthly")
    shop.telegram.clock.forward(30 * 86_400)
    again = ada.chat.renews(charge)
    assert again is not None
    await shop.telegram.delivered()
    first, second = await ada.told()
    assert isinstance(first, CreditsPurchased)
    assert isinstance(second, CreditsPurchased)
    assert first.expires_at_ms == charge.expires_at * 1000
    assert second.expires_at_ms == again.expires_at * 1000
    assert first.purchase_id != second.purchase_id
    assert first.credits == second.credits == monthly.credits


async def test_28_duplicates_and_disorder(shop: Shop, ada: Customer) -> None:
    """Threat 28: payments and refunds, told up to five times in any order, count once each."""
    telegram = shop.telegram
    telegram.updates.delivery.is_held = True
    charges = []
    for _ in range(3):
        link = await ada.link()
        charges.append(telegram.payments.charge(ada.chat.id, telegram.world.invoices[link]))
    gone = charges[1]
    await shop.refund_elsewhere(gone)
    updates = list(telegram.updates.pending.values()) * 5
    telegram.updates.pending.clear()
    telegram.updates.release()
    random.Random(28).shuffle(updates)
    for update in updates:
        assert (await shop.tell(update)).status_code == 200
    await ada.purchase(gone, "refunded")
    await ada.has(available=WELCOME + 2 * STARTER.credits, debt=0)
    told = await ada.told()
    paid = {one.purchase_id for one in told if isinstance(one, CreditsPurchased)}
    back = {one.purchase_id for one in told if isinstance(one, PurchaseRefunded)}
    assert paid == {purchase_id_of(one.id) for one in charges}
    assert back == {purchase_id_of(gone.id)}


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"total_amount": 1}, AMOUNT_MISMATCH),
        ({"total_amount": 51}, AMOUNT_MISMATCH),
        ({"total_amount": -50}, AMOUNT_MISMATCH),
        ({"currency": "USD"}, AMOUNT_MISMATCH),
        ({"currency": "X\x00"}, AMOUNT_MISMATCH),
        ({"invoice_payload": ""}, NOT_OFFERED),
        ({"invoice_payload": "starter"}, NOT_OFFERED),
        ({"invoice_payload": "\u044f" * 64}, NOT_OFFERED),
    ],
)
async def test_29_mismatch(shop: Shop, ada: Customer, change: dict[str, Any], kind: str) -> None:
    """Threat 29: an amount, currency or payload that is not the pack's is a finding, no credits."""
    invoice = shop.telegram.world.invoices[await ada.link()]
    right = {"total_amount": invoice.amount, "invoice_payload": invoice.payload}
    shop.telegram.forged_payment(ada.chat, **(right | change))
    await shop.telegram.delivered()
    (found,) = await ada.told()
    assert isinstance(found, PaymentFinding)
    assert found.kind == kind
    assert (await ada.credits())["granted"] == WELCOME


async def test_29_another_pack(shop: Shop, ada: Customer) -> None:
    """Threat 29: a payload that was changed to a larger pack, or to another account, is none."""
    bob = await shop.customer()
    small = shop.telegram.world.invoices[await ada.link("starter")]
    large = shop.telegram.world.invoices[await ada.link("studio")]
    shop.telegram.forged_payment(ada.chat, total_amount=small.amount, invoice_payload=large.payload)
    mixed = small.payload[:60] + large.payload[60:]
    tail = "A" if large.payload[-1] != "A" else "B"
    for payload in (mixed, large.payload[:-1] + tail, large.payload + "AAAA"):
        shop.telegram.forged_payment(bob.chat, total_amount=large.amount, invoice_payload=payload)
    await shop.telegram.delivered()
    assert [getattr(one, "kind", "") for one in await ada.told()] == [AMOUNT_MISMATCH]
    assert [getattr(one, "kind", "") for one in await bob.told()] == [NOT_OFFERED] * 3
    for one in (ada, bob):
        assert (await one.credits())["granted"] == WELCOME


async def test_29_contradiction(shop: Shop, ada: Customer) -> None:
    """Threat 29: a charge that is told again with another invoice is a finding, for anybody."""
    bob = await shop.customer()
    charge = await ada.buys("starter")
    for who, pack in ((ada, "studio"), (bob, "starter")):
        invoice = shop.telegram.world.invoices[await who.link(pack)]
        shop.telegram.forged_payment(
            who.chat,
            telegram_payment_charge_id=charge.id,
            total_amount=invoice.amount,
            invoice_payload=invoice.payload,
        )
    await shop.telegram.delivered()
    await ada.has(granted=WELCOME + STARTER.credits)
    assert [getattr(one, "kind", "") for one in await ada.told()] == ["", CONTRADICTION]
    assert [getattr(one, "kind", "") for one in await bob.told()] == [CONTRADICTION]
    assert (await bob.credits())["granted"] == WELCOME


async def test_payer(shop: Shop, ada: Customer) -> None:
    """Nobody pays an invoice that was made for somebody else; they are told what to do."""
    bob = await shop.customer()
    with pytest.raises(NotPaid, match="somebody else"):
        await bob.chat.pays(await ada.link())


async def test_language(shop: Shop, ada: Customer) -> None:
    """A refusal is in the payer's language."""
    bob = await shop.customer()
    bob.chat.document["language_code"] = "ru"
    with pytest.raises(NotPaid, match="другому человеку"):
        await bob.chat.pays(await ada.link())


async def test_language_of_invoices(shop: Shop, ada: Customer) -> None:
    """An invoice is in the language that its person has chosen."""
    assert shop.telegram.world.invoices[await ada.link()].title == "10 credits"
    answer = await ada.person.client.patch(
        "/me", json={"language": "ru"}, headers=ada.person.authorization
    )
    assert answer.status_code == 200, answer.text

    async def in_russian() -> bool:
        return shop.telegram.world.invoices[await ada.link()].title == "10 кредитов"

    await until(in_russian, 20, what="an invoice in Russian")


async def test_banned(shop: Shop, ada: Customer, admin: Any) -> None:
    """Who is banned cannot pay, and is told so; what was paid before the ban still counts."""
    link = await ada.link()
    path = f"/admin/accounts/{ada.person.account_id}/ban"
    assert (await admin.post(path, json={"reason": "test"})).status_code < 300
    with pytest.raises(NotPaid, match="blocked"):
        await ada.chat.pays(link)
    shop.telegram.payments.charge(ada.chat.id, shop.telegram.world.invoices[link])
    await shop.telegram.delivered()
    assert [type(one) for one in await ada.told()] == [CreditsPurchased]


async def test_erased(shop: Shop, ada: Customer) -> None:
    """Who is erased cannot pay; Stars that come all the same go back, and are a finding."""
    link = await ada.link()
    erased = AccountErased(account_id=ada.person.account_id, occurred_at_ms=1, reason="user")
    await shop.world.append(erased, fact_id(ada.person.account_id, "erased"))
    await until(ada.is_gone, 20, what="the gateway to hear of the erasure")
    await shop.world.destroy_key(ada.person)
    with pytest.raises(NotPaid, match="erased"):
        await ada.chat.pays(link)
    charge = shop.telegram.payments.charge(ada.chat.id, shop.telegram.world.invoices[link])
    await shop.telegram.delivered()
    assert charge.is_refunded
    assert CreditsPurchased not in [type(one) for one in await ada.told()]
    assert await shop.findings(charge) == [PAID_AFTER_ERASURE]


@pytest.mark.parametrize("fault", ["lost", "drop", "500"])
async def test_answer_lost(shop: Shop, ada: Customer, fault: str) -> None:
    """An answer before the payment that may not have arrived is given again."""
    shop.telegram.faults["answerPreCheckoutQuery"] = [fault]
    await ada.buys()
    await ada.has(granted=WELCOME + STARTER.credits)


async def test_telegram_down(shop: Shop, ada: Customer) -> None:
    """Without Telegram nothing is offered, and the refusal says to come again."""
    shop.telegram.faults["createInvoiceLink"] = ["500"]
    answer = await ada.asks()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert "token" not in answer.text
