"""Everything that can have happened to a generation, except to its credits."""

from __future__ import annotations

import msgspec

from events.base import Decision, Fact, Moved, Natural, Sealed, Small
from events.ids import GenerationId, ImageId, UuidText


class Moderation(msgspec.Struct, frozen=True, gc=False):
    """What the gateway's first moderation stage found, so that nobody need unseal the prompt."""

    rule_id: str
    list_version: str


class GenerationRequested(Fact, frozen=True, kw_only=True, gc=False, tag="GenerationRequested.v1"):
    """Somebody asks for pictures. The first in the log with its generation id counts."""

    generation_id: GenerationId
    kind: str
    """`image`, `edit` or `variation`; later also `thumbnail`."""
    prompt: Sealed
    negative_prompt: Sealed | None = None
    style_id: str
    size: str
    """`WIDTHxHEIGHT` in pixels."""
    count: Small
    seed: Natural
    model: str
    quality: str
    body_mac: str
    """HMAC-SHA256 in hex, under the account's key, of the canonical body of the request."""
    prohibited: Moderation | None = None
    """Set when the first moderation stage says no."""
    upload_ids: tuple[UuidText, ...] = ()
    """Of an `edit`: the photos that it begins with, the one to change first."""
    mask_upload_id: UuidText | None = None
    """Of an `edit`: the picture that is transparent where the photo may change."""
    parent_image_id: ImageId | None = None
    """Of a `variation`: the picture that it is like."""
    photo_keys: tuple[str, ...] = ()
    """The objects of those photos, or of that picture, in the same order."""
    mask_key: str | None = None
    """The object of the mask."""
    via_api: bool = False
    """Asked for with an API key."""
    closed_providers: tuple[str, ...] = ()
    """Providers of the model that had spent their day's ceiling when it was asked for."""
    over_budget: bool = False
    """All of them had."""


class GenerationRejected(
    Decision, frozen=True, kw_only=True, gc=False, tag="GenerationRejected.v1"
):
    """The request is not admitted; nothing is charged."""

    generation_id: GenerationId
    reason: str
    """`prohibited`, `unavailable`, `rate_limited`, `batch_in_flight`, `insufficient_credits`,
    `over_budget`, `timed_out` or `account_erased`."""
    credits_needed: Moved = 0
    credits_available: Moved = 0
    retry_after_ms: Natural = 0
    """For `rate_limited`: how long after `decided_at_ms` the next request is admitted."""
    rule_id: str | None = None


class GenerationStarted(Fact, frozen=True, kw_only=True, gc=False, tag="GenerationStarted.v1"):
    """A worker began to perform the job."""

    generation_id: GenerationId
    attempt: Small
    provider: str


class Preview(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A smaller copy of a picture."""

    object_key: str
    content_type: str
    width: Small
    height: Small


class Image(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One finished picture, as it is stored."""

    image_id: ImageId
    index: Small
    object_key: str
    preview_key: str
    width: Small
    height: Small
    content_type: str
    size_bytes: Natural
    sha256: str
    """Of the original's bytes, in hex."""
    previews: tuple[Preview, ...] = ()
    """Further ones, beside the WebP under `preview_key`."""
    blurhash: str = ""
    """How it looks from afar (https://blurha.sh); empty: it was made before these were."""
    near_hash: str = ""
    """64 bits in hex, nearly the same for pictures that look alike; empty: as above."""

    @property
    def object_keys(self) -> tuple[str, ...]:
        """Everything that is stored of it."""
        return (self.object_key, self.preview_key, *(one.object_key for one in self.previews))


class GenerationCompleted(Fact, frozen=True, kw_only=True, gc=False, tag="GenerationCompleted.v1"):
    """At least one picture was made and stored."""

    generation_id: GenerationId
    images: tuple[Image, ...]
    failed_count: Small = 0
    provider: str
    model: str
    attempt: Small = 1
    safety: str = "unchecked"
    """`checked`: somebody looked at every picture; `unchecked`: nobody did."""
    cost_micros: Natural = 0
    """What the provider's calls cost us, in millionths of a US dollar, as the catalogue has it;
    without those that `ProviderCallUncertain` tells of."""
    made_ms: Natural = 0
    """From the start of the first call to the stored pictures; 0: not known."""
    finishing_ms: Natural = 0
    """Of that, what came after the last call's answer; 0: not known."""


class GenerationFailed(Fact, frozen=True, kw_only=True, gc=False, tag="GenerationFailed.v1"):
    """No picture was made; everything that was reserved returns."""

    generation_id: GenerationId
    reason: str
    """A stable code: `provider_unavailable`, `provider_refused`, `too_late`, `key_destroyed`, …"""
    detail: str
    """A sentence for the person who asked; contains nothing personal."""
    attempt: Small = 1
    provider: str = ""
    """Who was called last; empty: nobody."""
    model: str = ""
    cost_micros: Natural = 0
    """What was paid all the same, as in `GenerationCompleted`."""


class GenerationCancelled(Fact, frozen=True, kw_only=True, gc=False, tag="GenerationCancelled.v1"):
    """The job was cancelled before anybody paid a provider for it."""

    generation_id: GenerationId


class ProviderCallUncertain(
    Fact, frozen=True, kw_only=True, gc=False, tag="ProviderCallUncertain.v1"
):
    """A provider may have been paid for a call whose outcome nobody knows; it is on the books."""

    generation_id: GenerationId
    attempt: Small
    provider: str
    model: str = ""
    cost_micros: Natural = 0
    """What that call costs us if it was paid, in millionths of a US dollar."""


class GenerationDeleted(Fact, frozen=True, kw_only=True, gc=False, tag="GenerationDeleted.v1"):
    """Its owner moved it to the bin, where it stays 30 days."""

    generation_id: GenerationId


class GenerationRestored(Fact, frozen=True, kw_only=True, gc=False, tag="GenerationRestored.v1"):
    """Its owner took it back out of the bin."""

    generation_id: GenerationId


class ImageDeleted(Fact, frozen=True, kw_only=True, gc=False, tag="ImageDeleted.v1"):
    """One picture was moved to the bin, where it stays 30 days."""

    generation_id: GenerationId
    image_id: ImageId


class ImageRestored(Fact, frozen=True, kw_only=True, gc=False, tag="ImageRestored.v1"):
    """One picture was taken back out of the bin."""

    generation_id: GenerationId
    image_id: ImageId
