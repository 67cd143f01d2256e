"""Everything that a handler may need, made in one place (`gateway.main`) and handed in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from commands.catalogue import MODELS_BY_ID
from gateway.access.acts import Acts
from gateway.access.lookup import Access
from gateway.account.erasure import Erasure
from gateway.account.exporting import Exporter
from gateway.generations.appending import Append
from gateway.generations.downloads import Downloads
from gateway.generations.models import Offer
from gateway.generations.presigned import Presigned
from gateway.generations.replay import KnownGenerations
from gateway.identity.oidc import OpenIdConnect
from gateway.identity.proofs import Proofs
from gateway.identity.sign_in import SignIn
from gateway.identity.signed_in import Authenticator
from gateway.identity.standing import Standings
from gateway.identity.tokens import Tokens
from gateway.limits.in_flight import InFlight
from gateway.limits.quotas import Limits
from gateway.live.consistency import Consistency
from gateway.live.hub import Hub
from gateway.live.tail import Tail
from gateway.live.tail_reader import TailReader
from gateway.live.waiting_line import NOWHERE, Place, WaitingLine
from gateway.money.opening import StripeDesk
from gateway.money.payments import Payments
from gateway.money.spending import Spending
from gateway.money.told import PaymentsTold
from gateway.operations.readiness import Readiness
from gateway.providers.telling import Telling
from gateway.sharing.photos import Photos
from gateway.telegram.name import BotName
from gateway.uploads.receiving import Receiving
from runtime.crypto.keys import AccountKeys
from runtime.crypto.master import MasterKeys
from runtime.kafka.clock import BrokerClock
from runtime.kafka.records import Outgoing, Position
from runtime.postgres.pool import Pool
from runtime.settings import Settings
from runtime.telegram.api import TelegramBot

if TYPE_CHECKING:
    # What people ask for in a chat is done by the handlers of HTTP requests, which import this.
    from gateway.telegram.receiving import Telegram


class Log(Protocol):
    """Where facts are appended; `runtime.kafka.producer.LogProducer` or a fake of it."""

    async def append(
        self, topic: str, outgoing: Outgoing, *, partition: int | None = None
    ) -> Position:
        """As `LogProducer.append`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Deps:
    """The parts of one gateway."""

    settings: Settings
    log: Log
    clock: BrokerClock
    pool: Pool
    keys: AccountKeys
    tokens: Tokens
    authenticator: Authenticator
    masters: MasterKeys
    access: Access
    acts: Acts
    proofs: Proofs
    sign_in: SignIn
    standings: Standings
    oidc: OpenIdConnect
    erasure: Erasure
    exporter: Exporter
    tail: Tail
    tail_reader: TailReader
    line: WaitingLine
    hub: Hub
    limits: Limits
    accounts_in_flight: InFlight
    known: KnownGenerations
    consistency: Consistency
    presigned: Presigned
    downloads: Downloads
    read_event: Callable[[int, int], Awaitable[bytes | None]]
    """The value of the event log's record at (partition, offset); None: there is none."""
    offer: Offer
    spending: Spending
    payments: Payments
    payments_told: PaymentsTold
    stripe: StripeDesk
    telling: Telling
    telegram: Telegram
    bot: TelegramBot | None
    """None: no bot is set up; in embedded mode a token is made up that no bot has."""
    bot_name: BotName
    photos: Photos
    uploads: Receiving
    readiness: Readiness
    appending: dict[str, Append] = field(default_factory=dict)
    """By generation id; as many at most as requests are under way."""

    def place(self, generation_id: str, model_id: str) -> Place:
        """Where an open generation stands; nowhere, where that is not known (yet)."""
        model = MODELS_BY_ID.get(model_id)
        if model is None or not self.tail_reader.caught_up:
            return NOWHERE
        supplies = model.supplies(self.offer.providers) or model.providers
        provider = supplies[0].provider
        place = self.line.place(generation_id, provider)
        if place.eta_seconds is None:
            return place
        return place._replace(interval=self.line.interval(generation_id, provider))
