"""What a customer may ask for: request bodies, and the rules that need no database.

A request is decoded once by msgspec, strictly: unknown fields and wrong types are refused there.
What the catalogue and trimming decide is refused by `checked`, by the name of the field.
"""

from __future__ import annotations

import unicodedata
from typing import Annotated, Final

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from commands.catalogue import MODELS_BY_ID, STYLES_BY_ID, Model

PROMPT_CHARS_MAX: Final = 500
COUNT_MAX: Final = 4
SEED_MAX: Final = 2**31 - 1
LATER_KINDS: Final = ("edit", "variation", "thumbnail")
"""Kinds that the contract names and that cannot be made yet."""

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


class ImageRequest(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="kind",
    tag="image",
):
    """Make pictures from words."""

    prompt: Annotated[
        str,
        Meta(
            max_length=_RAW_CHARS_MAX,
            description=f"What to draw: 1 to {PROMPT_CHARS_MAX} characters after trimming.",
        ),
    ]
    style_id: Annotated[str, Meta(max_length=64, description="One of GET /styles.")] = "none"
    size: Annotated[str, Meta(max_length=16, description="WIDTHxHEIGHT in pixels.")] = "1024x1024"
    count: Annotated[int, Meta(ge=1, le=COUNT_MAX, description="How many pictures.")] = 1
    negative_prompt: (
        Annotated[str, Meta(max_length=_RAW_CHARS_MAX, description="What to leave out.")] | None
    ) = None
    seed: (
        Annotated[int, Meta(ge=0, le=SEED_MAX, description="The same seed, the same picture.")]
        | None
    ) = None
    model: Annotated[str, Meta(max_length=64, description="One of GET /models.")] | None = None
    quality: Annotated[str, Meta(max_length=16, description="One of the model's.")] = "standard"


def checked(request: ImageRequest) -> ImageRequest:
    """The request with its texts trimmed; an empty negative prompt is none.

    Raises:
        InvalidRequest: an empty or over-long text, or a style that is not in the catalogue.
    """
    prompt = request.prompt.strip()
    negative = None if request.negative_prompt is None else request.negative_prompt.strip() or None
    if not prompt:
        raise InvalidRequest("prompt", "must say what to draw")
    if not prompt.isprintable() or not (negative or "").isprintable():
        _refuse_unreadable(prompt, negative)
    for field, text in (("prompt", prompt), ("negative_prompt", negative)):
        if text is not None and len(text) > PROMPT_CHARS_MAX:
            raise InvalidRequest(
                field, f"has {len(text)} characters; at most {PROMPT_CHARS_MAX} are allowed"
            )
    if request.style_id not in STYLES_BY_ID:
        raise InvalidRequest("style_id", "is not one of GET /styles")
    if prompt == request.prompt and negative == request.negative_prompt:
        return request
    return replace(request, prompt=prompt, negative_prompt=negative)


def _refuse_unreadable(prompt: str, negative: str | None) -> None:
    """Refuse control characters (but line breaks and tabs), and a prompt that shows nothing."""
    for field, text in (("prompt", prompt), ("negative_prompt", negative or "")):
        if any(unicodedata.category(one) == "Cc" and one not in _LAYOUT for one in text):
            raise InvalidRequest(field, "holds control characters; remove them")
    if not any(unicodedata.category(one)[0] not in "CZ" for one in prompt):
        raise InvalidRequest("prompt", "must say what to draw")


def chosen_model(request: ImageRequest, default: str, providers: frozenset[str]) -> Model:
    """The model that will make it.

    Args:
        request: names a model or leaves it open.
        default: what is taken when it is left open.
        providers: the ones that are configured.

    Raises:
        InvalidRequest: no such model, or one that does not make this size or quality.
    """
    model = MODELS_BY_ID.get(request.model or default)
    if model is None or model.provider not in providers:
        raise InvalidRequest("model", "is not one of GET /models")
    if request.size not in model.sizes:
        raise InvalidRequest("size", f"must be one of {', '.join(model.sizes)}")
    if request.quality not in model.credits_per_image:
        raise InvalidRequest("quality", f"must be one of {', '.join(model.credits_per_image)}")
    return model
