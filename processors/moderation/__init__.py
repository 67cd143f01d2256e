"""The second moderation stage: models that look at prompts, photos and pictures.

`open_moderation(settings, executor)` gives the `Moderator` of these settings; it stands before
every call of a provider and behind it.
"""

from processors.moderation.base import (
    Checked,
    Checker,
    CheckUnavailable,
    ModerationUnavailable,
    Prohibited,
    Withheld,
)
from processors.moderation.moderator import NOBODY, Moderator
from processors.moderation.opening import open_moderation

__all__ = [
    "NOBODY",
    "CheckUnavailable",
    "Checked",
    "Checker",
    "ModerationUnavailable",
    "Moderator",
    "Prohibited",
    "Withheld",
    "open_moderation",
]
