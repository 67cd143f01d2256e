"""What is sent and shown of moderation."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from commands.requests import PROMPT_CHARS_MAX
from gateway.api.documents import Id, Time, says

WORDS_CHARS_MAX = 1_000
TEXT_CHARS_MAX = 4 * PROMPT_CHARS_MAX

Text = Annotated[str, Meta(max_length=TEXT_CHARS_MAX)]


class CheckRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Texts to be checked, as they would be sent; at least one."""

    prompt: Text | None = None
    negative_prompt: Annotated[Text | None, says("What is to be left out.")] = None
    title: Text | None = None
    instructions: Text | None = None


class CheckDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What the first stage says of them."""

    allowed: bool
    reason: Annotated[
        str | None,
        says("What they are refused for: `minors`, `sexual`, `violence`, `hate` and so on."),
    ]
    rule_id: str | None
    list_version: Annotated[str, says("Of the word lists.")]


class AppealRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a refusal is wrong."""

    words: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=WORDS_CHARS_MAX,
            description="In your words; who decides reads them, and your prompt.",
        ),
    ]


class AppealDocument(msgspec.Struct, frozen=True, kw_only=True):
    """An appeal, as its author sees it."""

    id: Id
    generation_id: Id
    status: Annotated[
        str,
        says("`open`, `upheld` (the refusal stands) or `overturned` (you may ask the same again)."),
    ]
    reason: Annotated[str, says("The generation's `error.code`.")]
    filed_at: Time | None
    decided_at: Time | None


class SaidDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What was said of one thing."""

    stage: Annotated[str, says("`words`, `prompt`, `photo` or `picture`.")]
    verdict: Annotated[str, says("`refused`, `passed` or `unavailable`.")]
    rule_id: str | None
    provider: Annotated[str, says("`lists`, `openai`, `bedrock`, `rekognition` or `diffusers`.")]
    index: Annotated[int | None, says("Which photo or picture; null: the words.")]


class OpenAppealDocument(msgspec.Struct, frozen=True, kw_only=True):
    """An appeal, as who decides it sees it."""

    id: Id
    account_id: Id
    generation_id: Id
    status: Annotated[str, says("`open`, `upheld` or `overturned`.")]
    reason: str
    words: Annotated[str | None, says("What the person says; null: the account was erased.")]
    prompt: str | None
    negative_prompt: str | None
    verdicts: tuple[SaidDocument, ...]
    filed_at: Time | None
    decided_at: Time | None


class AppealsDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Appeals, the oldest first."""

    items: tuple[OpenAppealDocument, ...]


class VerdictsOfDay(msgspec.Struct, frozen=True, kw_only=True):
    """How often something was said on one day."""

    day: Annotated[str, says("UTC, `YYYY-MM-DD`.")]
    stage: str
    provider: str
    verdict: Annotated[
        str, says("As in an appeal's; `asked` with stage `words`: how many requests there were.")
    ]
    rule_id: str | None
    count: int


class StatisticsDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What was judged, by day."""

    since: Time | None
    until: Time | None
    items: tuple[VerdictsOfDay, ...]
