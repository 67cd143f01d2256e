"""What is told of an event in the bot's chats: pure, from an event to the messages about it."""

from __future__ import annotations

from typing import Final

import msgspec

from events.credits import CreditsRevoked, CreditsSettled
from events.envelope import type_header_of
from events.generations import GenerationRejected, GenerationStarted
from events.ids import derive
from events.moderation import AppealOverturned, AppealUpheld

STARTED: Final = "started"
"""The status message says that it is being made."""
ENDED: Final = "ended"
"""A generation is done, failed, cancelled or was not admitted."""
PICTURE: Final = "picture"
"""One more picture of a generation that has several."""
REFUNDED: Final = "refunded"
"""Credits left again, because the money went back."""
EXPIRING: Final = "expiring"
"""Credits end soon."""
APPEAL: Final = "appeal"
"""What was decided about an objection to a refusal."""

HEADERS: Final = frozenset(
    type_header_of(kind)[1]
    for kind in (
        *(GenerationStarted, CreditsSettled, GenerationRejected, CreditsRevoked),
        *(AppealUpheld, AppealOverturned),
    )
)
"""The `ce_type` headers of everything that may be told; what has another is not worth decoding."""

_MONEY_WENT_BACK: Final = frozenset({"refund", "chargeback"})
_NOBODY_READS: Final = frozenset({"erased", "account_erased"})


class Detail(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a message says beside what it is about; nothing personal."""

    why: str = ""
    """Of a refund: `refund` or `chargeback`; of a rejection: its reason; of an appeal: its end."""
    credits: int = 0
    """Of a refund: how many left; of a rejection: how many are needed."""
    debt: int = 0
    """Of a refund: how many of these were spent already, and are owed now."""
    wait_ms: int = 0
    """Of a rejection: after how long one more request is admitted."""
    index: int = 0
    """Of a picture: which, from 0."""


class Note(msgspec.Struct, frozen=True):
    """One message that is to be sent, or edited into another."""

    message_id: str
    """Deterministic: what is told of one event has one id, however often it is met."""
    kind: str
    about: str
    """A generation, a refund, or a day."""
    detail: Detail = Detail()


def note_of(event: object, event_id: str) -> Note | None:
    """What is told of an event of the log; None: nothing.

    Args:
        event: decoded.
        event_id: the record's.
    """
    match event:
        case GenerationStarted():
            return Note(message_id(STARTED, event_id), STARTED, event.generation_id)
        case CreditsSettled() if event.outcome not in _NOBODY_READS:
            return Note(message_id(ENDED, event_id), ENDED, event.generation_id)
        case GenerationRejected() if event.reason not in _NOBODY_READS:
            detail = Detail(
                why=event.reason, credits=event.credits_needed, wait_ms=event.retry_after_ms
            )
            return Note(message_id(ENDED, event_id), ENDED, event.generation_id, detail)
        case CreditsRevoked() if event.why in _MONEY_WENT_BACK:
            detail = Detail(why=event.why, credits=event.credits, debt=event.debt_added)
            return Note(message_id(REFUNDED, event_id), REFUNDED, event.refund_id[:100], detail)
        case AppealUpheld() | AppealOverturned():
            detail = Detail(why=event.after[0] if event.after else "")
            return Note(message_id(APPEAL, event_id), APPEAL, event.generation_id, detail)
    return None


def pictures_after(note_id: str, generation_id: str, count: int) -> list[Note]:
    """The messages for all pictures of a generation but its first, which the result itself shows.

    Args:
        note_id: of the message with the first.
        generation_id: whose pictures they are.
        count: how many pictures there are.
    """
    return [
        Note(message_id(PICTURE, note_id, str(index)), PICTURE, generation_id, Detail(index=index))
        for index in range(1, count)
    ]


def expiry_note(account_id: str, day: int) -> Note:
    """That credits of an account end on a day, counted from 1970 in UTC."""
    return Note(message_id(EXPIRING, account_id, str(day)), EXPIRING, str(day))


def message_id(kind: str, *about: str) -> str:
    """The id of a message."""
    return derive("message", kind, *about)
