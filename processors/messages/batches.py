"""One message about a batch, when all of it has ended: not one for each of its generations."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from commands.wording import say
from processors.messages.composing import Content, Place
from processors.messages.facts import Batch

LATER: Final = "later"
"""The read models are behind: ask again."""
ELSEWHERE: Final = "elsewhere"
"""Another generation of the batch tells of it, now or once it has ended."""


def who_tells(batch: Batch, generation_id: UUID, status: str) -> str | None:
    """Whether this generation's end is when its batch is told of: None, or why not (yet)."""
    if status == "rejected":
        return ELSEWHERE
    if not batch.is_settled:
        return LATER
    if batch.left_open or batch.told_with != generation_id:
        return ELSEWHERE
    return None


def ended(place: Place, batch: Batch, *, left: int) -> Content:
    """That a batch is ready, or came to nothing.

    Args:
        place: where it is told.
        batch: at an end.
        left: credits that can be spent now.
    """
    if not batch.done:
        return Content(text=say(place.language, "messages-batch-failed", left=left))
    text = say(
        place.language,
        "messages-batch-ready",
        count=batch.pictures,
        credits=batch.captured,
        left=left,
    )
    if batch.done < batch.size:
        missing = batch.size - batch.done
        text += "\n" + say(place.language, "messages-batch-missing", count=missing)
    return Content(text=text)
