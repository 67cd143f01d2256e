"""One comparison of the books with the providers, and what the log is told of it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import Final, NamedTuple, Protocol

import msgspec
import structlog

from events.codec import encode
from events.envelope import headers_for
from events.ids import AccountId, EventId, SourceId, fact_id
from events.purchases import UNKNOWN_ACCOUNT, PaymentFinding
from events.stripe_payments import PROVIDER as STRIPE
from events.stripe_payments import PURPOSE
from events.topics import EVENTS
from projections.audit import ledger, metrics, stars, stripe
from projections.audit.comparing import compare
from projections.audit.rows import Difference, Row, Said
from runtime.crypto.master import master_keys
from runtime.kafka.records import Outgoing, Position
from runtime.postgres.pool import Pool
from runtime.settings import Settings
from runtime.stripe.api import open_stripe
from runtime.telegram.api import open_bot
from runtime.telegram.configured import has_bot

_log = structlog.get_logger(__name__)

SOURCE: Final = "/pixelpop/auditor"
DAY_MS: Final = 86_400_000
MINUTE_MS: Final = 60_000

Progress = Callable[[str, int], None]
"""Is told what is read, and how much of it so far."""


class Log(Protocol):
    """Where findings are appended."""

    async def append(
        self, topic: str, outgoing: Outgoing, *, partition: int | None = None
    ) -> Position:
        """As `LogProducer.append`."""
        ...


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """How one provider and the ledger compare."""

    provider: str
    payments: int
    refunds: int
    """Of both: what the provider tells of."""
    purchases: int
    """What the ledger has."""
    others: int
    """What else moved at the provider."""
    differences: tuple[Difference, ...]


class Outcome(NamedTuple):
    """One comparison."""

    compared: tuple[Compared, ...]
    rows: dict[tuple[str, str], Row]
    """What providers tell of, by purchase and step: for mending what is missing."""

    @property
    def differences(self) -> list[Difference]:
        """Of all providers."""
        return [one for provider in self.compared for one in provider.differences]


async def reconcile(settings: Settings, pool: Pool, progress: Progress) -> Outcome:
    """Ask every provider that is set up, and compare.

    Args:
        settings: which are.
        pool: as the auditor's role, or the owner's.
        progress: is told how far it is.

    Raises:
        PixelpopError: a provider, or the database, does not answer: nothing is known.
    """
    started_ms = int(time.time() * 1000)
    said = await _ask(settings, started_ms, progress)
    entries = await ledger.purchases(pool)
    before_ms = started_ms - int(settings.reconcile_grace_minutes * MINUTE_MS)
    compared: list[Compared] = []
    rows: dict[tuple[str, str], Row] = {}
    for one in said:
        known = entries.get(one.provider, [])
        differences = compare(one, known, before_ms)
        steps = Counter(row.step for row in one.rows)
        compared.append(
            Compared(
                provider=one.provider,
                payments=steps["purchase"],
                refunds=steps["refund"],
                purchases=len(known),
                others=one.others,
                differences=tuple(differences),
            )
        )
        rows |= {(row.purchase_id, row.step): row for row in one.rows}
    metrics.count(compared)
    return Outcome(tuple(compared), rows)


async def _ask(settings: Settings, now_ms: int, progress: Progress) -> list[Said]:
    said = []
    async with AsyncExitStack() as stack:
        if has_bot(settings):
            bot = open_bot(settings)
            stack.push_async_callback(bot.stop)
            said.append(await stars.ask(bot, lambda count: progress(stars.PROVIDER, count)))
        if settings.stripe_secret_key:
            shop = open_stripe(settings)
            stack.push_async_callback(shop.stop)
            masters = master_keys(settings)
            keys = [one.subkey(PURPOSE) for one in (masters.current, *masters.others)]
            since_ms = now_ms - settings.reconcile_stripe_days * DAY_MS
            said.append(
                await stripe.ask(shop, keys, since_ms, lambda count: progress(STRIPE, count))
            )
    return said


async def tell(pool: Pool, log: Log, differences: Sequence[Difference]) -> int:
    """Tell the log of differences that it was not told of; how many those were.

    Raises:
        PixelpopError: it is not known to be in the log; asked again, nothing is there twice.
    """
    events = {finding_id(one): one for one in differences}
    untold = await ledger.untold(pool, list(events))
    for event_id in untold:
        one = events[EventId(event_id)]
        event = _event(one)
        headers = headers_for(
            event,
            EventId(event_id),
            source=SOURCE,
            time_ms=event.occurred_at_ms,
            correlation_id=event.purchase_id,
        )
        await log.append(EVENTS, Outgoing(event.account_id.encode(), encode(event), headers))
        _log.warning("a payment should be looked at", kind=one.kind, purchase_id=one.purchase_id)
    await ledger.note(pool, list(untold))
    return len(untold)


def finding_id(one: Difference) -> EventId:
    """Of the event that tells of a difference: the same at every look."""
    return fact_id(one.purchase_id, f"finding:{one.kind}")


def _event(one: Difference) -> PaymentFinding:
    return PaymentFinding(
        account_id=UNKNOWN_ACCOUNT if one.account_id is None else AccountId(one.account_id),
        occurred_at_ms=one.at_ms,
        provider=one.provider,
        kind=one.kind,
        purchase_id=SourceId(one.purchase_id),
        amount=one.amount,
        currency=one.currency,
        expected_amount=one.expected_amount,
        expected_currency=one.expected_currency,
    )
