"""What the API says of streams."""

from __future__ import annotations

from typing import Annotated

import msgspec

from gateway.api.documents import says


class TicketDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Opens event streams for a while: `?ticket=` on GET /events."""

    ticket: str
    expires_in: Annotated[int, says("In seconds.")]
