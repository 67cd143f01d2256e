"""A second model of a run, whose requests have an id: fal's queue, slow and moody by chance.

What was taken can be asked for again, by any worker. So a request is paid twice only where nobody
ever got to know its id.
"""

from __future__ import annotations

import hashlib
import random
import time
from collections import Counter
from http import HTTPStatus

from aiohttp import web

from tests.chaos.evidence import Call
from tests.chaos.load import Promises
from tests.chaos.provider import FAILS, LOSES
from tests.fakes import fal
from tests.fakes.files import picture

MODEL = "flux-dev"
LATE_SHARE, LATE_SECONDS = 0.10, (8.0, 18.0)
TROUBLES = {
    # One in five fails and is not charged: at once, or after it was taken.
    **dict.fromkeys(("[429:1]", "[500]", "[503]"), FAILS * 0.2),
    **dict.fromkeys(("[policy]", "[failed]", "[nobegin]"), FAILS * 0.08),
    # And at times it is charged, for pictures that cannot be shown.
    **dict.fromkeys(("[html]", "[nsfw]", "[oneblack]"), FAILS * 0.05),
    # One in twenty is lost: it was charged, and nobody knows its id.
    **dict.fromkeys(("[504]", "[drop]"), LOSES * 0.5),
    # These only say it later.
    **dict.fromkeys(("[troubled:2]", "[lost:1]"), 0.03),
}
FREE = {"failed", "nobegin"}
LOST = {"504", "drop"}
HIDDEN = {"html": 4, "nsfw": 4, "oneblack": 1}
"""How many of its pictures are none that may be shown, at most."""
DRAWN = hashlib.sha256(picture()).hexdigest()


class MoodyQueue(fal.Fal):
    """Takes its time, fails now and then, and remembers when it was asked for what."""

    def __init__(self, chance: random.Random, latency_seconds: tuple[float, float]) -> None:
        super().__init__()
        self._chance = chance
        self._between_seconds = latency_seconds
        self._began: dict[str, float] = {}
        self._fetched: dict[str, float] = {}

    def settings(self) -> dict[str, str]:
        """By which a worker finds it, by the names of their variables."""
        return {
            "FAL_KEY": fal.KEY,
            "FAL_BASE_URL": self.base_url,
            "PIXELPOP_PROVIDER_ALLOWED_NETWORKS": "127.0.0.0/8",
        }

    def history(self, promises: Promises) -> list[Call]:
        """Every request that was taken, by the generation whose words it holds."""
        ids = {wish.name: generation_id for generation_id, wish in promises.accepted.items()}
        attempts: Counter[str] = Counter()
        calls = []
        for one in self.made:
            prompt, count = one.inputs["prompt"], one.inputs["num_images"]
            billed = 0 if one.directive in FREE else count
            attempts[prompt] += billed > 0  # it knows no attempts: they are counted in order
            is_fetched = one.id in self._fetched and billed > 0
            calls.append(
                Call(
                    ids.get(prompt, prompt),
                    count,
                    self._began[one.id],
                    self._fetched.get(one.id, self._began[one.id]),
                    _outcome(one.directive, is_fetched=is_fetched),
                    sha256=(DRAWN,) * (count - HIDDEN.get(one.directive, 0)) if is_fetched else (),
                    attempt=max(attempts[prompt], 1),
                    billed=billed,
                )
            )
        return calls

    async def _submit(self, request: web.Request) -> web.StreamResponse:
        dice = self._chance.random()
        for trouble, share in TROUBLES.items():
            dice -= share
            if dice < 0:
                self.directives.next.append(trouble)
                break
        return await super()._submit(request)

    async def _taken(self, request: web.Request, made: fal.Made) -> web.StreamResponse:
        self._began[made.id] = time.time()
        return await super()._taken(request, made)

    async def dawdle(self, seconds: float) -> None:
        """Think, at times for long."""
        is_late = self._chance.random() < LATE_SHARE
        between = LATE_SECONDS if is_late else self._between_seconds
        await super().dawdle(max(seconds, self._chance.uniform(*between)))

    async def _result(self, request: web.Request) -> web.Response:
        answer = await super()._result(request)
        if answer.status == HTTPStatus.OK:
            self._fetched[request.match_info["id"]] = time.time()
        return answer


def _outcome(directive: str, *, is_fetched: bool) -> str:
    if directive in FREE:
        return "refused"
    if is_fetched:
        return "answered"
    return "uncertain" if directive in LOST else "taken"
