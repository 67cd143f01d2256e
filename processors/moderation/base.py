"""What is asked of a checker, what it says, and how a person is told of it."""

from __future__ import annotations

from typing import Protocol

import msgspec

from commands.moderation.sentences import ABOUT
from processors.providers.base import ProviderError
from runtime.errors import PixelpopError


class Checked(msgspec.Struct, frozen=True):
    """What a checker says of one text or picture."""

    rule_id: str | None = None
    """What it is against, in the checker's own words; None: nothing."""
    reason: str = ""
    """The same as one of our own codes: `sexual`, `minors`, `violence`, `hate`, …"""


class CheckUnavailable(PixelpopError):
    """A checker did not answer, or said nothing that can be understood."""

    code = "check-unavailable"

    def __init__(
        self, message: str, *, retryable: bool = True, retry_after_seconds: float | None = None
    ) -> None:
        super().__init__(message)
        self.may_pass = retryable
        """Whether it may answer when it is asked again."""
        self.retry_after_seconds = retry_after_seconds


class Checker(Protocol):
    """Looks once; what to do when it does not answer is the `Moderator`'s to know."""

    name: str
    version: str
    """What it goes by: its model."""

    async def text(self, text: str) -> Checked:
        """Read a text.

        Raises:
            CheckUnavailable: nobody knows.
        """
        ...

    async def picture(self, jpeg: bytes) -> Checked:
        """Look at a picture: a JPEG whose longest side has 1024 pixels at most.

        Raises:
            CheckUnavailable: nobody knows.
        """
        ...

    async def close(self) -> None:
        """Give connections back."""
        ...


class Prohibited(ProviderError):
    """What a picture would start from is against the rules; nobody was paid."""

    code = "prohibited"
    detail = (
        "What you asked for is not allowed here, so no picture was made. Please say it in other "
        "words; your credits were returned. If you think that this is wrong, you can appeal."
    )
    what = "The prompt"

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        about = ABOUT.get(reason)
        if about is not None:
            self.detail = (
                f"{self.what} seems to ask for {about}, which is not allowed here, so no picture "
                "was made and your credits were returned. If you think that this is wrong, you "
                "can appeal."
            )


class ProhibitedPhoto(Prohibited):
    """A photo is against the rules; nobody was paid."""

    detail = (
        "A photo that you sent is not allowed here, so no picture was made. Please choose another; "
        "your credits were returned. If you think that this is wrong, you can appeal."
    )
    what = "A photo that you sent"


class Withheld(ProviderError):
    """Every picture that was made is against the rules, also a second time."""

    code = "withheld"
    detail = (
        "The picture turned out as something that is not allowed here, so it is not shown. Please "
        "say it in other words; your credits were returned. If you think that this is wrong, you "
        "can appeal."
    )


class ModerationUnavailable(ProviderError):
    """Nobody could look at it, and nothing is made or shown unseen here."""

    code = "moderation_unavailable"
    detail = (
        "The check that every picture goes through is not available at the moment. Please try "
        "again in a few minutes; your credits were returned."
    )
