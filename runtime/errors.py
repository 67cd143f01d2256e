"""The one root of every exception that Pixelpop raises on purpose.

Expected refusals (no credits, too many requests) are events, not exceptions. What is left are
faults: each has a stable `code` that logs, metrics and problem documents share, and says whether
doing the same thing again may work.
"""

from __future__ import annotations

from typing import ClassVar


class PixelpopError(Exception):
    """Something Pixelpop cannot do; `str(error)` is a sentence for the person who has to act."""

    code: ClassVar[str] = "internal"
    """Stable, lower-case, dashed; never reworded once released."""

    retryable: ClassVar[bool] = False
    """Whether the same call may succeed later without anybody changing anything."""


class StartError(PixelpopError):
    """A process cannot start; the message says what to change. Exit code 78 (EX_CONFIG)."""

    code = "cannot-start"


class SettingsError(StartError):
    """A setting is unknown, missing or has a bad value; the message names it."""

    code = "bad-settings"
