"""Several prompts in one command: the body, and the single requests that it stands for."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from commands.requests import (
    COUNT_MAX,
    PROMPT_CHARS_MAX,
    SEED_MAX,
    Asked,
    ImageRequest,
    InvalidRequest,
    checked,
)

BATCH_MAX: Final = 20
"""Prompts in one command."""

_Text = Annotated[str, Meta(max_length=4 * PROMPT_CHARS_MAX)]
_Short = Annotated[str, Meta(max_length=64)]


class BatchItem(Asked, frozen=True, kw_only=True, tag="image"):
    """As a body of `POST /generations` of the kind `image`; what is left out is the batch's."""

    prompt: Annotated[_Text, Meta(description=f"What to draw: 1 to {PROMPT_CHARS_MAX} characters.")]
    style_id: _Short | None = None
    size: _Short | None = None
    count: Annotated[int, Meta(ge=1, le=COUNT_MAX, description="How many pictures.")] = 1
    negative_prompt: Annotated[_Text, Meta(description="What to leave out.")] | None = None
    seed: Annotated[int, Meta(ge=0, le=SEED_MAX)] | None = None
    model: _Short | None = None
    quality: _Short | None = None


class BatchRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ask for several generations at once."""

    items: Annotated[
        tuple[BatchItem, ...],
        Meta(min_length=1, max_length=BATCH_MAX, description="In the order of their admission."),
    ]
    style_id: Annotated[_Short, Meta(description="Of all that name none: one of GET /styles.")] = (
        "none"
    )
    size: Annotated[_Short, Meta(description="Of all that name none: WIDTHxHEIGHT in pixels.")] = (
        "1024x1024"
    )
    model: Annotated[_Short, Meta(description="Of all that name none: one of GET /models.")] | (
        None
    ) = None
    quality: Annotated[_Short, Meta(description="Of all that name none: one of the model's.")] = (
        "standard"
    )


def requests_of(batch: BatchRequest) -> tuple[ImageRequest, ...]:
    """The single requests, in order, each trimmed and checked.

    Raises:
        InvalidRequest: one of them cannot be used; its field begins with `items[…].`.
    """
    requests = []
    for index, one in enumerate(batch.items):
        single = ImageRequest(
            prompt=one.prompt,
            style_id=one.style_id or batch.style_id,
            size=one.size or batch.size,
            count=one.count,
            negative_prompt=one.negative_prompt,
            seed=one.seed,
            model=one.model or batch.model,
            quality=one.quality or batch.quality,
        )
        try:
            requests.append(checked(single))
        except InvalidRequest as error:
            raise of_item(index, error) from None
    return tuple(requests)


def of_item(index: int, error: InvalidRequest) -> InvalidRequest:
    """The same refusal, saying which item of the batch it is about."""
    return InvalidRequest(f"items[{index}].{error.field}", error.reason)


def status_of(statuses: tuple[str, ...]) -> str:
    """How a batch stands as a whole, by the vocabulary of generations.

    Args:
        statuses: of its generations, at least one.
    """
    open_ones = [one for one in statuses if one in {"pending", "processing"}]
    if open_ones:
        untouched = len(open_ones) == len(statuses) and "processing" not in open_ones
        return "pending" if untouched else "processing"
    for best in ("done", "failed", "cancelled"):
        if best in statuses:
            return best
    return "rejected"
