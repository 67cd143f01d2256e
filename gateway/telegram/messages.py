"""Messages and pressed buttons as Telegram sends them: the parts that are read.

https://core.telegram.org/bots/api#message. Everything but the ids may be missing: a message can
come from a channel, a business account or an anonymous admin, and be of any kind.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gateway.api.documents import says

Seconds = Annotated[int, Meta(ge=0, le=253_402_300_799)]
"""An instant in seconds since 1970-01-01 UTC, up to the year 9999."""


class Chat(msgspec.Struct, frozen=True, kw_only=True):
    """Where it happened."""

    id: Annotated[int, says("Of a private chat: the person's.")]
    type: Annotated[str, says("`private`, or any other.")]


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A person, or a bot."""

    id: int
    is_bot: bool = False
    first_name: str = ""
    last_name: str = ""
    username: str = ""
    language_code: Annotated[str, says("An IETF language tag.")] = ""


class PhotoSize(msgspec.Struct, frozen=True, kw_only=True):
    """One of the sizes that Telegram keeps of a photo."""

    file_id: str
    width: int = 0
    height: int = 0


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was sent as one; a photo too, where it shall stay as it is."""

    file_id: str
    mime_type: Annotated[str, says("As its sender said.")] = ""


class SuccessfulPayment(msgspec.Struct, frozen=True, kw_only=True):
    """A person has paid."""

    currency: str
    total_amount: int
    invoice_payload: str
    telegram_payment_charge_id: str
    is_recurring: bool = False
    is_first_recurring: bool = False
    subscription_expiration_date: Annotated[
        int, says("Of a subscription: when what was paid is over, in seconds; 0: it is none.")
    ] = 0


class PreCheckoutQuery(msgspec.Struct, frozen=True, kw_only=True):
    """A person is about to pay."""

    id: Annotated[str, says("What it is answered by.")]
    sender: User = msgspec.field(name="from")
    currency: str
    total_amount: int
    invoice_payload: str


class RefundedPayment(msgspec.Struct, frozen=True, kw_only=True):
    """A payment went back to the person."""

    currency: str
    total_amount: int
    invoice_payload: str
    telegram_payment_charge_id: str


class Replied(msgspec.Struct, frozen=True, kw_only=True):
    """The message that another one answers."""

    message_id: int
    photo: tuple[PhotoSize, ...] = ()
    document: Document | UnsetType = UNSET


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A message in a chat that the bot is in."""

    message_id: int
    date: Seconds
    chat: Chat
    sender: Annotated[User | UnsetType, says("Missing where nobody in particular wrote it.")] = (
        msgspec.field(name="from", default=UNSET)
    )
    via_bot: Annotated[User | UnsetType, says("The bot by which it was sent, inline.")] = UNSET
    text: str = ""
    caption: str = ""
    photo: tuple[PhotoSize, ...] = ()
    document: Document | UnsetType = UNSET
    reply_to_message: Replied | UnsetType = UNSET
    successful_payment: SuccessfulPayment | UnsetType = UNSET
    refunded_payment: RefundedPayment | UnsetType = UNSET


class Pressed(msgspec.Struct, frozen=True, kw_only=True):
    """The message under which a button was pressed."""

    message_id: int
    chat: Chat


class CallbackQuery(msgspec.Struct, frozen=True, kw_only=True):
    """A button under a message was pressed."""

    id: Annotated[str, says("What it is answered by.")]
    sender: User = msgspec.field(name="from")
    message: Annotated[Pressed | UnsetType, says("Missing for inline messages.")] = UNSET
    data: Annotated[str, says("What the button says.")] = ""
