"""What Telegram tells of a person's chat with the bot. Facts without effect on credits."""

from __future__ import annotations

from events.base import Fact, Natural


class TelegramChatChanged(Fact, frozen=True, kw_only=True, gc=False, tag="TelegramChatChanged.v1"):
    """A person began, blocked or unblocked the bot; `occurred_at_ms` is Telegram's time of it.

    The newest by that time counts, whatever the order in the log; of one second, the one with the
    greatest `update_id`.
    """

    reachable: bool
    """Whether the bot may write to the person."""
    update_id: Natural
    """Telegram's number of the update that told it; the event's id is made from it."""
