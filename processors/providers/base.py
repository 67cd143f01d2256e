"""What the worker asks of an image provider, and how a provider says no.

The errors say what was paid, because that decides what may be done next (design §4): after
`ProviderUncertain` at most one more call is made, and it goes on the books.
"""

from __future__ import annotations

import asyncio
from contextlib import AbstractContextManager
from typing import Final, Protocol

import msgspec

from events.ids import GenerationId
from runtime.errors import PixelpopError

IMAGE: Final = "image"
EDIT: Final = "edit"
VARIATION: Final = "variation"
ONLY_IMAGES: Final = frozenset({IMAGE})


class Photo(msgspec.Struct, frozen=True):
    """A picture to start from; it was decoded and encoded by us, so it is what it says."""

    data: bytes
    content_type: str
    """`image/png` or `image/webp`."""

    def __repr__(self) -> str:
        """Nothing of what it shows."""
        return f"Photo({self.content_type}, {len(self.data)} bytes)"


class ImageRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What to draw; the texts are in clear, so it is never logged."""

    generation_id: GenerationId
    kind: str = IMAGE
    """`image`: from words. `edit`: `photos` as the words say. `variation`: `photos[0]` anew, a
    little different; the words may be empty. Never one that is not among the provider's `kinds`."""
    photos: tuple[Photo, ...] = ()
    """For `edit` one to four of them, the first is the one to change; for `variation` one."""
    mask: Photo | None = None
    """For `edit`: a PNG as large as the first photo; only where it is transparent may the picture
    change."""
    prompt: str
    negative_prompt: str | None
    style_id: str
    width: int
    height: int
    indices: tuple[int, ...]
    """Which pictures of the generation, 1 to 4 of them; after a lost call at times not all."""
    seed: int
    quality: str
    """Of `commands.catalogue.QUALITIES`."""

    @property
    def count(self) -> int:
        """How many pictures."""
        return len(self.indices)

    def __repr__(self) -> str:
        """Name the generation and nothing personal."""
        return f"ImageRequest({self.generation_id})"


class Call(Protocol):
    """What a provider may ask and tell while it works on one attempt."""

    @property
    def attempt(self) -> int:
        """1, or 2 when the outcome of the first is unknown."""
        ...

    def may_start(self, after_seconds: float = 0.0) -> bool:
        """Whether a request sent after so long would still be answered before the deadline."""
        ...

    async def submitted(self, provider_ref: str) -> None:
        """Keep the provider's own name of the call, by which `resume` can ask for it."""
        ...

    async def lost(self, error: ProviderUncertain, pictures: int = 1) -> None:
        """Put on the books that so many pictures of it may have been paid and did not come, where
        others are delivered all the same.
        """
        ...

    def wasted(self, pictures: int) -> None:
        """So many were made, and are paid, that may not be shown; the others are the answer."""
        ...

    def show(self, index: int, data: bytes) -> None:
        """Show a picture that is still being made to who waits for it; never waits or fails."""
        ...


class News(Protocol):
    """How a provider is told by webhook that it had better look; it never has to be."""

    def address(self, provider: str, generation_id: GenerationId, attempt: int) -> str | None:
        """Where a provider may tell of one call; None: nowhere, so look now and then."""
        ...

    def of(
        self, generation_id: GenerationId, attempt: int
    ) -> AbstractContextManager[asyncio.Event]:
        """Inside: an event that is set once something was told of that call."""
        ...


class Provider(Protocol):
    """An image provider; `processors.providers` knows them by the catalogue's names."""

    name: str
    free: bool
    """Whether a call costs nothing, so that it may be made as often as needed."""
    timeout_seconds: float
    """How long one request may take; none is sent unless that fits before the deadline."""

    @property
    def kinds(self) -> frozenset[str]:
        """Which kinds of requests it makes, of `IMAGE`, `EDIT` and `VARIATION`."""
        ...

    async def generate(self, request: ImageRequest, call: Call) -> list[bytes]:
        """Draw; returns encoded pictures (PNG, JPEG or WebP) in the order of
        `request.indices`, at times fewer than asked for.

        Raises:
            ProviderError: see the subclasses.
        """
        ...

    async def resume(self, request: ImageRequest, call: Call, provider_ref: str) -> list[bytes]:
        """Wait for a call that an earlier worker submitted; `request` is what that call asked for.

        Raises:
            ProviderError: `ProviderUncertain` if this provider's calls cannot be asked for.
        """
        ...

    async def close(self) -> None:
        """Give connections back."""
        ...


class AnswersInPlace:
    """What providers share whose answer is the picture itself: there is nothing to ask later."""

    kinds: frozenset[str] = ONLY_IMAGES

    async def resume(
        self,
        request: ImageRequest,
        call: Call,  # noqa: ARG002  of the protocol
        provider_ref: str,  # noqa: ARG002  for those that override it
    ) -> list[bytes]:
        """See `Provider`."""
        raise ProviderUncertain(f"The call for {request.generation_id} cannot be asked for.")


class ProviderError(PixelpopError):
    """A provider made no picture; `code` becomes the reason of `GenerationFailed`."""

    code = "provider_error"
    detail = "The image model could not make this picture. Your credits were returned."
    """A sentence for the person who asked."""
    expected = True
    """Whether it happens in the best of worlds; else somebody has to look at it."""


class ProviderRefused(ProviderError):
    """The provider will not draw this; nothing was paid."""

    code = "provider_refused"
    detail = (
        "The image model refused this prompt under its content rules. Please change the wording "
        "and try again; your credits were returned."
    )


class PhotoRefused(ProviderError):
    """The provider cannot work with this photo or mask; nothing was paid."""

    code = "photo_refused"
    detail = (
        "The image model could not work with this photo. Please try another; your credits were "
        "returned."
    )


class ProviderUnavailable(ProviderError):
    """The provider answered that it cannot, or was not reached at all; nothing was paid."""

    code = "provider_unavailable"
    detail = (
        "The image model is not available at the moment. Please try again in a few minutes; your "
        "credits were returned."
    )


class ProviderMisconfigured(ProviderUnavailable):
    """The provider refuses our key or our model."""

    expected = False


class ProviderUnusable(ProviderError):
    """What the provider delivered, and was paid for, is nothing that may be shown."""

    code = "provider_unusable"
    detail = "The image model's answer could not be used. Your credits were returned."
    expected = False


class ProviderUncertain(ProviderError):
    """The request was sent and its outcome is unknown; it may have been paid."""

    code = "provider_uncertain"
    detail = "The image model did not answer in time. Please try again; your credits were returned."


class TooLate(ProviderError):
    """A request could not have been answered before the deadline, so none was sent."""

    code = "too_late"
    detail = (
        "It took too long until an image model was free. Please try again; your credits were "
        "returned."
    )
