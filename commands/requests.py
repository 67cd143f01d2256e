"""What a customer may ask for: request bodies, and the rules that need no database.

A request is decoded once by msgspec, strictly: unknown fields and wrong types are refused there.
What the catalogue and trimming decide is refused by `checked`, by the name of the field.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from typing import Annotated, ClassVar, Final, TypeVar

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from commands.catalogue import PHOTOS_MAX, STYLES_BY_ID
from events.ids import ImageId, UuidText

PROMPT_CHARS_MAX: Final = 500
COUNT_MAX: Final = 4
SEED_MAX: Final = 2**31 - 1
LATER_KINDS: Final = ("thumbnail",)
"""Kinds that the contract names and that cannot be made yet."""

_MISSING_WORDS: Final = {"image": "must say what to draw", "edit": "must say what to change"}
_RAW_CHARS_MAX: Final = 4 * PROMPT_CHARS_MAX
"""Room for blanks that are trimmed before the real limit holds."""
_LAYOUT: Final = "\t\n\r"
"""Control characters that a text may hold."""


class InvalidRequest(ValueError):
    """A field of a request cannot be used; `reason` is a clause for a person."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field} {reason}")
        self.field = field
        self.reason = reason


_StyleId = Annotated[str, Meta(max_length=64, description="One of GET /styles.")]
_Count = Annotated[int, Meta(ge=1, le=COUNT_MAX, description="How many pictures.")]
_Seed = Annotated[
    int, Meta(ge=0, le=SEED_MAX, description="The same seed, the same picture, where a model can.")
]
_ModelId = Annotated[str, Meta(max_length=64, description="One of GET /models.")]
_Quality = Annotated[str, Meta(max_length=16, description="One of the model's.")]
_SizeOfPhoto = Annotated[
    str,
    Meta(
        max_length=16,
        description="WIDTHxHEIGHT in pixels; without it, what is most like what it begins with.",
    ),
]


class Asked(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"
):
    """A request of any kind.

    A kind's fields, in their order, are what tells a repetition from another request (`body_mac`),
    in the log too: who changes them makes repetitions of earlier requests other ones.
    """


class ImageRequest(Asked, frozen=True, kw_only=True, tag="image"):
    """Make pictures from words."""

    prompt: Annotated[
        str,
        Meta(
            max_length=_RAW_CHARS_MAX,
            description=f"What to draw: 1 to {PROMPT_CHARS_MAX} characters after trimming.",
        ),
    ]
    style_id: _StyleId = "none"
    size: Annotated[str, Meta(max_length=16, description="WIDTHxHEIGHT in pixels.")] = "1024x1024"
    count: _Count = 1
    negative_prompt: (
        Annotated[str, Meta(max_length=_RAW_CHARS_MAX, description="What to leave out.")] | None
    ) = None
    seed: _Seed | None = None
    model: _ModelId | None = None
    quality: _Quality = "standard"


class EditRequest(Asked, frozen=True, kw_only=True, tag="edit"):
    """Change a photo by words."""

    negative_prompt: ClassVar[None] = None

    prompt: Annotated[
        str,
        Meta(
            max_length=_RAW_CHARS_MAX,
            description=f"What to change: 1 to {PROMPT_CHARS_MAX} characters after trimming.",
        ),
    ]
    upload_ids: Annotated[
        tuple[UuidText, ...],
        Meta(
            min_length=1,
            max_length=PHOTOS_MAX,
            description="Completed uploads. The first is the photo to change; the others show what "
            "the words speak of. How many a model takes is its `photos_max`.",
        ),
    ]
    mask_upload_id: (
        Annotated[
            UuidText,
            Meta(
                description="A completed upload as large as the first photo: only where it is "
                "transparent may the photo change."
            ),
        ]
        | None
    ) = None
    style_id: _StyleId = "none"
    size: _SizeOfPhoto | None = None
    count: _Count = 1
    seed: _Seed | None = None
    model: _ModelId | None = None
    quality: _Quality = "standard"


class VariationRequest(Asked, frozen=True, kw_only=True, tag="variation"):
    """Make pictures that are like one of your own."""

    negative_prompt: ClassVar[None] = None

    parent_image_id: Annotated[
        ImageId, Meta(description="One of the pictures that were made for you, not in the bin.")
    ]
    prompt: (
        Annotated[
            str,
            Meta(
                max_length=_RAW_CHARS_MAX,
                description=f"What shall be different, if anything: up to {PROMPT_CHARS_MAX} "
                "characters.",
            ),
        ]
        | None
    ) = None
    style_id: _StyleId = "none"
    size: _SizeOfPhoto | None = None
    count: _Count = 1
    seed: _Seed | None = None
    model: _ModelId | None = None
    quality: _Quality = "standard"


Request = ImageRequest | EditRequest | VariationRequest
AnyRequest = TypeVar("AnyRequest", bound=Request)


def kind_of(request: Request) -> str:
    """Its kind, as the catalogue names it."""
    return str(type(request).__struct_config__.tag)


def checked(request: AnyRequest) -> AnyRequest:
    """The request with its texts trimmed; an empty negative prompt is none.

    Raises:
        InvalidRequest: an empty or over-long text, a style that is not in the catalogue, or an
            upload that is named twice.
    """
    prompt = (request.prompt or "").strip()
    negative = (request.negative_prompt or "").strip() or None
    if not prompt and not isinstance(request, VariationRequest):
        raise InvalidRequest("prompt", _MISSING_WORDS[kind_of(request)])
    if not prompt.isprintable() or not (negative or "").isprintable():
        _refuse_unreadable(prompt, negative)
    for field, text in (("prompt", prompt), ("negative_prompt", negative)):
        if text is not None and len(text) > PROMPT_CHARS_MAX:
            raise InvalidRequest(
                field, f"has {len(text)} characters; at most {PROMPT_CHARS_MAX} are allowed"
            )
    if request.style_id not in STYLES_BY_ID:
        raise InvalidRequest("style_id", "is not one of GET /styles")
    if isinstance(request, ImageRequest):
        if prompt == request.prompt and negative == request.negative_prompt:
            return request
        return replace(request, prompt=prompt, negative_prompt=negative)
    if isinstance(request, EditRequest) and len(set(request.upload_ids)) < len(request.upload_ids):
        raise InvalidRequest("upload_ids", "names an upload twice")
    return replace(request, prompt=prompt or None)


def _refuse_unreadable(prompt: str, negative: str | None) -> None:
    """Refuse control characters (but line breaks and tabs), and a prompt that shows nothing."""
    for field, text in (("prompt", prompt), ("negative_prompt", negative or "")):
        if any(unicodedata.category(one) == "Cc" and one not in _LAYOUT for one in text):
            raise InvalidRequest(field, "holds control characters; remove them")
    if prompt and not any(unicodedata.category(one)[0] not in "CZ" for one in prompt):
        raise InvalidRequest("prompt", "must say what to draw")


def nearest_size(sizes: Sequence[str], width: int, height: int) -> str:
    """Which of these sizes has the shape that is most like the one of this picture.

    Args:
        sizes: `WIDTHxHEIGHT` each, at least one.
        width: of the picture, in pixels.
        height: of the picture, in pixels.
    """

    def distance(size: str) -> float:
        one, other = (int(side) for side in size.split("x"))
        return abs(math.log(one / other) - math.log(width / height))

    return min(sizes, key=distance)
