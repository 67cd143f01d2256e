"""`pixelpop moderation bias`: paired neutral prompts, put to whoever judges."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import msgspec

from commands.moderation import judge
from commands.moderation.bias import Difference, Paired, differences, prompts
from processors.moderation.base import Prohibited
from processors.moderation.moderator import Moderator, Verdict
from processors.moderation.opening import open_moderation
from runtime.errors import StartError
from runtime.settings import Settings

AT_ONCE = 8
"""Prompts that a checker is asked about at once."""


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it."""

    stage: str
    prompts: int
    refused: int
    difference: float
    """The largest."""
    kinds: list[Difference]


async def measure(settings: Settings, stage: str) -> Measured:
    """Put every paired prompt to the lists (`words`), or to who reads prompts (`prompt`).

    Raises:
        StartError: nobody is configured to read prompts.
        ModerationUnavailable: one was not answered.
    """
    if stage == "words":
        judged = [(one, judge(one.prompt) is not None) for one in prompts()]
    else:
        judged = await _asked(settings, list(prompts()))
    kinds = differences(judged)
    return Measured(
        stage=stage,
        prompts=len(judged),
        refused=sum(refused for _, refused in judged),
        difference=max(one.difference for one in kinds),
        kinds=kinds,
    )


async def _asked(settings: Settings, paired: list[Paired]) -> list[tuple[Paired, bool]]:
    room = asyncio.Semaphore(AT_ONCE)
    with ThreadPoolExecutor(1) as executor:
        moderator = open_moderation(settings, executor)
        try:
            if not moderator.reads_prompts:
                raise StartError("Nobody reads prompts: set PIXELPOP_MODERATION_WORDS.")

            async def one(pair: Paired) -> tuple[Paired, bool]:
                async with room:
                    return pair, await _refused(moderator, pair.prompt)

            return list(await asyncio.gather(*map(one, paired)))
        finally:
            await moderator.close()


async def _refused(moderator: Moderator, prompt: str) -> bool:
    async def forget(_: Sequence[Verdict]) -> None:
        """Nothing of this belongs into the log."""

    try:
        await moderator.words([prompt], forget)
    except Prohibited:
        return True
    return False
