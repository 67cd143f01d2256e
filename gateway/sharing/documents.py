"""What the API says of shares."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from events.ids import UuidText
from gateway.api.documents import Id, Time, says


class ShareRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is shown to whoever has the link."""

    image_id: Annotated[
        UuidText | None, says("Which of its pictures; null: the first one that is not in the bin.")
    ] = None
    show_prompt: Annotated[
        bool, says("Whether they may read the prompt, and make one of their own with it.")
    ] = False
    expires_in_days: Annotated[
        Annotated[int, Meta(ge=1, le=3650)] | None,
        says("When the link ends by itself; null: after 30 days, or sooner where less is allowed."),
    ] = None


class ShareDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A link to a picture."""

    id: Id
    generation_id: Id
    image_id: Id
    code: Annotated[str, says("The end of its address: whoever knows it can open the link.")]
    url: Annotated[str, says("A page that shows the picture to anybody.")]
    show_prompt: bool
    created_at: Time | None
    expires_at: Time | None


class PreparedDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A message that Telegram keeps for the person to send."""

    id: Annotated[str, says("For `Telegram.WebApp.shareMessage`.")]
    expires_at: Time | None


class NewShareDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A link, and the same as a message for Telegram."""

    share: ShareDocument
    prepared_message: Annotated[
        PreparedDocument | None,
        says(
            "Null where the person has no chat in Telegram that the bot can reach, where no bot "
            "is set up, and where Telegram does not answer."
        ),
    ] = None


class Shares(msgspec.Struct, frozen=True, kw_only=True):
    """Links that are open, newest first; `next_cursor` is null on the last page."""

    items: tuple[ShareDocument, ...]
    next_cursor: str | None


class SharedDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What a link leads to: enough to make one like it."""

    style_id: str
    prompt: Annotated[str | None, says("Null: its owner does not show it.")]
    size: Annotated[str, says("WIDTHxHEIGHT in pixels.")]
    photo_url: Annotated[str, says("The picture as a JPEG, for as long as the link is open.")]
    width: Annotated[int, says("Of the original.")]
    height: int
    expires_at: Time | None
