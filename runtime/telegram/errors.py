"""What a call to the Bot API can end with."""

from __future__ import annotations

from runtime.errors import PixelpopError


class TelegramRefused(PixelpopError):
    """Telegram will not do it; the same call would be refused again.

    Args:
        description: in Telegram's words, for matching: they are not for people.
        status: its `error_code`.
    """

    code = "telegram-refused"

    def __init__(self, description: str, status: int = 400) -> None:
        super().__init__(f"Telegram refused: {description}")
        self.description = description
        self.status = status


class TelegramBlocked(TelegramRefused):
    """403: the person blocked the bot, never started it, or is gone; the bot was thrown out."""

    code = "telegram-blocked"

    def __init__(self, description: str) -> None:
        super().__init__(description, 403)


class TelegramSlowDown(PixelpopError):
    """429: nothing was done, and nothing will be before so many seconds have passed."""

    code = "telegram-slow-down"
    retryable = True

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(f"Telegram asks for a pause of {retry_after_seconds} s.")
        self.retry_after_seconds = retry_after_seconds


class TelegramUnreachable(PixelpopError):
    """No answer, or none that can be read.

    Args:
        message: how far it got.
        may_be_done: whether Telegram may have done it all the same.
    """

    code = "telegram-unreachable"
    retryable = True

    def __init__(self, message: str, *, may_be_done: bool) -> None:
        super().__init__(message)
        self.may_be_done = may_be_done
