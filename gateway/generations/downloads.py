"""Tells the log that a picture was asked for as a file: once for each picture and day.

For those who ask what becomes of pictures, not for anything that must be right: where the log is
away, the picture can be had all the same.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import structlog

from events.ids import GenerationId, ImageId, fact_id
from events.sharing import ImageDownloaded
from gateway.api.documents import says
from gateway.events_out import EVENTS, outgoing
from runtime.errors import PixelpopError

if TYPE_CHECKING:
    from gateway.deps import Deps
    from gateway.identity.signed_in import Account

_log = structlog.get_logger(__name__)

DAY_MS: Final = 86_400_000
TOLD_MAX: Final = 100_000
"""Pictures of which is remembered that their day is told; of others it may be told again, under
the same id."""


class DownloadDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Where a picture can be had as a file."""

    url: Annotated[str, says("A browser saves what is there; it does not show it.")]
    file_name: str
    expires_in: Annotated[int, says("Seconds for which the address is good.")]


class Downloads:
    """What this gateway has told."""

    def __init__(self) -> None:
        self._told: OrderedDict[tuple[str, int], None] = OrderedDict()

    async def tell(self, deps: Deps, account: Account, generation_id: str, image_id: str) -> None:
        """Append the fact unless it was appended today; never fails."""
        now_ms = deps.clock.now_ms()
        day = now_ms // DAY_MS
        if (image_id, day) in self._told:
            return
        event = ImageDownloaded(
            account_id=account.account_id,
            occurred_at_ms=now_ms,
            generation_id=GenerationId(generation_id),
            image_id=ImageId(image_id),
        )
        event_id = fact_id(image_id, f"downloaded:{day}")
        record = outgoing(event, event_id, correlation_id=generation_id, time_ms=now_ms)
        try:
            await deps.log.append(EVENTS, record)
        except PixelpopError as error:
            _log.warning("a download was not told", error=str(error))
            return
        self._told[image_id, day] = None
        if len(self._told) > TOLD_MAX:
            self._told.popitem(last=False)
