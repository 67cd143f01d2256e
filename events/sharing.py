"""What people showed to others, and took for themselves. Facts without effect on credits.

A link's code stands in no event: whoever reads the log cannot open what was shared.
"""

from __future__ import annotations

from events.base import Fact, Millis
from events.ids import GenerationId, ImageId, UuidText


class ImageShared(Fact, frozen=True, kw_only=True, gc=False, tag="ImageShared.v1"):
    """A person showed a picture to others."""

    share_id: UuidText
    generation_id: GenerationId
    image_id: ImageId
    via: str
    """`link`: by a link that anybody may open; `inline`: as a message in a chat, by the bot."""
    shows_prompt: bool = False
    """Whether who opens the link may read the prompt."""
    expires_at_ms: Millis | None = None
    """When the link ends; None: there is no link."""


class ImageDownloaded(Fact, frozen=True, kw_only=True, gc=False, tag="ImageDownloaded.v1"):
    """A person asked for a picture as a file; told once for each picture and day."""

    generation_id: GenerationId
    image_id: ImageId


class ShareRevoked(Fact, frozen=True, kw_only=True, gc=False, tag="ShareRevoked.v1"):
    """A person took a link back. Deleting the picture ends its links too, without this."""

    share_id: UuidText
    generation_id: GenerationId
