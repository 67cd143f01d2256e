"""The first moderation stage: word lists, matched in the gateway on what a text really says.

It catches the plain cases before anything is charged; the worker's stage and the provider's own
come after it. A match names a rule and the lists' version, never the text. Pure, and fast enough
to stand before every request.
"""

from __future__ import annotations

from commands.moderation.judging import CATEGORIES, VERSION, judge, moderate

__all__ = ["CATEGORIES", "VERSION", "judge", "moderate"]
