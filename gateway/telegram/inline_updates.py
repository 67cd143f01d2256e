"""Inline queries and what was chosen of their results, as Telegram sends them.

https://core.telegram.org/bots/api#inline-mode.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.api.documents import says
from gateway.telegram.messages import User


class InlineQuery(msgspec.Struct, frozen=True, kw_only=True):
    """A person typed the bot's name and some words in any chat."""

    id: Annotated[str, says("What it is answered by.")]
    sender: User = msgspec.field(name="from")
    query: Annotated[str, Meta(max_length=1024, description="The words.")] = ""
    offset: Annotated[
        str, Meta(max_length=64, description="What page; from an earlier answer.")
    ] = ""


class ChosenInlineResult(msgspec.Struct, frozen=True, kw_only=True):
    """A person sent one of the results."""

    result_id: Annotated[str, Meta(max_length=64)]
    sender: User = msgspec.field(name="from")
