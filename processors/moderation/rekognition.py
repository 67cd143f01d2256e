"""Amazon Rekognition's moderation labels, for pictures."""

from __future__ import annotations

from typing import Any, Final

from processors.moderation.aws import AwsClient, asking
from processors.moderation.base import Checked, CheckUnavailable
from runtime.settings import Settings

REASONS: Final = {
    "Explicit": "sexual",
    "Explicit Nudity": "sexual",
    "Exposed Female Nipple": "sexual",
    "Non-Explicit Nudity of Intimate parts and Kissing": "sexual",
    "Violence": "violence",
    "Graphic Violence": "violence",
    "Visually Disturbing": "violence",
    "Hate Symbols": "hate",
}
"""Its labels of the first and second level that are a reason to refuse; others (`Swimwear or
Underwear`, `Alcohol`, `Tobacco`, `Gambling`, …) are none."""
_TOLERATED: Final = frozenset({"Weapons", "Weapon Violence", "Non-Explicit Nudity", "Kissing"})
_ANSWER_UNREADABLE: Final = "Rekognition's answer cannot be read."


class RekognitionChecker:
    """Asks `DetectModerationLabels`; it reads no texts."""

    name = "rekognition"
    version = "detect-moderation-labels"

    def __init__(self, settings: Settings) -> None:
        self._min_confidence = settings.moderation_min_confidence
        self._client = AwsClient("rekognition", settings)

    async def text(self, text: str) -> Checked:  # noqa: ARG002  of the protocol
        """See `Checker`."""
        raise CheckUnavailable("Rekognition reads no texts.", retryable=False)

    async def picture(self, jpeg: bytes) -> Checked:
        """See `Checker`."""
        async with asking("Rekognition"):
            client = await self._client.get()
            answer = await client.detect_moderation_labels(
                Image={"Bytes": jpeg}, MinConfidence=self._min_confidence
            )
        labels = answer.get("ModerationLabels")
        if not isinstance(labels, list):
            raise CheckUnavailable(_ANSWER_UNREADABLE)
        return next((found for label in labels if (found := self._judged(label))), Checked())

    async def close(self) -> None:
        """See `Checker`."""
        await self._client.close()

    def _judged(self, label: dict[str, Any]) -> Checked | None:
        name, parent = label.get("Name") or "", label.get("ParentName") or ""
        if not name or name in _TOLERATED or label.get("Confidence", 100.0) < self._min_confidence:
            return None
        reason = REASONS.get(name) or REASONS.get(parent)
        return None if reason is None else Checked(name, reason)
