"""Money that goes back: at the provider first, and then, since it is so, in the log.

Asked again, a provider says that the money went back before, and the fact has the same id whoever
tells it: so after a lost answer, or a crash in between, it is enough to ask again. A provider that
tells of refunds by itself may be first; that is as good. The credits leave by the decider's
`CreditsRevoked`; what was spent of them becomes a debt that everybody sees.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg

from commands.catalogue import PACKS_BY_ID
from events.base import Sealed
from events.ids import AccountId, SourceId, derive, fact_id
from events.purchases import PurchaseRefunded
from gateway.deps import Deps
from gateway.events_out import EVENTS, outgoing
from gateway.money.payments import LOCAL, NONE_CONFIGURED, Paid, RefundOutcome
from gateway.money.stars import Stars
from gateway.web.cursors import LogPosition
from gateway.web.errors import Problem
from runtime.crypto.keys import KeyDestroyed
from runtime.crypto.sealing import unseal
from runtime.postgres.pool import as_account
from runtime.queries import load_queries

_QUERIES = load_queries(Path(__file__).with_name("refunds.sql"))

NO_PURCHASE: Final = "There is no such purchase."
DAY_MS: Final = 86_400_000


async def find(deps: Deps, account_id: UUID, purchase_id: UUID) -> asyncpg.Record:
    """A purchase of that account, with `unspent`: how many of its credits are still there.

    Raises:
        Problem: it has none by that id.
    """
    async with as_account(deps.pool, account_id) as connection:
        row = await connection.fetchrow(_QUERIES.get_purchase, account_id, purchase_id)
    if row is None:
        raise Problem("not-found", NO_PURCHASE)
    return row


def refuse_late(deps: Deps, row: Any) -> None:
    """Refuse what only an admin gives back: after some days, or once credits of it were used.

    Raises:
        Problem: it is too late.
    """
    days = deps.settings.refund_days
    if deps.clock.now_ms() - row["purchased_at_ms"] > days * DAY_MS:
        raise Problem(
            "refund-too-late",
            f"A purchase can be given back for {days} days. Write to support about this one.",
        )
    if row["unspent"] != row["credits"]:
        raise Problem(
            "refund-spent",
            "Credits of this purchase were used. Write to support about it.",
        )


async def give_back(deps: Deps, account_id: AccountId, row: Any) -> LogPosition | None:
    """Give the money of a purchase back.

    Args:
        deps: the parts of this gateway.
        account_id: whose it is.
        row: of `find`.

    Returns:
        Where the log says so; None: the money is on its way, and the provider will tell.

    Raises:
        Problem: it cannot be given back.
        PixelpopError: it is not known whether it went back; asked again, it goes back once.
    """
    if await _at_provider(deps, account_id, row) == "pending":
        return None
    purchase_id = SourceId(str(row["purchase_id"]))
    now_ms = deps.clock.now_ms()
    event = PurchaseRefunded(
        account_id=account_id,
        occurred_at_ms=now_ms,
        purchase_id=purchase_id,
        refund_id=derive("refund", row["provider"], purchase_id),
        reason="refund",
    )
    position = await deps.log.append(
        EVENTS,
        outgoing(
            event, fact_id(purchase_id, "refunded"), correlation_id=purchase_id, time_ms=now_ms
        ),
    )
    return LogPosition(position.partition, position.offset)


async def _at_provider(deps: Deps, account_id: AccountId, row: Any) -> RefundOutcome:
    if row["provider"] == LOCAL:
        return "refunded"  # nobody had paid
    provider = deps.payments.find(row["provider"])
    if provider is None:
        raise Problem("payments-not-configured", NONE_CONFIGURED)
    if row["charge_id"] is None:
        raise Problem("refund-refused", "This purchase does not say how it was paid.")
    charge_id = await _opened(deps, account_id, row)
    outcome = await provider.refund(
        Paid(
            account_id=account_id,
            purchase_id=SourceId(str(row["purchase_id"])),
            provider=row["provider"],
            charge_id=charge_id,
            amount=row["amount"],
            currency=row["currency"],
        )
    )
    pack = PACKS_BY_ID.get(row["pack_id"])
    if isinstance(provider, Stars) and (pack is None or pack.period_days is not None):
        await provider.end_subscription_of(charge_id)
    return outcome


async def _opened(deps: Deps, account_id: AccountId, row: Any) -> str:
    uuid = UUID(account_id)
    try:
        key = await deps.keys.get(uuid)
    except KeyDestroyed:
        raise Problem("not-found", NO_PURCHASE) from None
    return unseal(
        key,
        Sealed(row["charge_id"]),
        account_id=uuid,
        event_id=UUID(fact_id(str(row["purchase_id"]), "purchased")),
        field="charge_id",
    )
