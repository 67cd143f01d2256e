"""Gateways that take what is told: the project's own code over parts that stop it at every step."""

from __future__ import annotations

import types
from collections.abc import Coroutine, Generator
from hashlib import sha256
from random import Random
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from msgspec import Struct

from events.ids import AccountId
from events.purchases import CreditsPurchased, PurchaseRefunded
from events.reading import read
from events.recorded import Recorded
from events.stripe_payments import Offered, Told
from gateway.money.stripe_telling import StripeTelling
from gateway.money.told import Payment, Taken
from gateway.telegram import payments as stars
from gateway.telegram.updates import Update
from runtime.crypto.master import MasterKey
from runtime.errors import PixelpopError
from runtime.kafka.errors import AppendUnknown
from runtime.kafka.records import Outgoing
from tests.chaos.payments.providers import Till
from tests.chaos.simulation.broker import Broker, Unsent

MASTER = MasterKey(b"m" * 32)
_UNKNOWN_CHANCE = 0.04
_GHOST_CHANCE = 0.3


class Notice(Struct, frozen=True):
    """One delivery of what a provider tells: an update of Telegram's, or an event of Stripe's."""

    update: Update | None = None
    event_id: str = ""
    intent_id: str = ""


@types.coroutine
def pause() -> Generator[None]:
    """Here others go on, or this process dies."""
    yield


def key_of(account_id: AccountId | UUID) -> bytes:
    """An account's key."""
    return sha256(str(account_id).encode()).digest()


class Database:
    """PostgreSQL: payments that were told, and purchases as far as the projector has read."""

    def __init__(self, broker: Broker, payers: dict[int, AccountId]) -> None:
        self._broker = broker
        self._payers = payers
        self._read = 0
        self._told: dict[UUID, Taken] = {}
        self.bought: set[str] = set()
        self.refunded: set[str] = set()

    def project(self, count: int) -> None:
        """Read on in the log."""
        for entry in self._broker.log[self._read : self._read + count]:
            found = read(entry.key, entry.value, entry.headers, entry.timestamp)
            event = found.event if isinstance(found, Recorded) else None
            if isinstance(event, CreditsPurchased):
                self.bought.add(event.purchase_id)
            elif isinstance(event, PurchaseRefunded):
                self.refunded.add(event.purchase_id)
        self._read = min(len(self._broker.log), self._read + count)

    def has_taken(self, purchase_id: str) -> bool:
        """Whether the payment was told, to any gateway."""
        return UUID(purchase_id) in self._told

    async def take(self, payment: Payment) -> Taken:
        """As `PaymentsTold.take`."""
        await pause()
        taken = Taken(payment[0], *payment[2:], is_appended=False, is_refund_appended=False)
        found = self._told.setdefault(payment.purchase_id, taken)
        await pause()
        return found

    async def find(self, purchase_id: UUID) -> Taken | None:
        """As `PaymentsTold.find`."""
        await pause()
        return self._told.get(purchase_id)

    async def note(self, purchase_id: UUID, *, refund: bool = False) -> None:
        """As `PaymentsTold.note`."""
        await pause()
        told = self._told[purchase_id]
        if refund:
            self._told[purchase_id] = told._replace(is_refund_appended=True)
        else:
            self._told[purchase_id] = told._replace(is_appended=True)
        await pause()

    async def get(self, account_id: UUID) -> bytes:
        """As `AccountKeys.get`."""
        await pause()
        return key_of(account_id)

    async def account_of(self, telegram_id: int) -> AccountId | None:
        """As `Hands.account_of`."""
        await pause()
        return self._payers.get(telegram_id)


class Log:
    """The broker: an append is acked, or nobody knows."""

    def __init__(self, broker: Broker, random: Random) -> None:
        self._broker = broker
        self._random = random
        self.is_calm = False

    async def append(self, _topic: str, outgoing: Outgoing, *, partition: int | None = None) -> Any:
        """As `LogProducer.append`."""
        assert partition is None
        record = Unsent(outgoing.key, outgoing.value, outgoing.headers)
        try:
            await pause()
        except GeneratorExit:
            if self._random.random() < _GHOST_CHANCE:
                self._broker.ghosts.append([record])  # it was on the wire
            raise
        fate = 1.0 if self.is_calm else self._random.random()
        if fate < _UNKNOWN_CHANCE / 2:
            raise AppendUnknown("No answer, and nothing was appended.")
        self._broker.append(record)
        await pause()
        if fate < _UNKNOWN_CHANCE:
            raise AppendUnknown("No answer, but it was appended.")


class Shop:
    """Stripe's API, asked by a gateway: what it answers may be old when it arrives."""

    def __init__(self, till: Till) -> None:
        self._till = till

    async def payment(self, intent_id: str) -> Any:
        """As `Stripe.payment`."""
        await pause()
        found = self._till.payments[intent_id]
        await pause()
        return found


class _Telling(StripeTelling):
    """Reads what is known of purchases from that database."""

    def __init__(self, till: Till, database: Database, log: Log) -> None:
        masters: Any = SimpleNamespace(current=MASTER, others=())
        parts: Any = Shop(till), database, database, masters, log
        super().__init__(*parts)
        self._database = database

    async def _known(self, _: Offered, told: tuple[Told, ...]) -> tuple[set[str], set[str]]:
        await pause()
        wanted = {str(one.event.purchase_id) for one in told}
        return wanted & self._database.bought, wanted & self._database.refunded


class Gateway:
    """One process: takes deliveries side by side, until it is killed."""

    def __init__(
        self, till: Till, database: Database, log: Log, random: Random | None = None
    ) -> None:
        self._till, self._database, self._log = till, database, log
        self._random = random or Random(0)
        self._under_way: list[tuple[Coroutine[Any, Any, None] | None, Notice]] = []
        self._start()

    def _start(self) -> None:
        self.telling = _Telling(self._till, self._database, self._log)
        database: Any = self._database
        hands = SimpleNamespace(account_of=database.account_of)
        self.hands: Any = SimpleNamespace(
            deps=SimpleNamespace(
                keys=database,
                payments_told=database,
                log=self._log,
                telegram=SimpleNamespace(hands=hands),
            )
        )

    @property
    def is_busy(self) -> bool:
        """Whether something is under way."""
        return bool(self._under_way)

    def take(self, notice: Notice) -> None:
        """Begin with a delivery."""
        self._under_way.append((None, notice))

    def step(self) -> Notice | None:
        """One of those under way comes one step on; a delivery that failed, to be made again."""
        if not self._under_way:
            return None
        index = self._random.randrange(len(self._under_way))
        handling, notice = self._under_way[index]
        if handling is None:
            handling = self._handle(notice)
            self._under_way[index] = handling, notice
        try:
            handling.send(None)
        except StopIteration:
            del self._under_way[index]
        except PixelpopError:
            del self._under_way[index]
            return notice
        return None

    def kill(self) -> list[Notice]:
        """Die; what was under way is delivered again."""
        lost = [notice for _, notice in self._under_way]
        for handling, _ in self._under_way:
            if handling is not None:
                handling.close()
        self._under_way.clear()
        self._start()
        return lost

    async def _handle(self, notice: Notice) -> None:
        if notice.update is not None:
            await stars.told(self.hands, notice.update)
        elif not self.telling.has_taken(notice.event_id):  # as `StripeNews.take`
            await self.telling.look(notice.intent_id)
            self.telling.remember(notice.event_id)
