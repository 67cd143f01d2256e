"""What the bot writes by itself: how fast, how old its news may be, how long it is remembered."""

from __future__ import annotations

from typing import Annotated

from runtime.settings.about import about
from runtime.settings.accounts import Accounts


class Messages(Accounts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the bot writes by itself: how fast, how old its news may be, how long it is kept."""

    messages_group: Annotated[
        str,
        about(
            "The consumer group that spreads the log over the senders of the bot's messages.",
            pattern="^[a-z0-9-]{1,100}$",
        ),
    ] = "pixelpop-messages"
    messages_per_second: Annotated[
        float,
        about(
            "Messages and edits a second of all senders together; Telegram allows a bot 30, and "
            "what it answers in chats counts too.",
            gt=0,
            le=30,
        ),
    ] = 25.0
    messages_per_chat_seconds: Annotated[
        float,
        about(
            "The pause between two messages to one person; Telegram allows one a second.",
            unit="s",
            ge=1,
            le=60,
        ),
    ] = 1.0
    messages_sends: Annotated[
        int, about("Messages that one process has under way at once.", ge=1, le=250)
    ] = 24
    messages_lease_seconds: Annotated[
        float,
        about(
            "How long a sender has for one message; another one takes up what a dead one left "
            "after so long.",
            unit="s",
            ge=2,
            le=600,
        ),
    ] = 60.0
    messages_poll_seconds: Annotated[
        float, about("How often messages that are due are looked for.", unit="s", ge=0.05, le=60)
    ] = 0.5
    messages_event_hours: Annotated[
        int, about("What happened longer ago is not told any more.", unit="hours", ge=1, le=720)
    ] = 24
    messages_log_days: Annotated[
        int,
        about(
            "How long it is remembered what was told; longer than events are told.",
            unit="days",
            ge=2,
            le=730,
        ),
    ] = 30
    messages_expiry_hours: Annotated[
        int,
        about(
            "How long before credits end people are told; 0: they are not.",
            unit="hours",
            ge=0,
            le=480,
        ),
    ] = 72
    messages_expiry_look_seconds: Annotated[
        float,
        about("How often credits that end soon are looked for.", unit="s", ge=0.05, le=86_400),
    ] = 900.0
