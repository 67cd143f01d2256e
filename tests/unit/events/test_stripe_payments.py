"""What a payment at Stripe means depends on its state alone, and only ever grows."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st
from msgspec.structs import replace

from events.purchases import CreditsPurchased, PaymentFinding, PurchaseRefunded
from events.stripe_payments import (
    AMOUNT_MISMATCH,
    PARTLY_RETURNED,
    RETURNED_TWICE,
    Offered,
    is_proved,
    metadata_of,
    offered_in,
    purchase_id,
    story,
)
from runtime.stripe.shapes import Dispute, Intent, Payment, Refund
from tests.given import ACCOUNT, START_MS, Told, at, given

CENTS, CREDITS, KEY = 449, 50, b"k" * 32
OFFERED = Offered(
    account=ACCOUNT,
    pack="regular",
    credits=CREDITS,
    amount=CENTS,
    currency="USD",
    offer="0b0f1c52-6f0e-4a2b-9b56-2f1f6c1f4c1e",
)
INTENT = Intent(
    id="pi_1",
    amount=CENTS,
    amount_received=CENTS,
    currency="usd",
    status="succeeded",
    created=START_MS // 1000,
    metadata=metadata_of(OFFERED, KEY),
)
PAID = Payment(intent=INTENT)


def refund(name: str, amount: int, status: str) -> Refund:
    created = INTENT.created + int(name[-1])
    return Refund(id=name, amount=amount, status=status, created=created)


def dispute(name: str, amount: int, status: str) -> Dispute:
    created = INTENT.created + int(name[-1])
    return Dispute(id=name, amount=amount, status=status, created=created)


def kinds(*reversals: Refund | Dispute, **changes: Any) -> list[str]:
    payment = Payment(
        intent=replace(INTENT, **changes),
        refunds=tuple(one for one in reversals if isinstance(one, Refund)),
        disputes=tuple(one for one in reversals if isinstance(one, Dispute)),
    )
    found = []
    for _, event in story(payment, OFFERED):
        match event:
            case PaymentFinding():
                found.append(event.kind)
            case PurchaseRefunded():
                found.append(f"{event.reason} by {event.refund_id}")
            case CreditsPurchased():
                found.append("bought")
    return found


def test_offers() -> None:
    """What is written on a payment is read again, and nobody else can write it."""
    written = metadata_of(OFFERED, KEY)
    assert all(len(name) <= 40 and len(value) <= 500 for name, value in written.items())
    assert offered_in(written) == OFFERED
    assert is_proved(OFFERED, written, [b"another", KEY])
    assert not is_proved(OFFERED, written, [b"another"])
    assert not is_proved(replace(OFFERED, credits=51), written, [KEY])
    for name in written:
        without = {key: value for key, value in written.items() if key != name}
        assert offered_in(without) is None or not is_proved(OFFERED, without, [KEY])
    assert offered_in({}) is None
    assert offered_in(written | {"pixelpop_credits": "many"}) is None
    assert offered_in(written | {"pixelpop_account": "nobody"}) is None


def test_unpaid() -> None:
    """Before it is paid there is nothing to tell, whatever else is."""
    for status in ("requires_payment_method", "processing", "canceled", "new_in_2030"):
        assert kinds(status=status) == []
    assert kinds() == ["bought"]


def test_other_amounts() -> None:
    """Money that is not what was offered buys nothing, and is a finding."""
    for changes in ({"amount_received": 448}, {"amount_received": 450}, {"currency": "eur"}):
        assert kinds(**changes) == [AMOUNT_MISMATCH]


@pytest.mark.parametrize(
    ("reversals", "told"),
    [
        ([refund("r1", CENTS, "succeeded")], ["refund by r1"]),
        ([refund("r1", CENTS, "pending")], ["refund by r1"]),
        ([refund("r1", CENTS, "failed")], ["refund by r1", "bought"]),
        ([refund("r1", 100, "succeeded")], [PARTLY_RETURNED]),
        ([refund("r1", 100, "failed")], []),
        ([refund("r1", 100, "succeeded"), refund("r2", 349, "pending")], ["refund by r2"]),
        ([dispute("d1", CENTS, "needs_response")], ["chargeback by d1"]),
        ([dispute("d1", CENTS, "lost")], ["chargeback by d1"]),
        ([dispute("d1", CENTS, "won")], ["chargeback by d1", "bought"]),
        ([dispute("d1", CENTS, "warning_needs_response")], []),
        ([dispute("d1", CENTS, "new_in_2030")], []),
        (
            [dispute("d1", CENTS, "won"), refund("r2", CENTS, "succeeded")],
            ["chargeback by d1", "bought", "refund by r2"],
        ),
        (
            [refund("r1", CENTS, "succeeded"), dispute("d2", CENTS, "lost")],
            ["refund by r1", RETURNED_TWICE],
        ),
        ([refund("r1", 100, "succeeded"), dispute("d2", 349, "lost")], ["chargeback by d2"]),
    ],
)
def test_reversals(reversals: list[Refund | Dispute], told: list[str]) -> None:
    """All of the money gone takes the credits, all of it back gives them, a part is a finding."""
    assert kinds(*reversals) == ["bought", *told]


ENDS = {"refund": ("pending", "failed", "succeeded"), "dispute": ("under_review", "won", "lost")}


@st.composite
def lives(draw: st.DrawFn) -> tuple[list[Payment], bool]:
    """All the states of a payment, one after the other, and whether the money is ours at last."""
    states = [PAID]
    payment, ours = PAID, True
    for number in range(1, draw(st.integers(1, 4)) + 1):
        kind = draw(st.sampled_from(sorted(ENDS)))
        begins, undone, done = ENDS[kind]
        make, field = (refund, "refunds") if kind == "refund" else (dispute, "disputes")
        before = getattr(payment, field)
        ours = draw(st.booleans())
        for status in (begins, undone if ours else done):
            one = make(f"{kind}_{number}", CENTS, status)
            payment = replace(payment, **{field: (*before, one)})
            states.append(payment)
        if not ours:
            break
    return states, ours


@hypothesis_given(lives(), st.data())
def test_any_order(life: tuple[list[Payment], bool], data: st.DataObject) -> None:
    """Seen in any states, any number of times, in any order, if the last is among them: credits
    are there once if the money is, and not at all if it is not; and nothing is told that a later
    state would not tell.
    """
    states, ours = life
    seen = data.draw(st.lists(st.sampled_from(states), max_size=8))
    seen.insert(data.draw(st.integers(0, len(seen))), states[-1])
    account = given()
    facts = [one.event for payment in seen for one in story(payment, OFFERED)]
    for event in data.draw(st.permutations(facts)):
        account.when(Told(event))
    account.when(at(1)).then_state(granted=CREDITS if ours else 0, debt=0)
    assert account.account.available == (CREDITS if ours else 0)
    told = [{one.event_id for one in story(payment, OFFERED)} for payment in states]
    assert all(earlier <= later for earlier, later in pairwise(told))


def test_ids() -> None:
    """A purchase's id is made of the payment's, and of what came to nothing since."""
    assert len({purchase_id("pi_1"), purchase_id("pi_2"), purchase_id("pi_1", "re_1")}) == 3
