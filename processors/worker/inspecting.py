"""Moderation around the calls of one job: before them of what they start from, after of pictures.

Each verdict is in the log before anything follows from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

import structlog
from msgspec.structs import replace

from commands.requests import SEED_MAX
from events.jobs import GenerateJob
from events.moderation import CHECKED, PASSED, REFUSED, UNCHECKED
from processors.images import Prepared
from processors.moderation import ModerationUnavailable, Withheld
from processors.moderation.moderator import Verdict
from processors.providers import ImageRequest, ProviderError
from processors.worker import metrics
from processors.worker.calling import Caller
from processors.worker.facts import Facts
from processors.worker.tools import Tools

_log = structlog.get_logger(__name__)

OTHER_SEED_STEP = 1_000_003
"""Between the seed of a picture that was refused and that of the one made in its place."""


class Inspection:
    """What was looked at for one job.

    Args:
        tools: the worker's.
        job: what is made.
        facts: where verdicts are told.
        caller: knows how long a step may be tried.
    """

    def __init__(self, tools: Tools, job: GenerateJob, facts: Facts, caller: Caller) -> None:
        self._moderator = tools.moderator
        self._job = job
        self._facts = facts
        self._caller = caller
        self._seen: set[int] = set()
        self._unseen: ProviderError | None = None

    async def before(self, request: ImageRequest) -> None:
        """Have words and photos looked at, unless an appeal allowed them.

        Raises:
            Prohibited, ModerationUnavailable: no picture may be made of them.
        """
        if self._job.allowed:
            return
        photos = [photo.data for photo in request.photos]
        # Who leaves a thing out does not ask for it, and whoever reads this shall know.
        left_out = request.negative_prompt and f"Not to be shown: {request.negative_prompt}"
        await self._moderator.words((request.prompt, left_out), self._tell)
        await self._moderator.photos(photos, self._tell)

    async def sort(
        self, pictures: Mapping[int, Prepared], *, round_: int
    ) -> tuple[dict[int, Prepared], tuple[int, ...]]:
        """Part pictures that may be shown from those that may not; the indices of the latter."""
        verdicts = await self._moderator.pictures(
            {index: picture.original for index, picture in pictures.items()},
            partial(self._tell, round_=round_),
        )
        shown = {}
        for index, picture in pictures.items():
            verdict = verdicts.get(index)
            if verdict is None or self._moderator.may_show(verdict):
                shown[index] = picture
                if verdict is not None and verdict.verdict == PASSED:
                    self._seen.add(index)
            elif verdict.verdict != REFUSED:
                self._unseen = ModerationUnavailable(f"{verdict.provider} did not answer.")
        withheld = tuple(sorted(pictures.keys() - shown.keys()))
        if withheld:
            _log.warning("pictures may not be shown", pictures=withheld, round=round_)
        return shown, withheld

    @property
    def may_try_again(self) -> bool:
        """Whether another picture might pass: not while nobody is there to look at it."""
        return self._unseen is None

    def refusal(self) -> ProviderError:
        """Why there is nothing to show."""
        return self._unseen or Withheld("Every picture was refused.")

    def safety(self, indices: Iterable[int]) -> str:
        """Whether all of these were looked at, by this worker or the one that stored them."""
        if not self._moderator.sees_pictures:
            return UNCHECKED
        all_seen = self._moderator.stored_are_checked or self._seen.issuperset(indices)
        return CHECKED if all_seen else UNCHECKED

    async def _tell(self, verdicts: Sequence[Verdict], *, round_: int = 1) -> None:
        for verdict in verdicts:
            metrics.VERDICTS.labels(verdict.stage, verdict.verdict, verdict.provider).inc()
            told = partial(self._facts.append_verdict, verdict, round_=round_)
            await self._caller.patiently(told)


def with_other_seed(request: ImageRequest) -> ImageRequest:
    """The same request, for another picture."""
    return replace(request, seed=(request.seed + OTHER_SEED_STEP) % (SEED_MAX + 1))
