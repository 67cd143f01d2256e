"""What is compared: what a payment provider says, what the ledger says, and where they differ."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

Step = Literal["purchase", "refund"]

MISSING_PURCHASE: Final = "missing-purchase"
"""The provider was paid, and the ledger has no purchase."""
MISSING_REFUND: Final = "missing-refund"
"""The provider gave the money back, and the ledger has no refund."""
CHARGED_BACK: Final = "charged-back"
"""The money was taken back by a bank or a store, and the ledger has no refund."""
DUPLICATE: Final = "duplicate"
"""The provider, or the ledger, has the same payment or refund twice."""
AMOUNT_DIFFERS: Final = "amount-differs"
"""Provider and ledger have the same payment with different amounts."""
UNKNOWN_PURCHASE: Final = "unknown-purchase"
"""The ledger has a purchase, and the provider no payment."""
UNKNOWN_REFUND: Final = "unknown-refund"
"""The ledger has a refund, and the provider gave nothing back."""
NOT_OFFERED: Final = "not-offered"
"""The provider was paid for something that says that we offered it, and we did not."""
FOREIGN: Final = "foreign"
"""The provider has a payment that was not for anything sold here."""
MENDED: Final = frozenset({MISSING_PURCHASE, MISSING_REFUND, CHARGED_BACK})
"""The kinds that the missing fact mends."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A movement of money as a provider tells of it."""

    provider: str
    purchase_id: str
    step: Step
    amount: int
    """In the currency's smallest unit."""
    currency: str
    reference: str
    """What the provider knows it by."""
    at_ms: int
    kind: str = MISSING_REFUND
    """Of a refund: what it is, if the ledger does not have it."""
    proved: bool = True
    """Whether it shows by itself that we offered it; otherwise only the ledger can tell."""
    payer_id: int | None = None
    """Who paid, where the provider names them and nothing else does."""
    ends_at_ms: int = 0
    """When what was paid ends; 0: not by itself."""
    payload: str | None = None
    """What we had written on it, where the provider gives it back."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A purchase as the ledger has it."""

    purchase_id: str
    account_id: str
    provider: str
    amount: int
    currency: str
    purchased_at_ms: int
    refunded_at_ms: int | None = None


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """What a person should look at."""

    provider: str
    kind: str
    purchase_id: str
    """Made of the provider's own id, whether or not there is such a purchase."""
    reference: str | None = None
    """What the provider knows it by."""
    account_id: str | None = None
    """Of the ledger's entry; None: it has none."""
    amount: int | None = None
    currency: str | None = None
    expected_amount: int | None = None
    expected_currency: str | None = None
    at_ms: int


class Said(msgspec.Struct, kw_only=True):
    """All that a provider says."""

    provider: str
    rows: list[Row] = []
    differences: list[Difference] = []
    """What is wrong about what it says, whatever the ledger says."""
    others: int = 0
    """What moved besides payments: withdrawals, gifts, fees."""
    since_ms: int = 0
    """What was before was not asked for."""


def of_row(row: Row, kind: str, entry: Entry | None = None) -> Difference:
    """A difference about something that the provider tells of."""
    return Difference(
        provider=row.provider,
        kind=kind,
        purchase_id=row.purchase_id,
        reference=row.reference,
        account_id=None if entry is None else entry.account_id,
        amount=row.amount,
        currency=row.currency,
        expected_amount=None if entry is None else entry.amount,
        expected_currency=None if entry is None else entry.currency,
        at_ms=row.at_ms,
    )
