"""One example of everything on the live topic; `events.examples` takes them over."""

from __future__ import annotations

from events.base import Sealed
from events.ids import AccountId, GenerationId
from events.live import PartialPreview, Progress


def of(account: AccountId, generation: GenerationId) -> tuple[Progress | PartialPreview, ...]:
    """About this generation of that account."""
    return (
        Progress(account_id=account, generation_id=generation, stage="drawing", percent=40),
        PartialPreview(
            account_id=account,
            generation_id=generation,
            index=0,
            image=Sealed("v1.MDEyMzQ1Njc4OTo7PD0-Pw"),
        ),
    )
