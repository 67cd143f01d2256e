"""What a message says, in words, pictures and buttons: pure, from what is known when it is sent."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import msgspec

from commands.bot_buttons import Rows, under_failure, under_result
from commands.wording import say
from processors.messages.facts import Generation, Picture
from processors.messages.telling import Detail

PHOTO_BYTES_MAX: Final = 10 * 1024 * 1024
"""sendPhoto: "The photo must be at most 10 MB in size","""
PHOTO_SIDES_MAX: Final = 10_000
""""the photo's width and height must not exceed 10000 in total","""
PHOTO_RATIO_MAX: Final = 20
""""width and height ratio must be at most 20"."""

_FAILED: Final = {
    "provider_refused": "messages-failed-provider-refused",
    "provider_unavailable": "messages-failed-provider-unavailable",
    "timed_out": "messages-failed-timed-out",
    "too_late": "messages-failed-timed-out",
    "photo_gone": "messages-failed-photo-gone",
    "photo_refused": "messages-failed-photo-refused",
    "prohibited": "messages-failed-prohibited",
    "withheld": "messages-failed-withheld",
    "moderation_unavailable": "messages-failed-moderation-unavailable",
}
"""`error_code` of a generation that came to nothing → what to say."""
_REJECTED: Final = {
    "prohibited": "messages-rejected-prohibited",
    "unavailable": "messages-rejected-unavailable",
    "over_budget": "messages-rejected-unavailable",
    "rate_limited": "messages-rejected-rate-limited",
    "insufficient_credits": "messages-rejected-insufficient-credits",
    "timed_out": "messages-rejected-timed-out",
}
"""Why a request was not admitted → what to say."""


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """A message."""

    text: str
    """Of a message without a picture; else its caption."""
    rows: Rows = ()
    photo: str | None = None
    """The stored object to show."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a message goes, and in which language."""

    chat_id: int
    language: str
    edits: int | None = None
    """The message to change; None: a new one is sent."""
    replies_to: int | None = None

    @property
    def is_private(self) -> bool:
        """Whether it is a person's own chat with the bot."""
        return self.chat_id > 0


def started(place: Place, rows: Rows) -> Content:
    """That a picture is being made."""
    return Content(text=say(place.language, "messages-started"), rows=rows)


def ended(
    place: Place,
    generation_id: str,
    generation: Generation,
    detail: Detail,
    *,
    left: int,
    app_url: str | None,
) -> Content:
    """What became of a generation.

    Args:
        place: where it is told.
        generation_id: which.
        generation: at an end.
        detail: of the rejection, if it is one.
        left: credits that can be spent now.
        app_url: address of the MiniApp, where a button may open it.
    """
    match generation.status:
        case "done" if generation.pictures:
            return _done(place, generation_id, generation, left=left, app_url=app_url)
        case "cancelled":
            text = say(place.language, "messages-cancelled")
        case "rejected":
            text = _rejected(place.language, detail, left)
        case _:
            key = _FAILED.get(generation.error_code or "", "messages-failed")
            text = say(place.language, key, left=left)
    rows = under_failure(
        place.language, generation_id, app_url=app_url, is_private=place.is_private
    )
    return Content(text=text, rows=rows)


def picture(
    place: Place, generation_id: str, generation: Generation, index: int, *, app_url: str | None
) -> Content:
    """One more picture of a generation."""
    text = say(place.language, "messages-picture", number=index + 1, count=len(generation.pictures))
    rows = under_result(
        place.language, generation_id, app_url=app_url, is_private=place.is_private, index=index
    )
    return Content(text=text, rows=rows, photo=photo_of(generation.pictures[index]))


def refunded(place: Place, detail: Detail, *, left: int) -> Content:
    """That credits left again."""
    text = say(place.language, "messages-refunded", credits=detail.credits, left=left)
    if detail.debt:
        text += "\n" + say(place.language, "messages-refunded-debt", debt=detail.debt)
    return Content(text=text)


def appealed(place: Place, detail: Detail) -> Content:
    """What was decided about an objection to a refusal."""
    overturned = detail.why == "overturned"
    key = "messages-appeal-overturned" if overturned else "messages-appeal-upheld"
    return Content(text=say(place.language, key))


def expiring(place: Place, ending: int, first_ms: int) -> Content:
    """That credits end soon; `first_ms`: when the first of them do."""
    at = datetime.fromtimestamp(first_ms / 1000, UTC)
    return Content(text=say(place.language, "messages-expiring", credits=ending, at=at))


def without_photo(place: Place, content: Content) -> Content:
    """The same where Telegram does not take the picture."""
    more = say(place.language, "messages-done-no-photo")
    return Content(text=f"{content.text}\n{more}", rows=content.rows)


def photo_of(one: Picture) -> str:
    """What Telegram takes as a photo: the picture itself, or its preview if that is too large."""
    sides = sorted((max(one.width, 1), max(one.height, 1)))
    fits = (
        one.size_bytes <= PHOTO_BYTES_MAX
        and sum(sides) <= PHOTO_SIDES_MAX
        and sides[1] <= PHOTO_RATIO_MAX * sides[0]
    )
    return one.object_key if fits else one.preview_key


def _done(
    place: Place, generation_id: str, generation: Generation, *, left: int, app_url: str | None
) -> Content:
    language, count = place.language, len(generation.pictures)
    if place.edits is None:  # a notice: the pictures themselves are where they were asked for
        paid = generation.captured
        text = say(language, "messages-ready", count=count, credits=paid, left=left)
    else:
        text = say(language, "messages-done", credits=generation.captured, left=left)
        if count > 1:
            text += "\n" + say(language, "messages-done-others", count=count - 1)
    if generation.failed_count:
        text += "\n" + say(language, "messages-done-missing", count=generation.failed_count)
    rows = under_result(language, generation_id, app_url=app_url, is_private=place.is_private)
    return Content(text=text, rows=rows, photo=photo_of(generation.pictures[0]))


def _rejected(language: str, detail: Detail, left: int) -> str:
    key = _REJECTED.get(detail.why, "messages-rejected")
    seconds = max(1, -(-detail.wait_ms // 1000))
    return say(language, key, seconds=seconds, credits=detail.credits, left=left)
