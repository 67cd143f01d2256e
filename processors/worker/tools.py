"""What every job of a worker uses, wired once in `main`."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor

import msgspec

from processors.images import Previews
from processors.moderation import NOBODY, Moderator
from processors.pictures.credentials import Signer
from processors.providers import Provider
from processors.worker.ceiling import Ceiling
from processors.worker.choices import Choices
from processors.worker.claims import Claims
from processors.worker.crowd import Crowd
from processors.worker.gates import Gates
from processors.worker.leases import Leases
from processors.worker.live import Live
from processors.worker.rooms import Rooms
from runtime.crypto.keys import AccountKeys
from runtime.kafka.clock import BrokerClock
from runtime.kafka.producer import LogProducer
from runtime.objects import ObjectStore


class Tools(msgspec.Struct, frozen=True, kw_only=True):
    """The servers and helpers of one worker."""

    producer: LogProducer
    clock: BrokerClock
    ceiling: Ceiling
    claims: Claims
    leases: Leases
    keys: AccountKeys
    objects: ObjectStore
    providers: Mapping[str, Provider]
    rooms: Rooms
    """Its shares of what their accounts allow at once."""
    gates: Gates = msgspec.field(default_factory=Gates)
    """What stands before each of them."""
    live: Live
    executor: Executor
    """Where pictures are drawn, decoded and encoded."""
    previews: Previews = "all"
    """Which previews are made of a picture."""
    crowd: Crowd | None = None
    """Who knows when that would be too many."""
    signer: Signer | None = None
    """Signs content credentials into pictures; None: nobody does."""
    choices: Choices | None = None
    """What people chose; None: nobody chose anything."""
    moderator: Moderator = NOBODY
    """Who looks at prompts, photos and pictures."""
    retry_seconds: float
    """How long a step is tried at least while a server is away."""
