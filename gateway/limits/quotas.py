"""How often somebody may ask: by address, by sign-in, by account, by API key.

Counted here, in memory, by a sliding window in two counters: what came in the window before counts
for as much of it as the last `window_seconds` still cover. A check takes about a microsecond and
waits for nothing, for it stands before every request. Where several gateways share a store, that
is asked as well, by the same rule (`shared_limits`): what is refused here is refused there too, so
a flood never gets that far.

The first line against floods, too: an account may ask for `FLOOD_FACTOR` times the generations
that the decider will admit. The decider alone judges the real limit, in the log; this only keeps a
flood from filling it (design §2).
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from commands.policy import DEFAULT
from gateway.operations import metrics
from gateway.web.errors import Problem
from runtime.settings import Settings

if TYPE_CHECKING:
    from gateway.limits.shared import SharedLimits

MINUTE_SECONDS: Final = 60
HOUR_SECONDS: Final = 3_600
FLOOD_FACTOR: Final = 5
A_MOMENT_SECONDS: Final = 0.001
"""At the very end of a wait nothing has faded yet."""
Header = tuple[bytes, bytes]


class Policy(NamedTuple):
    """A limit as it is told to clients."""

    name: str
    quota: int
    window_seconds: int
    detail: str
    """What is said to whom it stops."""
    code: str = "too-many-requests"

    @property
    def header(self) -> Header:
        """`RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10)."""
        text = f'"{self.name}";q={self.quota};w={self.window_seconds}'
        return b"ratelimit-policy", text.encode()

    def left(self, remaining: int, reset_seconds: int) -> list[Header]:
        """Both headers of the draft: the policy, and what is left of it."""
        text = f'"{self.name}";r={remaining};t={reset_seconds}'
        return [self.header, (b"ratelimit", text.encode())]

    def refusal(self, wait_seconds: float) -> Problem:
        """429, with the time after which one more will be taken."""
        wait = max(1, -int(-wait_seconds // 1))
        return Problem(
            self.code, f"{self.detail} Wait {wait} s.", headers=self.left(0, wait), retry_after=wait
        )


ADMISSION: Final = Policy(
    "generations",
    DEFAULT.bucket_generations,
    DEFAULT.bucket_capacity_ms // 1000,
    "You asked for more generations than are made in a minute.",
    "rate-limited",
)
"""The real limit, as it is told: the decider judges it, in the log."""


class Policies(NamedTuple):
    """All limits of one gateway."""

    address: Policy
    sign_ins: Policy
    failures: Policy
    account: Policy
    changes: Policy
    """Beside generations: what it asks to be written is in the log for ever, or sent to others."""
    codes: Policy
    """Of promotions and gifts: nobody shall find one by trying."""
    checks: Policy
    """Of texts that are checked before they are sent."""
    api_key: Policy
    bot: Policy
    """What one person writes to the bot: more is taken and not answered."""
    generations: Policy


def policies_of(settings: Settings) -> Policies:
    """The limits that these settings name."""
    return Policies(
        address=Policy(
            "address",
            settings.limit_address_per_minute,
            MINUTE_SECONDS,
            "More requests come from your address than this service takes.",
        ),
        sign_ins=Policy(
            "sign-ins",
            settings.limit_sign_ins_per_minute,
            MINUTE_SECONDS,
            "Too many sign-ins come from your address.",
        ),
        failures=Policy(
            "refused-credentials",
            settings.limit_failures_per_minute,
            MINUTE_SECONDS,
            "Too many credentials from your address had to be refused.",
        ),
        account=Policy(
            "account",
            settings.limit_account_per_minute,
            MINUTE_SECONDS,
            "This account sends more requests than this service takes.",
        ),
        changes=Policy(
            "changes",
            settings.limit_changes_per_hour,
            HOUR_SECONDS,
            "This account changes more than this service writes down.",
        ),
        codes=_codes(settings),
        checks=_checks(settings),
        api_key=Policy(
            "api-key",
            settings.limit_api_key_requests,
            settings.limit_api_key_window_seconds,
            "This API key has no requests left for now.",
        ),
        bot=Policy(
            "bot",
            settings.limit_bot_per_minute,
            MINUTE_SECONDS,
            "You write more to the bot than it answers.",
        ),
        generations=Policy(
            "generations-asked-for",
            DEFAULT.bucket_generations * FLOOD_FACTOR,
            MINUTE_SECONDS,
            "You ask for generations far faster than they are made.",
            "rate-limited",
        ),
    )


def _codes(settings: Settings) -> Policy:
    return Policy(
        "codes",
        settings.limit_codes_per_hour,
        HOUR_SECONDS,
        "You tried more codes than anybody is given.",
    )


def _checks(settings: Settings) -> Policy:
    return Policy(
        "moderation-checks",
        settings.limit_moderation_checks_per_minute,
        MINUTE_SECONDS,
        "You have more texts checked than anybody writes.",
    )


class _Window:
    """Two counters: of the running window, and of the one before it."""

    __slots__ = ("before", "began", "count")

    def __init__(self, began: float) -> None:
        self.began = began
        self.count = 0
        self.before = 0


def wait_seconds(policy: Policy, before: int, count: int, age_seconds: float) -> float:
    """How long until one more fits, `age_seconds` into the running window; 0: it does now."""
    quota, window = policy.quota, policy.window_seconds
    if int(before * (window - age_seconds) / window) + count < quota:
        return 0.0
    if count >= quota:  # not before this window is the one before, and has begun to fade
        return window - age_seconds + window * (1 - quota / count) + A_MOMENT_SECONDS
    return window * (1 - (quota - count) / before) - age_seconds + A_MOMENT_SECONDS


class Limits:
    """Counts and refuses.

    Args:
        settings: the limits, and how many counters of a kind are kept; whoever was unseen for
            longest is forgotten first.
        shared: where several gateways count together.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        shared: SharedLimits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.policies = policies_of(settings)
        self.shared = shared
        self._kept_max = settings.limits_kept_max
        self._clock = clock
        self._kept: dict[str, OrderedDict[str, _Window]] = {
            policy.name: OrderedDict() for policy in self.policies
        }

    def take_here(self, policy: Policy, key: str) -> None:
        """Take one, as far as this process knows.

        Raises:
            Problem: there is none; nothing was taken.
        """
        now = self._clock()
        kept = self._kept[policy.name]
        window = kept.get(key)
        if window is None:
            window = kept[key] = _Window(now)
            if len(kept) > self._kept_max:
                kept.popitem(last=False)
        else:
            kept.move_to_end(key)
            _turn(window, now, policy.window_seconds)
            wait = wait_seconds(policy, window.before, window.count, now - window.began)
            if wait > 0:
                metrics.LIMITED.labels(policy.name).inc()
                raise policy.refusal(wait)
        window.count += 1

    async def take(self, policy: Policy, key: str) -> None:
        """Take one, over all gateways.

        Raises:
            Problem: there is none.
        """
        self.take_here(policy, key)
        if self.shared is not None:
            await self.shared.take(policy, key)

    def require(self, policy: Policy, key: str) -> None:
        """Refuse where nothing is known to be left, without taking anything.

        Raises:
            Problem: nothing is left.
        """
        if self.shared is not None:
            self.shared.require(policy, key)
        window = self._kept[policy.name].get(key)
        if window is None:
            return
        now = self._clock()
        _turn(window, now, policy.window_seconds)
        wait = wait_seconds(policy, window.before, window.count, now - window.began)
        if wait > 0:
            metrics.LIMITED.labels(policy.name).inc()
            raise policy.refusal(wait)

    async def left(self, policy: Policy, key: str) -> list[Header]:
        """What an answer says of a limit that was not met."""
        told = None if self.shared is None else await self.shared.left(policy, key)
        if told is None:
            window = self._kept[policy.name].get(key) or _Window(self._clock())
            told = (window.before, window.count, self._clock() - window.began)
        before, count, age = told
        rest = max(0.0, policy.window_seconds - age)
        remaining = policy.quota - int(before * rest / policy.window_seconds) - count
        return policy.left(max(0, remaining), max(1, round(rest)))


def _turn(window: _Window, now: float, window_seconds: int) -> None:
    """Begin the next window, if this one is over."""
    age = now - window.began
    if age < window_seconds:
        return
    if age < 2 * window_seconds:
        window.began += window_seconds
        window.before = window.count
    else:
        window.began, window.before = now, 0
    window.count = 0
