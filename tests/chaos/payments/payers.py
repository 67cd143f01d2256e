"""What is so of payments, beside what is told of them.

A plain account: whose purchases are worth what in the end, and where the providers and the books
were made to differ.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from msgspec import Struct

from commands.catalogue import PACKS_BY_ID
from events.ids import AccountId, SourceId
from events.stripe_payments import purchase_id
from gateway.telegram.payments import purchase_id_of
from projections.audit import rows
from tests.chaos.payments.gateways import Notice
from tests.chaos.payments.providers import Stars, Till
from tests.chaos.simulation.broker import Broker

COPIES_MAX = 5
CREDITS = (2, 5, 10, 50)
"""What an offer may be worth: it carries what it is worth, whatever the catalogue says by now."""
PACK = PACKS_BY_ID["starter"]
LOST_CHANCE = 0.12
"""Of a payment: nobody is ever told of it."""
WRONG_KEY = b"w" * 32


class Paid(Struct):
    """One payment, as it is so."""

    provider: str
    name: str
    account: AccountId
    payer: int
    credits: int
    amount: int
    payload: str
    at: int
    """In seconds since 1970."""
    is_heard: bool
    """Whether anybody is told of it."""
    is_kept: bool = True
    """Whether its money is here in the end."""
    is_marred: bool = False
    """Whether something was done to it that no person does twice."""

    @property
    def source(self) -> SourceId:
        return purchase_id_of(self.name) if self.provider == "stars" else purchase_id(self.name)


class Money:
    """What is so of a few accounts and their money, and what is told of it.

    Args:
        random: of the history.
        broker: takes what an insider appends.
        accounts: by the Telegram ids of who owns them.
    """

    def __init__(self, random: Random, broker: Broker, accounts: dict[int, AccountId]) -> None:
        self._random = random
        self._broker = broker
        self._accounts = accounts
        self.stars, self.till = Stars(), Till()
        self.payments: list[Paid] = []
        self.deliveries: list[Notice] = []
        self.planted: set[tuple[str, str]] = set()
        """Differences that reconciliation must find: kind and purchase."""
        self.given: dict[AccountId, int] = dict.fromkeys(accounts.values(), 0)
        """Credits of purchases that only the ledger knows."""
        self.lies: list[SourceId] = []
        """Payments of which something was told that must be a finding, once for each time."""
        """Things that were told and must have changed nothing."""
        self.is_told: Callable[[Paid], bool] = lambda _: False
        """Whether a payment was taken for good already."""
        self._names = 0

    def worth(self, account: AccountId) -> int:
        """Credits that the account's purchases are worth, once all was told."""
        mine = [one for one in self.payments if one.account == account]
        kept = sum(one.credits for one in mine if one.is_heard and one.is_kept)
        return kept + self.given[account]

    def mended(self) -> None:
        """What was missing in the books is going to be appended."""
        for one in self.payments:
            one.is_heard = True
            if one.provider == "stars" and (rows.CHARGED_BACK, one.source) in self.planted:
                one.is_kept = False
        self.planted = {one for one in self.planted if one[0] not in rows.MENDED}

    def _name(self) -> str:
        self._names += 1
        return str(self._names)

    def _somebody(self) -> tuple[int, AccountId]:
        return self._random.choice(list(self._accounts.items()))

    @property
    def _now(self) -> int:
        return self._broker.now_ms // 1000

    def _deliver(self, notice: Notice) -> None:
        """1 to 5 times, among all that waits already, in any order."""
        for _ in range(self._random.randint(1, COPIES_MAX)):
            self.deliveries.insert(self._random.randint(0, len(self.deliveries)), notice)

    def _one(self, provider: str) -> Paid | None:
        """A payment to which nothing was done yet."""
        found = [one for one in self.payments if one.provider == provider and not one.is_marred]
        return self._random.choice(found) if found else None
