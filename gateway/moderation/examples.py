"""Examples of what is sent and shown of moderation."""

from __future__ import annotations

from typing import Any, Final

from events.envelope import rfc3339
from gateway.api.problem_examples import GENERATION
from gateway.moderation.documents import (
    AppealDocument,
    AppealRequest,
    AppealsDocument,
    CheckDocument,
    CheckRequest,
    OpenAppealDocument,
    SaidDocument,
    StatisticsDocument,
    VerdictsOfDay,
)

_ID: Final = "0b0f1c52-6f0e-4a2b-9b56-2f1f6c1f4c1e"
_ACCOUNT: Final = "5f0c1a52-7c64-4b0e-9d2f-3b1f0a9f6d11"
_VERSION: Final = "2026-11-22"  # one of them: the contract need not change with the lists
_MS: Final = 1_767_225_600_000
_DAY_MS: Final = 86_400_000
_WORDS: Final = "It is a poster for a museum of medicine."

_open = OpenAppealDocument(
    id=_ID,
    account_id=_ACCOUNT,
    generation_id=GENERATION,
    status="open",
    reason="prohibited",
    words=_WORDS,
    prompt="an anatomical drawing of a hand",
    negative_prompt=None,
    verdicts=(
        SaidDocument(
            stage="prompt",
            verdict="refused",
            rule_id="violence/graphic",
            provider="openai",
            index=None,
        ),
    ),
    filed_at=rfc3339(_MS),
    decided_at=None,
)

BY_SHAPE: Final[dict[Any, Any]] = {
    CheckRequest: CheckRequest(prompt="a lighthouse in the fog"),
    CheckDocument: CheckDocument(allowed=True, reason=None, rule_id=None, list_version=_VERSION),
    AppealRequest: AppealRequest(words=_WORDS),
    AppealDocument: AppealDocument(
        id=_ID,
        generation_id=GENERATION,
        status="open",
        reason="prohibited",
        filed_at=rfc3339(_MS),
        decided_at=None,
    ),
    OpenAppealDocument: _open,
    AppealsDocument: AppealsDocument(items=(_open,)),
    StatisticsDocument: StatisticsDocument(
        since=rfc3339(_MS),
        until=rfc3339(_MS + _DAY_MS),
        items=(
            VerdictsOfDay(
                day="2026-01-01",
                stage="prompt",
                provider="openai",
                verdict="refused",
                rule_id="violence/graphic",
                count=3,
            ),
        ),
    ),
}
"""By struct."""
