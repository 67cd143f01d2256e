"""Payments that providers told of, each taken once: for one account, one pack, one amount.

The log drops what is told twice about one account. That a payment is not told about two accounts,
or with two amounts, is held here, by the first that was told (`payments_told` in PostgreSQL).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from runtime.postgres.batching import Batcher
from runtime.postgres.pool import Connection, Pool
from runtime.queries import load_queries

_QUERIES = load_queries(Path(__file__).with_name("told.sql"))


class Payment(NamedTuple):
    """A payment as it was told."""

    purchase_id: UUID
    provider: str
    account_id: UUID
    pack_id: str
    credits: int
    amount: int
    """In the currency's smallest unit."""
    currency: str


class Taken(NamedTuple):
    """A payment as it was told first."""

    purchase_id: UUID
    account_id: UUID
    pack_id: str
    credits: int
    amount: int
    currency: str
    is_appended: bool
    """Whether the log has its `CreditsPurchased`."""
    is_refund_appended: bool
    """Whether the log has its `PurchaseRefunded`."""

    def is_of(self, payment: Payment) -> bool:
        """Whether it is that payment, and not another one by the same id."""
        return self[:6] == (payment.purchase_id, *payment[2:])


class PaymentsTold:
    """Takes payments; questions of a moment are asked together.

    Args:
        pool: where they are kept.
    """

    def __init__(self, pool: Pool) -> None:
        self._take = Batcher(pool, _take).find
        self._find = Batcher(pool, _find).find
        self._note = Batcher(pool, _note).find

    async def take(self, payment: Payment) -> Taken:
        """The payment as it stands: this one, if it is the first of its id.

        Raises:
            PixelpopError: the database cannot be reached.
        """
        taken = await self._take(payment)
        assert taken is not None
        return taken

    async def find(self, purchase_id: UUID) -> Taken | None:
        """The payment of that id; None: it was never told.

        Raises:
            PixelpopError: the database cannot be reached.
        """
        return await self._find(purchase_id)

    async def note(self, purchase_id: UUID, *, refund: bool = False) -> None:
        """The log has acked the fact of the payment, or of its refund.

        Raises:
            PixelpopError: the database cannot be reached.
        """
        await self._note((purchase_id, refund))


async def _take(connection: Connection, asked: Sequence[Payment]) -> Mapping[Payment, Taken]:
    columns = [list(column) for column in zip(*asked, strict=True)]
    rows = await connection.fetch(_QUERIES.take, *columns)
    found = {row["purchase_id"]: Taken(*row) for row in rows}
    return {payment: found[payment.purchase_id] for payment in asked}


async def _find(connection: Connection, asked: Sequence[UUID]) -> Mapping[UUID, Taken]:
    rows = await connection.fetch(_QUERIES.find, list(asked))
    return {row["purchase_id"]: Taken(*row) for row in rows}


async def _note(
    connection: Connection, asked: Sequence[tuple[UUID, bool]]
) -> Mapping[tuple[UUID, bool], None]:
    purchases, refunds = zip(*asked, strict=True)
    await connection.execute(_QUERIES.note, list(purchases), list(refunds))
    return {}
