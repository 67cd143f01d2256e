"""Updates as Telegram sends them: what of them is read, and which kinds there are.

https://core.telegram.org/bots/api#update. Telegram adds kinds, fields and values at any time, so
what is not read here is never looked at; an update of a kind that nobody handles is still taken.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import UNSET, UnsetType

from events.base import Natural
from gateway.api.documents import says
from gateway.telegram.inline_updates import ChosenInlineResult, InlineQuery
from gateway.telegram.messages import CallbackQuery, Chat, Message, PreCheckoutQuery, Seconds
from gateway.web.errors import Problem, field_problem
from gateway.web.http import Headers, header_in
from gateway.web.reasons import refused

KINDS: Final = frozenset(
    {
        *("message", "edited_message", "channel_post", "edited_channel_post"),
        *("business_connection", "business_message", "edited_business_message"),
        *("deleted_business_messages", "message_reaction", "message_reaction_count"),
        *("inline_query", "chosen_inline_result", "callback_query"),
        *("shipping_query", "pre_checkout_query", "purchased_paid_media", "poll", "poll_answer"),
        *("my_chat_member", "chat_member", "chat_join_request", "chat_boost"),
        "removed_chat_boost",
    }
)
"""The kinds of updates that are counted by name."""
OTHER: Final = "other"
"""All the others."""


class ChatMember(msgspec.Struct, frozen=True, kw_only=True):
    """What the bot is in a chat."""

    status: Annotated[str, says("`member`, `kicked`, `left`, or any other.")]


class ChatMemberUpdated(msgspec.Struct, frozen=True, kw_only=True):
    """The bot's place in a chat changed."""

    chat: Chat
    date: Seconds
    new_chat_member: ChatMember


class Update(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened; at most one of the kinds is there."""

    update_id: Annotated[Natural, says("Telegram repeats an update under the same number.")]
    message: Message | UnsetType = UNSET
    callback_query: CallbackQuery | UnsetType = UNSET
    pre_checkout_query: PreCheckoutQuery | UnsetType = UNSET
    inline_query: InlineQuery | UnsetType = UNSET
    chosen_inline_result: ChosenInlineResult | UnsetType = UNSET
    my_chat_member: (
        Annotated[
            ChatMemberUpdated, says("In a private chat: the person blocked or unblocked the bot.")
        ]
        | UnsetType
    ) = UNSET


_update = msgspec.json.Decoder(Update)
_names = msgspec.json.Decoder(dict[str, msgspec.Raw])


def read_update(headers: Headers, body: bytes) -> tuple[Update, str]:
    """An update and its kind, one of `KINDS` or `OTHER`.

    Raises:
        Problem: it is none, or of a kind that we read and not as it should be.
    """
    media_type = header_in(headers, b"content-type") or b""
    if media_type.split(b";", 1)[0].strip().lower() != b"application/json":
        raise Problem("unsupported-media-type", "Send the body as Content-Type: application/json.")
    try:
        update = _update.decode(body)
        names = _names.decode(body)
    except msgspec.ValidationError as error:
        raise field_problem(*refused(str(error))) from error
    except RecursionError as error:
        raise Problem("body-too-deep", "The body is nested too deeply for an update.") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Problem("malformed-json", "The body is not valid JSON in UTF-8.") from error
    return update, next((name for name in names if name in KINDS), OTHER)
