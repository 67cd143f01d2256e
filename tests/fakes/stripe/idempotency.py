"""Answers remembered by `Idempotency-Key`.

Reference, "Idempotent requests": the first status and body of a key come again, 500s included,
once execution had begun; keys have at most 255 characters, are compared with endpoint and
parameters, and may be forgotten after a day. `GET` ignores them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.fakes.stripe.clock import Clock
from tests.fakes.stripe.errors import Invalid

KEY_CHARACTERS_MAX = 255
KEPT_SECONDS = 24 * 3600


@dataclass
class Answer:
    """What was answered to the first request of a key."""

    status: int
    body: dict[str, Any]
    request_id: str


@dataclass
class _Kept:
    path: str
    params: dict[str, Any]
    at: float
    answer: Answer | None = None


class Keys:
    """The keys of one account."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[str, _Kept] = {}

    def begin(self, key: str, path: str, params: dict[str, Any]) -> Answer | None:
        """The answer to give again, if there is one; refuses a key that means something else."""
        if not 0 < len(key) <= KEY_CHARACTERS_MAX:
            message = f"Idempotency keys can be at most {KEY_CHARACTERS_MAX} characters."
            raise Invalid(message, kind="idempotency_error")
        now = self._clock.now()
        kept = self._kept.get(key)
        if kept is None or now - kept.at > KEPT_SECONDS:
            self._kept[key] = _Kept(path, params, now)
            return None
        what = None
        if kept.path != path:
            what = f"for the same endpoint they were first used for ('{path}' vs '{kept.path}')"
        elif kept.params != params:
            what = "with the same parameters they were first used with"
        if what is not None:
            message = (
                f"Keys for idempotent requests can only be used {what}. Try using a key other than "
                f"'{key}' if you meant to execute a different request."
            )
            raise Invalid(message, kind="idempotency_error")
        if kept.answer is None:
            message = f"There is currently another in-progress request using this key: {key}"
            raise Invalid(
                message, code="idempotency_key_in_use", status=409, kind="idempotency_error"
            )
        return kept.answer

    def keep(self, key: str, answer: Answer) -> None:
        self._kept[key].answer = answer

    def drop(self, key: str) -> None:
        """Nothing was executed."""
        self._kept.pop(key, None)
