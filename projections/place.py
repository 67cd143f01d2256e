"""Where an event stands in the log, as far as rows repeat it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from events.state import Account


class Place(msgspec.Struct, frozen=True, gc=False):
    """Position, broker's append time and hash of one record."""

    partition: int
    offset: int
    appended_at_ms: int
    value_hash: str


Handler = Callable[[Any, Account, Account, Place], None]
"""What a table group does about one kind of event: (event, account before, account after, place).
"""
