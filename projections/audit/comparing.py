"""Where a provider and the ledger differ: pure.

A refund has the id of its payment, so everything is known by id and direction. What is younger
than the grace may still be on its way from the one to the other, and is not missed.
"""

from __future__ import annotations

from collections.abc import Iterable

from projections.audit.rows import (
    AMOUNT_DIFFERS,
    DUPLICATE,
    MISSING_PURCHASE,
    NOT_OFFERED,
    UNKNOWN_PURCHASE,
    UNKNOWN_REFUND,
    Difference,
    Entry,
    Row,
    Said,
    of_row,
)


def compare(said: Said, ledger: Iterable[Entry], before_ms: int) -> list[Difference]:
    """Where they differ, each once; the oldest first.

    Args:
        said: by the provider.
        ledger: its purchases of that provider, all of them.
        before_ms: what happened later is not missed.
    """
    found = list(said.differences)
    entries: dict[str, Entry] = {}
    for entry in ledger:
        if entry.purchase_id in entries:
            found.append(_of_entry(entry, DUPLICATE))
        entries.setdefault(entry.purchase_id, entry)
    rows: dict[tuple[str, str], Row] = {}
    found += [
        of_row(row, DUPLICATE, entries.get(row.purchase_id))
        for row in said.rows
        if rows.setdefault((row.purchase_id, row.step), row) is not row
    ]
    for row in rows.values():
        kind = _difference(row, entries.get(row.purchase_id), before_ms)
        if kind is not None:
            found.append(of_row(row, kind, entries.get(row.purchase_id)))
    for entry in entries.values():
        found += _unheard_of(entry, rows, said.since_ms, before_ms)
    return sorted(found, key=lambda one: (one.at_ms, one.purchase_id, one.kind))


def _difference(row: Row, entry: Entry | None, before_ms: int) -> str | None:
    if entry is None and not row.proved:
        return NOT_OFFERED if row.step == "purchase" else None
    if row.step == "refund":
        known = entry is not None and entry.refunded_at_ms is not None
        return None if known or row.at_ms > before_ms else row.kind
    if entry is None:
        return None if row.at_ms > before_ms else MISSING_PURCHASE
    same = (entry.amount, entry.currency) == (row.amount, row.currency)
    return None if same else AMOUNT_DIFFERS


def _unheard_of(
    entry: Entry, rows: dict[tuple[str, str], Row], since_ms: int, before_ms: int
) -> list[Difference]:
    """What the ledger alone has. A payment may be somewhat older than its place in the log, so
    nothing is known of what stands at the very beginning of the time that was asked for.
    """
    if not since_ms < entry.purchased_at_ms <= before_ms:
        return []
    if (entry.purchase_id, "purchase") not in rows:
        return [_of_entry(entry, UNKNOWN_PURCHASE)]
    refunded = entry.refunded_at_ms
    if refunded is None or refunded > before_ms or (entry.purchase_id, "refund") in rows:
        return []
    return [_of_entry(entry, UNKNOWN_REFUND)]


def _of_entry(entry: Entry, kind: str) -> Difference:
    return Difference(
        provider=entry.provider,
        kind=kind,
        purchase_id=entry.purchase_id,
        account_id=entry.account_id,
        expected_amount=entry.amount,
        expected_currency=entry.currency,
        at_ms=entry.purchased_at_ms,
    )
