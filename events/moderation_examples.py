"""Examples of what moderation says and of appeals; see `examples`."""

from __future__ import annotations

from typing import Any, Final

from events import ids
from events.base import Sealed
from events.codec import Event
from events.moderation import (
    PICTURE,
    REFUSED,
    AppealFiled,
    AppealOverturned,
    AppealUpheld,
    ModerationVerdict,
)

_APPEAL: Final = ids.derive("example", "appeal")


def facts(about: dict[str, Any], act: dict[str, Any]) -> tuple[Event, ...]:
    """One of each fact.

    Args:
        about: what every fact about the example's generation has.
        act: what every admin's act has.
    """
    acted = {**act, "generation_id": about["generation_id"], "appeal_id": _APPEAL}
    return (
        ModerationVerdict(
            **about,
            stage=PICTURE,
            verdict=REFUSED,
            rule_id="violence/graphic",
            reason="violence",
            provider="openai",
            list_version="omni-moderation-latest",
            index=1,
            round=2,
        ),
        AppealFiled(
            **about,
            appeal_id=_APPEAL,
            reason="prohibited",
            words=Sealed("v1.UFFSU1RVVldYWVpbXF1eXw"),
        ),
        AppealUpheld(**acted, before=("open",), after=("upheld",)),
        AppealOverturned(**acted, body_mac="ef" * 32, before=("open",), after=("overturned",)),
    )
