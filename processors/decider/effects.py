"""What follows from reading the log, for the host to carry out: jobs, reports, dead letters."""

from __future__ import annotations

import msgspec

from events.chain import Void
from events.generations import GenerationCompleted
from events.ids import AccountId
from events.state import Reservation


class Dispatch(msgspec.Struct, frozen=True, gc=False):
    """An admitted generation: its own reservation was read back as counted."""

    account_id: AccountId
    generation_id: str
    reservation: Reservation


class Discard(msgspec.Struct, frozen=True, gc=False):
    """A result that came after its settlement: nobody will see or pay for these objects."""

    event: GenerationCompleted


class Voided(msgspec.Struct, frozen=True, gc=False):
    """A decision without effect stands in the log."""

    account_id: AccountId
    offset: int
    reason: Void
    own: bool
    """Whether this process wrote it: then its speculation on that account was dropped."""


class Poisoned(msgspec.Struct, frozen=True, gc=False):
    """A record that is no event; `frozen` names the account that it stops, if any."""

    offset: int
    reason: str
    frozen: AccountId | None


Effect = Dispatch | Discard | Voided | Poisoned
