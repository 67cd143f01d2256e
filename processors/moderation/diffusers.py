"""A safety checker of Stable Diffusion's form as a checker of pictures, on this machine.

It looks at one picture after another in a thread of its own, and is loaded in the background from
the start on. Nothing leaves the machine. What torch is needed for stands in `diffusers_safety`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import structlog

from processors.moderation.base import Checked, CheckUnavailable
from processors.providers.extras import require_diffusers
from runtime.errors import SettingsError
from runtime.settings import Settings

_log = structlog.get_logger(__name__)

RULE_ID = "safety-checker"
REASON = "sexual"
"""All that such a checker looks for."""

Look = Callable[[bytes], bool]
"""Whether a JPEG must not be shown."""


class DiffusersChecker:
    """Asks `DIFFUSERS_SAFETY_CHECKER`.

    Args:
        settings: which, and on which device.
        load: loads it; unset: by `diffusers_safety`.

    Raises:
        SettingsError: none is set, or the extra is not installed.
    """

    name = "diffusers"

    def __init__(self, settings: Settings, load: Callable[[], Look] | None = None) -> None:
        if settings.diffusers_safety_checker is None:
            raise SettingsError(
                "PIXELPOP_MODERATION_PICTURES is diffusers, and DIFFUSERS_SAFETY_CHECKER is unset."
            )
        if load is None:
            require_diffusers("DIFFUSERS_SAFETY_CHECKER")
            load = _loader(settings)
        self.version = settings.diffusers_safety_checker
        self._thread = ThreadPoolExecutor(1, "safety checker")
        self._loading = self._thread.submit(load)

    async def text(self, text: str) -> Checked:  # noqa: ARG002  the protocol's
        """See `Checker`."""
        raise CheckUnavailable("A safety checker reads no texts.", retryable=False)

    async def picture(self, jpeg: bytes) -> Checked:
        """See `Checker`."""
        try:
            look = await asyncio.wrap_future(self._loading)
            unsafe = await asyncio.get_running_loop().run_in_executor(self._thread, look, jpeg)
        except Exception as error:  # of many kinds: no such folder, out of memory
            _log.warning("the safety checker does not look", error=repr(error))
            raise CheckUnavailable(
                f"The safety checker failed: {type(error).__name__}.", retryable=False
            ) from error
        return Checked(RULE_ID, REASON) if unsafe else Checked()

    async def close(self) -> None:
        """See `Checker`."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def _loader(settings: Settings) -> Callable[[], Look]:
    def load() -> Look:
        from processors.moderation.diffusers_safety import load

        return load(settings)

    return load
