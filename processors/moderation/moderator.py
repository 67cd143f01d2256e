"""Looks at what a picture would start from, and at what came of it, by whoever is configured.

Every question is asked a few times, and each answer becomes a verdict for the log. When nobody
answers, the settings say whether that is a refusal.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Executor
from io import BytesIO
from typing import Final

import msgspec
import structlog
from PIL import Image

from events.moderation import PASSED, PHOTO, PICTURE, PROMPT, REFUSED, UNAVAILABLE
from processors.moderation.base import (
    Checked,
    Checker,
    CheckUnavailable,
    ModerationUnavailable,
    Prohibited,
    ProhibitedPhoto,
)

_log = structlog.get_logger(__name__)

SIDE_PIXELS_MAX: Final = 1024
"""Of what a checker is shown: as much as it looks at, at a fraction of the bytes."""
JPEG_QUALITY: Final = 85
BACKOFF_SECONDS_FIRST: Final = 0.5
RETRY_AFTER_SECONDS_MAX: Final = 10.0
_LOGGED_VERSION_CHARS: Final = 200


class Verdict(msgspec.Struct, frozen=True):
    """What was said of one thing."""

    stage: str
    """`prompt`, `photo` or `picture`."""
    verdict: str
    """`passed`, `refused` or `unavailable`."""
    provider: str
    version: str
    rule_id: str | None = None
    reason: str = ""
    index: int | None = None


Tell = Callable[[Sequence[Verdict]], Awaitable[None]]
"""Puts verdicts into the log."""


class Moderator:
    """The checkers of one worker.

    Args:
        words: who reads prompts; None: nobody.
        pictures: who looks at photos and pictures; None: nobody.
        refuse_unseen: whether what nobody could look at is refused.
        attempts: how often one is asked in all.
        executor: where pictures are made small.
    """

    def __init__(
        self,
        words: Checker | None = None,
        pictures: Checker | None = None,
        *,
        refuse_unseen: bool = True,
        attempts: int = 3,
        executor: Executor | None = None,
    ) -> None:
        self._words = words
        self._pictures = pictures
        self._refuse_unseen = refuse_unseen
        self._attempts = attempts
        self._executor = executor

    @property
    def reads_prompts(self) -> bool:
        """Whether anybody reads prompts."""
        return self._words is not None

    @property
    def sees_pictures(self) -> bool:
        """Whether anybody looks at pictures."""
        return self._pictures is not None

    @property
    def stored_are_checked(self) -> bool:
        """Whether a picture that is stored was surely looked at, by whatever worker stored it."""
        return self.sees_pictures and self._refuse_unseen

    async def words(self, texts: Sequence[str | None], tell: Tell) -> None:
        """Have the words of a request read.

        Raises:
            Prohibited: they are against the rules.
            ModerationUnavailable: nobody read them, and that is needed.
        """
        text = "\n".join(one for one in texts if one)
        if self._words is None or not text:
            return
        checker = self._words
        verdict = await self._verdict(checker, PROMPT, None, lambda: checker.text(text))
        await tell([verdict])
        self._refuse(verdict, Prohibited)

    async def photos(self, photos: Sequence[bytes], tell: Tell) -> None:
        """Have the photos looked at that a picture is to be made of.

        Raises:
            ProhibitedPhoto: one is against the rules.
            ModerationUnavailable: nobody looked, and that is needed.
        """
        if self._pictures is None or not photos:
            return
        verdicts = await self._seen(PHOTO, dict(enumerate(photos)))
        await tell(verdicts)
        for verdict in verdicts:
            self._refuse(verdict, ProhibitedPhoto)

    async def pictures(self, pictures: Mapping[int, bytes], tell: Tell) -> dict[int, Verdict]:
        """Have finished pictures looked at: what was said of each, by its index.

        Empty where nobody looks at pictures.
        """
        if self._pictures is None or not pictures:
            return {}
        verdicts = await self._seen(PICTURE, pictures)
        await tell(verdicts)
        return {verdict.index: verdict for verdict in verdicts if verdict.index is not None}

    def may_show(self, verdict: Verdict) -> bool:
        """Whether a picture of which this was said may be delivered."""
        return verdict.verdict == PASSED or (
            verdict.verdict == UNAVAILABLE and not self._refuse_unseen
        )

    async def close(self) -> None:
        """Give connections back."""
        for checker in {id(one): one for one in (self._words, self._pictures) if one}.values():
            await checker.close()

    def _refuse(self, verdict: Verdict, error: type[Prohibited]) -> None:
        if verdict.verdict == REFUSED:
            raise error(f"{verdict.provider} refused it: {verdict.rule_id}.", verdict.reason)
        if verdict.verdict == UNAVAILABLE and self._refuse_unseen:
            raise ModerationUnavailable(f"{verdict.provider} did not answer.")

    async def _seen(self, stage: str, pictures: Mapping[int, bytes]) -> list[Verdict]:
        checker = self._pictures
        assert checker is not None

        async def one(index: int, data: bytes) -> Verdict:
            async def look() -> Checked:
                return await checker.picture(jpeg)

            try:
                jpeg = await self._small(data)
            except Exception as error:  # noqa: BLE001  what a decoder raises is no closed set
                _log.warning("a picture could not be shown to its checker", error=repr(error))
                return _unavailable(checker, stage, index)
            return await self._verdict(checker, stage, index, look)

        return list(await asyncio.gather(*[one(*picture) for picture in pictures.items()]))

    async def _small(self, data: bytes) -> bytes:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, shown_to_checkers, data)

    async def _verdict(
        self,
        checker: Checker,
        stage: str,
        index: int | None,
        look: Callable[[], Awaitable[Checked]],
    ) -> Verdict:
        try:
            said = await self._patiently(look)
        except CheckUnavailable as error:
            _log.warning("nobody looked", stage=stage, checker=checker.name, error=error)
            return _unavailable(checker, stage, index)
        return Verdict(
            stage,
            PASSED if said.rule_id is None else REFUSED,
            checker.name,
            checker.version[:_LOGGED_VERSION_CHARS],
            said.rule_id,
            said.reason,
            index,
        )

    async def _patiently(self, look: Callable[[], Awaitable[Checked]]) -> Checked:
        for attempt in range(1, self._attempts + 1):
            try:
                return await look()
            except CheckUnavailable as error:
                if attempt == self._attempts or not error.may_pass:
                    raise
                backoff = BACKOFF_SECONDS_FIRST * 2.0 ** (attempt - 1)
                pause = min(error.retry_after_seconds or backoff, RETRY_AFTER_SECONDS_MAX)
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311  no secret
        raise AssertionError("the last attempt returns or raises")


NOBODY: Final = Moderator()
"""Where nobody is configured."""


def shown_to_checkers(data: bytes) -> bytes:
    """A picture as checkers are shown it: a small JPEG, on white where it was transparent."""
    with Image.open(BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as picture:
        picture.load()
        shown = picture.convert("RGBA")
    shown.thumbnail((SIDE_PIXELS_MAX, SIDE_PIXELS_MAX), Image.Resampling.BILINEAR, reducing_gap=1.0)
    plain = Image.new("RGB", shown.size, "white")
    plain.paste(shown, mask=shown.getchannel("A"))
    out = BytesIO()
    plain.save(out, "JPEG", quality=JPEG_QUALITY)
    return out.getvalue()


def _unavailable(checker: Checker, stage: str, index: int | None) -> Verdict:
    version = checker.version[:_LOGGED_VERSION_CHARS]
    return Verdict(stage, UNAVAILABLE, checker.name, version, index=index)
