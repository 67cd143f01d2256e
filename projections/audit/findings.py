"""`pixelpop audit findings`: what the log was told of payments that should be looked at.

Read from the log itself: a finding has no effect, so no read model keeps it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.table import Table

from events.envelope import rfc3339, type_header_of
from events.purchases import UNKNOWN_ACCOUNT, PaymentFinding
from events.reading import Poison, read
from events.topics import EVENTS
from runtime.command_line import print_json
from runtime.kafka.lookup import LogLookup
from runtime.kafka.partition_reader import PartitionReader
from runtime.settings import Settings

DAY_SECONDS: Final = 86_400
FETCH_BYTES_MIN: Final = 500_000
_TYPE: Final = type_header_of(PaymentFinding)

Seen = Callable[[int, int], None]
"""Is told how many records were read, of how many."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A finding as `--json` prints it; amounts are in the currency's smallest unit."""

    found_at: str
    """When the log was told, RFC 3339."""
    provider: str
    kind: str
    purchase_id: str
    account_id: str | None
    """None: of nobody whom we know."""
    amount: int | None
    currency: str | None
    expected_amount: int | None
    expected_currency: str | None
    position: str
    """PARTITION:OFFSET in the log."""


async def show(settings: Settings, *, days: int, as_json: bool) -> int:
    """Print the findings of the last days, oldest first; the exit status is 0.

    Raises:
        PixelpopError: the log does not answer.
    """
    since_ms = int((time.time() - days * DAY_SECONDS) * 1000)
    with _progress() as seen:
        rows = await findings(settings, since_ms=since_ms, seen=seen)
    if as_json:
        print_json(rows)
        return 0
    console = Console(soft_wrap=True, highlight=False)
    if not rows:
        console.print(f"Nothing was found in the last {days} days.")
        return 0
    table = Table(box=None, pad_edge=False)
    for title in ("found at", "provider", "kind", "purchase", "amount", "expected", "account"):
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(
            row.found_at,
            row.provider,
            row.kind,
            row.purchase_id,
            _price(row.amount, row.currency),
            _price(row.expected_amount, row.expected_currency),
            row.account_id or "",
        )
    console.print(table)
    return 0


async def findings(settings: Settings, *, since_ms: int, seen: Seen) -> list[Found]:
    """The findings that were appended since, in the order of their times; each once.

    Args:
        settings: name the log.
        since_ms: by the broker's clock.
        seen: shows how far it is.

    Raises:
        PixelpopError: the log does not answer.
    """
    partitions = [(EVENTS, number) for number in range(settings.kafka_partitions)]
    async with LogLookup(settings) as lookup:
        ends = await lookup.end_offsets(partitions)
        since = await lookup.offsets_since(partitions, since_ms)
    starts = {tp: first for tp, first in since.items() if first < ends[tp]}
    if not starts:
        return []
    found: dict[str, tuple[int, Found]] = {}
    total, count = sum(ends[tp] - first for tp, first in starts.items()), 0
    reader = PartitionReader(settings, starts, name="audit", fetch_min_bytes=FETCH_BYTES_MIN)
    await reader.start()
    try:
        while any((reader.position(*tp) or 0) < ends[tp] for tp in starts):
            for tp, records in (await reader.get()).items():
                count += len(records)
                for one in records:
                    if _TYPE not in one.headers:
                        continue
                    recorded = read(one.key, one.value, one.headers, one.timestamp)
                    if isinstance(recorded, Poison):
                        continue  # its reader says so
                    position = f"{tp.partition}:{one.offset}"
                    row = _row(recorded.event, one.timestamp, position)
                    found.setdefault(recorded.event_id or position, (one.timestamp, row))
            seen(count, total)
    finally:
        await reader.stop()
    return [row for _, row in sorted(found.values(), key=lambda one: one[0])]


def _row(event: object, appended_at_ms: int, position: str) -> Found:
    assert isinstance(event, PaymentFinding)
    return Found(
        found_at=rfc3339(appended_at_ms),
        provider=event.provider,
        kind=event.kind,
        purchase_id=event.purchase_id,
        account_id=None if event.account_id == UNKNOWN_ACCOUNT else event.account_id,
        amount=event.amount,
        currency=event.currency,
        expected_amount=event.expected_amount,
        expected_currency=event.expected_currency,
        position=position,
    )


@contextmanager
def _progress() -> Iterator[Seen]:
    columns = (
        TextColumn("reading the log"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("", total=None)
        yield lambda done, of: bars.update(task, completed=done, total=of)


def _price(amount: int | None, currency: str | None) -> str:
    return "" if amount is None else f"{amount} {currency or ''}".rstrip()
