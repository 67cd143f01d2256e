"""`POST /batches/{id}/cancel`: everything of a batch that nobody has begun to make."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from gateway.batches.documents import BatchDocument
from gateway.batches.reads import find_batch
from gateway.generations.cancelling import cancel_claimed, refuse_finished
from gateway.identity.signed_in import Account
from gateway.live.tail import FINAL
from gateway.web.cursors import LogPosition
from gateway.web.errors import Problem

if TYPE_CHECKING:
    from gateway.deps import Deps


async def cancel_batch(
    deps: Deps, account: Account, batch_id: str
) -> tuple[BatchDocument, LogPosition | None]:
    """Cancel what can be; the batch as it is then, and where the last of it stands in the log.

    Raises:
        Problem: there is no such batch, it is finished, or all that is open is being made.
        PixelpopError: it is not known to be cancelled.
    """
    document = await find_batch(deps, account, batch_id)
    if document.status == "cancelled":
        return document, None
    left = [UUID(one.id) for one in document.items if one.status not in FINAL]
    if not left:
        refuse_finished(document.status)
    place = await cancel_claimed(deps, account, left)
    if place is None:
        raise Problem("being-made", "All that is left of it is being made already.")
    return await find_batch(deps, account, batch_id), place
